"""One dataset of the catalog, as a typed value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
"""How we know a fact, surest first."""

FACTS = (
    "link",
    "targets",
    "layout",
    "gate",
    "licence",
    "citation",
    "contamination",
    "note",
)
"""The facts of a dataset whose certainty is stated."""

GATES = ("direct", "registration", "kaggle")
"""What stands before a download: nothing, a form or terms, an account at Kaggle."""

USES = ("trained-on", "held-out")
"""What a model did with a dataset, where it is known."""


@dataclass(frozen=True, slots=True)
class Gate:
    """How to get the raw files."""

    kind: str
    """One of `GATES`."""

    where: str
    """Where to go and what to do there."""

    put: str
    """What the folder given as `--source` must hold afterwards."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An object of the raw files that enters no pack."""

    object: str
    reason: str


@dataclass(frozen=True, slots=True)
class KnownUse:
    """What a model is known to have done with a dataset."""

    model: str
    """Name in the registry of models."""

    use: str
    """One of `USES`."""

    source: str
    """Who says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What is known of one dataset, and how surely."""

    name: str
    """Key in files, URLs and on the command line."""

    kind: str
    """`cosmos` for the study's 53, `demo` for the small packs of our own choosing."""

    label: str
    link: str
    version: str

    codes: Mapping[str, Mapping[str, str]]
    """Per modality, the codes of each object in the raw files."""

    instances: tuple[str, ...]
    """Objects whose every instance or side is a reference of its own."""

    exclusions: tuple[Exclusion, ...]
    format: str
    gate: Gate
    licence: str

    agreement: bool
    """Whether terms have to be signed or accepted before the download."""

    permissions: Mapping[str, bool]
    """Each of `PERMISSIONS`; `data.licence.may` is how to ask."""

    reviewed_by: str
    reviewed_on: str
    de_identification: str
    citation: str
    contamination: tuple[KnownUse, ...]
    note: str
    certainty: Mapping[str, str]
    """One of `CERTAINTIES` for each of `FACTS`."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of its modalities, in the order of the file."""
        return tuple(self.codes)

    @property
    def objects(self) -> tuple[str, ...]:
        """Names of its objects over all modalities, sorted."""
        return tuple(sorted({name for codes in self.codes.values() for name in codes}))

    @property
    def targets(self) -> tuple[Target, ...]:
        """Its targets, sorted."""
        return tuple(
            sorted(
                Target(modality, name) for modality, codes in self.codes.items() for name in codes
            )
        )

    @property
    def restricted(self) -> bool:
        """Whether anything but aggregates must stay off public pages."""
        return not all(self.permissions[flag] for flag in OPEN_FLAGS)
