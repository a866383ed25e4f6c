"""How an image was made: the closed list of modalities."""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.core.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Modality:
    """One way of making an image."""

    name: str
    """Key in files, URLs and on the command line."""

    label: str
    """English heading."""

    label_zh: str
    """Chinese heading."""

    in_cosmos: bool = True
    """Whether the study counts it among its 18."""


MODALITIES: dict[str, Modality] = {
    modality.name: modality
    for modality in (
        Modality("ct", "CT", "CT"),
        Modality("mr-t1", "MRI T1W", "T1 加权 MRI"),
        Modality("mr-t2", "MRI T2W", "T2 加权 MRI"),
        Modality("mr-flair", "MRI T2-FLAIR", "T2-FLAIR MRI"),
        Modality("mr-t1-gd", "MRI T1-GD", "T1 增强 MRI"),
        Modality("mr-pd", "MRI PD", "质子密度 MRI"),
        Modality("mr-adc", "MRI ADC", "ADC MRI"),
        Modality("mr-dw", "MRI DW", "弥散加权 MRI"),
        Modality("mr-cine", "MRI cine", "电影 MRI"),
        Modality("cmr", "CMR", "心脏 MRI"),
        Modality("x-ray", "X-ray", "X 射线"),
        Modality("ultrasound", "Ultrasound", "超声"),
        Modality("fundus", "Fundus", "眼底照相"),
        Modality("dermoscopy", "Dermoscopy", "皮肤镜"),
        Modality("colonoscopy", "Colonoscopy", "结肠镜"),
        Modality("histopathology", "Histopathology", "组织病理"),
        Modality("microscopy", "Microscopy", "显微镜"),
        Modality("electron-microscopy", "Electron microscopy", "电子显微镜"),
        Modality("mr", "MRI (sequence unknown)", "MRI(序列未知)", in_cosmos=False),
        Modality("mammography", "Mammography", "乳腺 X 射线", in_cosmos=False),
        Modality("oct", "OCT", "光学相干断层", in_cosmos=False),
        Modality("octa", "OCT angiography", "OCT 血管成像", in_cosmos=False),
        Modality("pet", "PET", "PET", in_cosmos=False),
        Modality("synthetic", "Synthetic", "合成图像", in_cosmos=False),
    )
}
"""Every modality by name: the study's 18, then those that other datasets need."""


def get_modality(name: str) -> Modality:
    """Return the modality called `name`.

    Raises:
        UnknownNameError: If there is none.

    Example:
        >>> get_modality("ct").label
        'CT'
    """
    if name not in MODALITIES:
        raise UnknownNameError("modality", "name", name, MODALITIES)
    return MODALITIES[name]
