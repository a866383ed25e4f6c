"""What an import file says, as typed values; what contradicts itself is refused by its field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cosmos_board.core.errors import InputError
from cosmos_board.core.modalities import get_modality
from cosmos_board.data.catalog.dataset import PERMISSIONS
from cosmos_board.data.imports.spec import fields as f
from cosmos_board.data.imports.spec.file_spec import FileSpec as FileSpec
from cosmos_board.data.imports.spec.mask_spec import MaskSpec as MaskSpec
from cosmos_board.data.imports.spec.part_spec import PartSpec
from cosmos_board.data.imports.spec.patterns import find_fields
from cosmos_board.data.validation import FieldError, Rows, Table, want_keys

SPEC_VERSION = 1
"""Version of the import files we read."""

_DEFAULTS = ("normalisation", "plane", "resample", "geometry", "keep_volumes")
"""Fields of images that may stand once at the top."""


class ImageSpec(FileSpec):
    """Images of one modality and layout, with their masks."""

    modality: str
    cluster: str = ""
    """Template of what is independent: the patient or volume; empty: each file by itself."""

    table: str = ""
    """A CSV file whose columns name the parts of the paths, instead of the file system."""

    normalisation: f.NormalisationRule = "percentile"
    plane: Literal["auto", "axial", "coronal", "sagittal"] = "auto"
    resample: Literal["", "nearest"] = ""
    """`nearest`: masks of another size are brought to that of their image."""

    geometry: Literal["check", "ignore"] = "check"
    """`ignore`: what a mask's file says of its place is not used."""

    keep_volumes: bool = False
    """Whether volumes are kept with all their slices, for the volume track."""

    spacing_mm: f.Spacing = ()
    """Distance of voxels along z, y, x in mm, for volumes of which the file does not say it."""

    parts: Mapping[str, PartSpec] = Field(default_factory=dict)
    """Parts that paths do not name, by name."""

    masks: Rows[MaskSpec] = ()

    @model_validator(mode="before")
    @classmethod
    def _hand_down_selection(cls, values: Any) -> Any:  # noqa: ANN401
        return _hand_down(values, "masks", ())

    @model_validator(mode="after")
    def _check_across_fields(self) -> ImageSpec:
        if "{" not in self.modality:
            try:
                get_modality(self.modality)
            except InputError as error:
                problem = str(error).partition(": ")[2]
                raise FieldError(problem, field="modality") from error
        if all(mask.observer for mask in self.masks):
            raise FieldError("are missing: no entry is without an observer", field="masks")
        if self.channels == "labels":
            raise FieldError('are "labels" in masks only', field="channels")
        if self.table:
            return self  # Its columns are known when it is read.
        known = set(self.parts_of_paths)
        for name, part in self.parts.items():
            _check_part(name, part, known)
        known |= set(self.parts)
        _check_template("modality", self.modality, known)
        _check_template("cluster", self.cluster, known)
        for position, mask in enumerate(self.masks):
            parts = known | set(mask.parts_of_paths)
            _check_template(f"masks[{position}].name", mask.name, parts)
        return self


class ImportSpec(Table):
    """One import file."""

    schema_version: int
    name: f.Name
    images: Annotated[Rows[ImageSpec], BeforeValidator(f.want_tables)]
    label: str = ""
    version: str = ""
    licence: str = "unknown"
    source: str = ""
    citation: str = ""
    cluster_unit: Literal["", "patient", "volume", "image"] = ""
    permissions: Annotated[Mapping[str, bool], want_keys(PERMISSIONS, every=False)] = Field(
        default_factory=dict
    )
    accept: Rows[f.WarningWord] = ()
    """Words of the warnings that are accepted."""

    normalisation: str = ""
    plane: str = ""
    resample: str = ""
    geometry: str = ""
    keep_volumes: bool = False
    """These five hold for all images that do not say otherwise."""

    archives: f.ArchiveRules = ()
    """Archives that are read as if they were unpacked."""

    exclude: f.PathPatterns = ()
    ignore_case: bool = False
    """These two hold for all images and masks."""

    origin: str = ""
    """Where the import file lies, for messages."""

    @model_validator(mode="before")
    @classmethod
    def _hand_down_defaults(cls, values: Any) -> Any:  # noqa: ANN401
        if not isinstance(values, dict):
            return values
        version = values.get("schema_version")
        if type(version) is int and version > SPEC_VERSION:
            problem = "is newer than this program"
            raise FieldError(problem, field="schema_version", got=version, want=SPEC_VERSION)
        return _hand_down(values, "images", _DEFAULTS)


def _hand_down(values: Any, rows_field: str, defaults: Iterable[str]) -> Any:  # noqa: ANN401
    """Return a table whose rows know what it says of all of them; exclusions add up."""
    rows = values.get(rows_field) if isinstance(values, dict) else None
    if not isinstance(rows, list):
        return values
    shared = {name: values[name] for name in (*defaults, "ignore_case") if values.get(name)}
    exclude = _list_exclusions(values)
    return {
        **values,
        rows_field: [
            {**shared, **row, "exclude": [*exclude, *_list_exclusions(row)]}
            if isinstance(row, dict)
            else row
            for row in rows
        ],
    }


def _list_exclusions(values: Mapping[str, Any]) -> list[Any]:
    exclude = f.list_texts(values.get("exclude", []))
    return exclude if isinstance(exclude, list) else [exclude]


def _check_part(name: str, part: PartSpec, known: set[str]) -> None:
    if find_fields(f"{{{name}}}") != [name]:
        raise FieldError("is no name of a part", field=f"parts.{name}", want="patient")
    if name in known:
        raise FieldError("is named by the pattern of files as well", field=f"parts.{name}")
    for template in (part.number, *part.where.values()):
        _check_template(f"parts.{name}", template, known)


def _check_template(field: str, template: str, known: set[str]) -> None:
    """Refuse a template over parts of a path that no pattern names."""
    for part in find_fields(template):
        if part not in known:
            raise FieldError(
                f"names {{{part}}}, which the pattern of files does not",
                field=field, want=", ".join(sorted(known)) or "a pattern with {parts}",
            )  # fmt: skip
