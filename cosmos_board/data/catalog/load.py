"""The catalog's file → typed values; every missing or unknown word is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.modalities import get_modality
from cosmos_board.data.catalog.dataset import (
    CERTAINTIES,
    FACTS,
    GATES,
    PERMISSIONS,
    USES,
    Dataset,
    Exclusion,
    Gate,
    KnownUse,
)
from cosmos_board.data.catalog.objects import ObjectName, load_objects

_FIELDS: dict[str, type] = {
    "kind": str,
    "label": str,
    "link": str,
    "version": str,
    "targets": list,
    "instances": list,
    "exclusions": list,
    "format": str,
    "gate": dict,
    "licence": str,
    "agreement": bool,
    "permissions": dict,
    "reviewed_by": str,
    "reviewed_on": str,
    "de_identification": str,
    "citation": str,
    "contamination": list,
    "note": str,
    "certainty": dict,
}


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything the catalog's files say."""

    datasets: Mapping[str, Dataset]
    """By name, in the order of the file."""

    objects: Mapping[str, ObjectName]

    @property
    def cosmos(self) -> tuple[Dataset, ...]:
        """The study's datasets."""
        return tuple(entry for entry in self.datasets.values() if entry.kind == "cosmos")


@cache
def load_catalog() -> Catalog:
    """Return the catalog that comes with the package.

    Raises:
        InputError: If an entry lacks a field or a flag, or holds a word that is not in its list.
    """
    text = files("cosmos_board.data.catalog").joinpath("datasets.toml").read_text("utf-8")
    return parse_catalog(text, load_objects())


def parse_catalog(text: str, objects: Mapping[str, ObjectName]) -> Catalog:
    """Return what `text` (TOML) says, checked against the controlled list of objects."""
    entries = tomllib.loads(text)
    return Catalog(
        {name: _parse_dataset(name, entries[name], objects) for name in entries}, objects
    )


def get_dataset(name: str) -> Dataset:
    """Return the dataset called `name`.

    Raises:
        UnknownNameError: If the catalog has none.
    """
    datasets = load_catalog().datasets
    if name not in datasets:
        raise UnknownNameError("catalog", "dataset", name, datasets)
    return datasets[name]


def _parse_dataset(
    name: str, entry: Mapping[str, Any], objects: Mapping[str, ObjectName]
) -> Dataset:
    _check_keys(name, "", entry, _FIELDS)
    for field, kind in _FIELDS.items():
        if not isinstance(entry[field], kind):
            raise InputError(name, field, "has the wrong type", want=kind.__name__)
    _check_keys(name, "permissions", entry["permissions"], PERMISSIONS)
    _check_keys(name, "certainty", entry["certainty"], FACTS)
    for fact, certainty in entry["certainty"].items():
        _check_word(name, f"certainty.{fact}", certainty, CERTAINTIES)
    for flag, allowed in entry["permissions"].items():
        if not isinstance(allowed, bool):
            raise InputError(
                name, f"permissions.{flag}", "has the wrong type", want="true or false"
            )
    if any(entry["permissions"].values()) and not (entry["reviewed_by"] and entry["reviewed_on"]):
        raise InputError(name, "permissions", "are given though nobody has reviewed the licence")
    _check_word(name, "kind", entry["kind"], ("cosmos", "demo"))
    _check_keys(name, "gate", entry["gate"], ("kind", "where", "put"))
    _check_word(name, "gate.kind", entry["gate"]["kind"], GATES)
    codes = _parse_targets(name, entry["targets"], objects)
    for instance in entry["instances"]:
        _check_word(name, "instances", instance, {key for row in codes.values() for key in row})
    plain = {key: entry[key] for key in _FIELDS if isinstance(entry[key], str | bool)}
    return Dataset(
        name=name,
        codes=codes,
        instances=tuple(entry["instances"]),
        exclusions=tuple(Exclusion(**row) for row in entry["exclusions"]),
        gate=Gate(**entry["gate"]),
        permissions=dict(entry["permissions"]),
        contamination=tuple(_parse_use(name, row) for row in entry["contamination"]),
        certainty=dict(entry["certainty"]),
        **plain,
    )


def _parse_targets(
    name: str, rows: Iterable[Mapping[str, Any]], objects: Mapping[str, ObjectName]
) -> dict[str, dict[str, str]]:
    codes: dict[str, dict[str, str]] = {}
    for row in rows:
        _check_keys(name, "targets", row, ("modality", "objects"))
        modality = get_modality(row["modality"]).name
        if modality in codes:
            raise InputError(name, "targets", "names a modality twice", got=modality)
        for key in row["objects"]:
            _check_word(name, f"targets.{modality}", key, objects)
        codes[modality] = dict(row["objects"])
    if not any(codes.values()):
        raise InputError(name, "targets", "are missing")
    return codes


def _parse_use(name: str, row: Mapping[str, str]) -> KnownUse:
    _check_keys(name, "contamination", row, ("model", "use", "source"))
    _check_word(name, "contamination.use", row["use"], USES)
    return KnownUse(**row)


def _check_keys(name: str, field: str, given: Iterable[str], wanted: Iterable[str]) -> None:
    given, wanted = set(given), set(wanted)
    for problem, keys in (("is missing", wanted - given), ("is unknown", given - wanted)):
        if keys:
            path = ".".join(part for part in (field, min(keys)) if part)
            raise InputError(name, path, problem)


def _check_word(name: str, field: str, word: str, words: Iterable[str]) -> None:
    if word not in (known := set(words)):
        raise UnknownNameError(name, field, word, known)
