"""One dataset of the catalog, as a typed value."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from cosmos_board.core.modalities import get_modality
from cosmos_board.data.catalog.objects import load_objects
from cosmos_board.data.validation import FieldError, Rows, Table, want_keys

if TYPE_CHECKING:
    from cosmos_board.core.targets import Target

PERMISSIONS = (
    "redistribute_images",
    "redistribute_masks",
    "show_thumbnails",
    "publish_row_ids",
    "publish_predictions",
    "commercial",
)
"""What may be done with a dataset; each is false until a person has read its licence."""

OPEN_FLAGS = ("redistribute_images", "redistribute_masks", "publish_row_ids")
"""A dataset that lacks one of these is restricted: only aggregates of it are published."""

CERTAINTIES = ("verified", "second-hand", "general-knowledge")
"""The words for how surely a fact is known, the most certain first."""

CHECKED = "checked against "
"""What the certainty of a fact begins with that agrees with a named public source."""

FACTS = ("link", "targets", "layout", "gate", "licence", "citation", "contamination", "note")
"""The facts of a dataset whose certainty is stated."""


def _check_certainty(text: str) -> str:
    if text not in CERTAINTIES and not text.partition(CHECKED)[2].strip():
        wanted = f"{', '.join(CERTAINTIES)} or '{CHECKED}SOURCE'"
        raise FieldError("is unknown", got=repr(text), want=wanted)
    return text


Certainty: TypeAlias = Annotated[str, AfterValidator(_check_certainty)]
"""One of `CERTAINTIES`, or `CHECKED` and the source that the fact agrees with."""


class Gate(Table):
    """How to get the raw files."""

    kind: Literal["direct", "registration", "kaggle"]
    """What a download requires: nothing, a form or terms, an account at Kaggle."""

    where: str
    """Where to go and what to do there."""

    put: str
    """What the folder given as `--source` must hold afterwards."""


class Exclusion(Table):
    """An object of the raw files that enters no pack."""

    object: str
    reason: str


class KnownUse(Table):
    """What a model is known to have done with a dataset."""

    model: str
    """Name in the registry of models."""

    use: Literal["trained-on", "held-out"]
    source: str
    """Who says so."""


def _check_objects(objects: dict[str, str]) -> dict[str, str]:
    known = list(load_objects())
    for name in objects:
        if name not in known:
            near = get_close_matches(name, known) or known[:8]
            raise FieldError("unknown name", got=repr(name), want=" or ".join(near))
    return objects


class SharedCases(Table):
    """Another dataset that has cases of the same patients or frames of the same videos."""

    dataset: str
    """Its name in the catalog, whose own entry says the same of this one."""

    source: str
    """What they share, and who says so."""


class TargetRow(Table):
    """The objects that are drawn in the images of one modality."""

    modality: Annotated[str, AfterValidator(lambda name: get_modality(name).name)]
    objects: Annotated[dict[str, str], AfterValidator(_check_objects)]
    """The codes of each object in the raw files."""


class Dataset(Table):
    """What is known of one dataset, and how surely."""

    name: str
    """Key in files, URLs and on the command line."""

    kind: Literal["cosmos", "demo"]
    """`cosmos` for the study's 53, `demo` for the small packs of our own choosing."""

    label: str
    link: str
    version: str
    target_rows: Rows[TargetRow] = Field(alias="targets")
    instances: Rows[str]
    """Objects whose every instance or side is a reference of its own."""

    exclusions: Rows[Exclusion]
    format: str
    gate: Gate
    licence: str

    agreement: bool
    """Whether terms have to be signed or accepted before the download."""

    permissions: Annotated[Mapping[str, bool], want_keys(PERMISSIONS)]
    """Each of `PERMISSIONS`; `data.catalog.licence.may` is how to ask."""

    reviewed_by: str
    reviewed_on: str
    de_identification: str
    citation: str
    contamination: Rows[KnownUse]
    shares_cases_with: Rows[SharedCases] = ()
    """Datasets with the same patients; a board counts one of them."""

    note: str
    certainty: Annotated[Mapping[str, Certainty], want_keys(FACTS)]
    """How sure each of `FACTS` is."""

    @model_validator(mode="after")
    def _check_across_fields(self) -> Dataset:
        if any(self.permissions.values()) and not (self.reviewed_by and self.reviewed_on):
            problem = "are given though nobody has reviewed the licence"
            raise FieldError(problem, field="permissions")
        if len(self.codes) < len(self.target_rows):
            raise FieldError("name a modality twice", field="targets")
        if not self.objects:
            raise FieldError("are missing", field="targets")
        for name in self.instances:
            if name not in self.objects:
                raise FieldError("is no object of it", field="instances", got=repr(name))
        return self

    @property
    def codes(self) -> Mapping[str, Mapping[str, str]]:
        """Per modality, the codes of each object in the raw files."""
        return {row.modality: row.objects for row in self.target_rows}

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of its modalities, in the order of the file."""
        return tuple(self.codes)

    @property
    def objects(self) -> tuple[str, ...]:
        """Names of its objects over all modalities, sorted."""
        return tuple(sorted({name for row in self.target_rows for name in row.objects}))

    @property
    def targets(self) -> tuple[Target, ...]:
        """Its targets, sorted."""
        from cosmos_board.core.targets import Target

        rows = self.target_rows
        return tuple(sorted(Target(row.modality, name) for row in rows for name in row.objects))
