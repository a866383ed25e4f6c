"""How an image was made: the closed list of modalities."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from cosmos_board.core.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Modality:
    """One way of making an image."""

    name: str
    """Key in files, URLs and on the command line."""

    label: str
    """Heading in English; the site's catalogues translate it."""

    in_cosmos: bool = True
    """Whether the study counts it among its 18."""


MODALITIES: dict[str, Modality] = {
    modality.name: modality
    for modality in (
        Modality("ct", "CT"),
        Modality("mr-t1", "MRI T1W"),
        Modality("mr-t2", "MRI T2W"),
        Modality("mr-flair", "MRI T2-FLAIR"),
        Modality("mr-t1-gd", "MRI T1-GD"),
        Modality("mr-pd", "MRI PD"),
        Modality("mr-adc", "MRI ADC"),
        Modality("mr-dw", "MRI DW"),
        Modality("mr-cine", "MRI cine"),
        Modality("cmr", "CMR"),
        Modality("x-ray", "X-ray"),
        Modality("ultrasound", "Ultrasound"),
        Modality("fundus", "Fundus"),
        Modality("dermoscopy", "Dermoscopy"),
        Modality("colonoscopy", "Colonoscopy"),
        Modality("histopathology", "Histopathology"),
        Modality("microscopy", "Microscopy"),
        Modality("electron-microscopy", "Electron microscopy"),
        Modality("mr", "MRI (sequence unknown)", in_cosmos=False),
        Modality("mammography", "Mammography", in_cosmos=False),
        Modality("oct", "OCT", in_cosmos=False),
        Modality("octa", "OCT angiography", in_cosmos=False),
        Modality("pet", "PET", in_cosmos=False),
        Modality("synthetic", "Synthetic", in_cosmos=False),
    )
}
"""Every modality by name: the study's 18, then those that other datasets need."""


_MR = tuple(name for name in MODALITIES if name.startswith("mr") or name == "cmr")
_SYNONYMS = {
    "us": ("ultrasound",), "usg": ("ultrasound",), "sonography": ("ultrasound",),
    "echo": ("ultrasound",), "echocardiography": ("ultrasound",), "bus": ("ultrasound",),
    "mri": _MR, "mrt": _MR, "nmr": _MR, "magnetic-resonance": _MR, "mr-scan": _MR,
    "mri-scan": _MR, "t1": ("mr-t1",), "t1w": ("mr-t1",), "t2": ("mr-t2",), "t2w": ("mr-t2",),
    "flair": ("mr-flair",), "t1-gd": ("mr-t1-gd",), "t1gd": ("mr-t1-gd",), "t1c": ("mr-t1-gd",),
    "t1ce": ("mr-t1-gd",), "pd": ("mr-pd",), "adc": ("mr-adc",), "dwi": ("mr-dw",),
    "cine": ("mr-cine", "cmr"), "cine-mri": ("mr-cine", "cmr"), "cardiac-mri": ("cmr", "mr-cine"),
    "ct-scan": ("ct",), "cect": ("ct",), "cbct": ("ct",), "cta": ("ct",), "hrct": ("ct",),
    "computed-tomography": ("ct",), "cat": ("ct",), "xray": ("x-ray",), "x-rays": ("x-ray",),
    "cxr": ("x-ray",), "radiograph": ("x-ray",), "radiography": ("x-ray",), "xr": ("x-ray",),
    "dx": ("x-ray",), "cr": ("x-ray",), "mammo": ("mammography",), "mg": ("mammography",),
    "mammogram": ("mammography",), "ffdm": ("mammography",), "cfp": ("fundus",),
    "retina": ("fundus", "oct"), "retinal": ("fundus", "oct"), "fundoscopy": ("fundus",),
    "fundus-photography": ("fundus",), "oct-a": ("octa",), "derm": ("dermoscopy",),
    "dermatoscopy": ("dermoscopy",), "skin": ("dermoscopy",), "endoscopy": ("colonoscopy",),
    "laparoscopy": ("colonoscopy",), "gastroscopy": ("colonoscopy",),
    "histology": ("histopathology",), "pathology": ("histopathology",),
    "wsi": ("histopathology",), "h-e": ("histopathology",), "he": ("histopathology",),
    "em": ("electron-microscopy",), "tem": ("electron-microscopy",),
    "sem": ("electron-microscopy",), "fluorescence": ("microscopy",), "cytology": ("microscopy",),
    "pet-ct": ("pet", "ct"), "phantom": ("synthetic",), "simulated": ("synthetic",),
}  # fmt: skip
"""What others call a modality, in small letters and with hyphens, and what they may mean."""


def find_near_modalities(name: str) -> tuple[str, ...]:
    """Return the modalities that an unknown name may mean; all of them where it is like none.

    Example:
        >>> find_near_modalities("US"), find_near_modalities("CT scan")
        (('ultrasound',), ('ct',))
    """
    word = "-".join(re.findall(r"[a-z0-9]+", name.lower()))
    if word in MODALITIES:
        return (word,)
    near = _SYNONYMS.get(word) or tuple(get_close_matches(word, MODALITIES, 3))
    if not near and (close := get_close_matches(word, _SYNONYMS, 1, 0.8)):
        near = _SYNONYMS[close[0]]
    return near or tuple(MODALITIES)


def get_modality(name: str) -> Modality:
    """Return the modality called `name`.

    Raises:
        UnknownNameError: If there is none.

    Example:
        >>> get_modality("ct").label
        'CT'
    """
    if name not in MODALITIES:
        raise UnknownNameError("modality", "name", name, MODALITIES, find_near_modalities(name))
    return MODALITIES[name]
