"""What an import file says, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cosmos_board.data.imports.spec.meanings import CodeRule, ColourRule, NameRule, Objects

SPEC_VERSION = 1
"""Version of the import files we read."""

KINDS = ("raster", "coco", "polygons", "rtstruct", "dicom-seg", "nrrd-seg", "runs")
"""What a file of masks holds: pictures or voxels, or one of six descriptions of regions."""

RUNS = ("absolute", "absolute-rows", "relative")
"""How a table counts runs: from the first pixel, down the columns or along the rows; or onward
from the end of the run before, down the columns."""

WARNINGS = {
    "swapped": "image and mask look swapped",
    "crossed": "several masks belong to several images at once: a part of their paths differs",
    "shared": "one mask belongs to several images",
    "inverted": "masks cover most of their image and its whole border",
    "borders": "masks follow the whole border of their image",
    "clusters": "files look like several of one patient, and cluster is not given",
    "blank": "images of one value are left out",
    "ct-percentile": "CT is normalised by percentiles, where a window (40/400) is usual",
    "objects": "an object is not in the catalog and near one that is",
    "other-picture": "a JSON file of regions names another picture than the one beside it",
}
"""Warnings of a plan by the word that accepts them."""

INSTANCES = ("", "files", "labels", "components")
"""What is an instance of its own: nothing; a file; a code, colour or name; a connected piece."""

Frame = int | str | None
"""Position along the fourth axis, `"all"`, or None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSpec:
    """Which files, and how their contents are looked at."""

    files: str
    """Path pattern below the source folder."""

    reader: str = ""
    """Format, where the file's ending does not tell."""

    key: str = ""
    """Array of an NPZ archive."""

    frame: Frame = None

    axes: str = ""
    """Order in which a bare array (NPY, NPZ, TIFF) holds its axes; empty: the file's own or zyx."""

    orientation: str = "tag"
    """`ignore`: pictures are not turned, whatever their orientation tag says."""

    channels: tuple[int, ...] = ()
    """Positions of the channels that are read: one is grey, three are red, green and blue."""

    stack: str = ""
    """`name`: the files of a volume are its slices, which pair with those of a mask by the
    numbers in their names; `order`: the n-th pairs with the n-th."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSpec(FileSpec):
    """Masks that belong to an image, and what is drawn on them."""

    kind: str = "raster"

    objects: Objects = ()
    """What the foreground of a file means, where it has one meaning."""

    labels: tuple[CodeRule, ...] = ()
    colours: tuple[ColourRule, ...] = ()
    names: tuple[NameRule, ...] = ()

    name: str = ""
    """How a file is called among `names`, or a picture in a table of runs: a template."""

    skip: tuple[str, ...] = ()
    """Codes or names that are passed over on purpose."""

    instances: str = ""
    observer: str = ""
    """Empty for the reference, else the further observer who drew it."""

    threshold: float | None = None
    """Foreground is above it; None cuts at half of the range."""

    colour_tolerance: int | str = 0
    """How far each channel may be from a listed colour; `nearest`: as far as it likes."""

    runs: str = ""
    """How a table counts runs, one of `RUNS`."""

    columns: tuple[str, ...] = ()
    """Columns of a table of runs: of pictures, of names where there are some, and of runs."""

    background: str = "0"
    """Code or colour that means nothing was drawn."""

    @property
    def meanings(self) -> tuple[str, ...]:
        """Every object this may yield, sorted."""
        names = set(self.objects)
        names.update(*(rule.objects for rule in self.labels))
        names.update(*(rule.objects for rule in self.colours))
        names.update(*(rule.objects for rule in self.names))
        return tuple(sorted(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec(FileSpec):
    """Images of one modality and layout, with their masks."""

    modality: str
    cluster: str = ""
    """Template of what is independent: the patient or volume; empty: each file by itself."""

    table: str = ""
    """A CSV file whose columns name the parts of the paths, instead of the file system."""

    normalisation: str = "percentile"
    plane: str = "auto"
    resample: str = ""
    """`nearest`: masks of another size are brought to that of their image."""

    geometry: str = "check"
    """`ignore`: a mask's own idea of where it lies is not believed."""

    masks: tuple[MaskSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSpec:
    """One import file."""

    name: str
    images: tuple[ImageSpec, ...]
    label: str = ""
    version: str = ""
    licence: str = "unknown"
    source: str = ""
    citation: str = ""
    cluster_unit: str = ""
    permissions: Mapping[str, bool] = field(default_factory=dict)
    accept: tuple[str, ...] = ()
    """Words of the warnings that are known and meant."""

    origin: str = ""
    """Where the import file lies, for messages."""
