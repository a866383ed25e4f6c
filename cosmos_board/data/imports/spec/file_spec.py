"""Which files an import file means, and how their contents are looked at."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from cosmos_board.data.imports.spec import fields as f
from cosmos_board.data.imports.spec.patterns import find_fields
from cosmos_board.data.validation import FieldError, Table


class FileSpec(Table):
    """Which files, and how their contents are looked at."""

    files: f.PathPattern
    """Path pattern below the source folder."""

    alternatives: f.PathPatterns = ()
    """Further patterns, where a file gives a list: the first that finds something counts."""

    exclude: f.PathPatterns = ()
    """Path patterns of files that are as if they were not there."""

    ignore_case: bool = False
    """Whether names of files, and the parts of their paths, compare without regard to case."""

    reader: Literal["", "picture", "tiff", "array", "hdf5", "nifti", "itk", "dicom"] = ""
    """Format, where the file's ending does not tell."""

    key: str = ""
    """Array of an NPZ or HDF5 file."""

    frame: f.Frame = None
    """Position along the fourth axis, `"all"`, or None where there is none."""

    axes: f.Axes = ""
    """Order of the axes of a bare array (NPY, NPZ, HDF5, TIFF), or of a volume that holds channels
    (NIfTI, NRRD, MetaImage), slowest first; empty: the file's own or zyx."""

    orientation: Literal["tag", "ignore"] = "tag"
    """`ignore`: pictures are not turned, whatever their orientation tag says."""

    channels: f.Channels = ()
    """Positions of the channels that are read: one is grey, three are red, green and blue;
    `labels`: each channel of a mask draws what its position stands for."""

    stack: Literal["", "name", "order"] = ""
    """`name`: the files of a volume are its slices, which pair with those of a mask by the
    numbers in their names; `order`: the n-th pairs with the n-th."""

    @model_validator(mode="before")
    @classmethod
    def _split_alternatives(cls, values: Any) -> Any:  # noqa: ANN401
        if not isinstance(values, dict):
            return values
        if "alternatives" in values:
            raise FieldError("is unknown", field="alternatives", want="files = [FIRST, SECOND]")
        if isinstance(files := values.get("files"), list) and files:
            return {**values, "files": files[0], "alternatives": files[1:]}
        return values

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every pattern of files, in the order in which they are tried."""
        return (self.files, *self.alternatives)

    @property
    def parts_of_paths(self) -> tuple[str, ...]:
        """Names of the parts that any of the patterns names, each once."""
        return tuple(dict.fromkeys(find_fields(*self.patterns)))

    @property
    def shown(self) -> str:
        """The patterns for a message."""
        return " or ".join(self.patterns)
