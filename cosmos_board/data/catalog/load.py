"""The catalog's files as typed values; every missing or unknown word is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.data.catalog.dataset import Dataset
from cosmos_board.data.catalog.objects import ObjectName, load_objects
from cosmos_board.data.validation import parse_table


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything the catalog's files say."""

    datasets: Mapping[str, Dataset]
    """By name, in the order of the file."""

    objects: Mapping[str, ObjectName]

    @property
    def cosmos(self) -> tuple[Dataset, ...]:
        """The study's datasets."""
        return tuple(dataset for dataset in self.datasets.values() if dataset.kind == "cosmos")


@cache
def load_catalog() -> Catalog:
    """Return the catalog that comes with the package."""
    text = files("cosmos_board.data.catalog").joinpath("datasets.toml").read_text("utf-8")
    return Catalog(parse_datasets(text), load_objects())


def parse_datasets(text: str) -> dict[str, Dataset]:
    """Return the datasets of a catalog file (TOML) by name; InputError where an entry is wrong."""
    datasets = {
        name: parse_table(Dataset, {"name": name, **entry}, name)
        for name, entry in tomllib.loads(text).items()
    }
    pairs = {
        (name, other.dataset) for name in datasets for other in datasets[name].shares_cases_with
    }
    if one_sided := sorted((name, other) for name, other in pairs if (other, name) not in pairs):
        name, other = one_sided[0]
        problem = "is said of one of the two only"
        raise InputError(name, "shares_cases_with", problem, got=other, want=f"{name} in {other}")
    return datasets


def list_shared_cases() -> dict[str, frozenset[str]]:
    """Return for each dataset that shares cases with others the names of those."""
    return {
        dataset.name: frozenset(other.dataset for other in dataset.shares_cases_with)
        for dataset in load_catalog().datasets.values()
        if dataset.shares_cases_with
    }


def get_dataset(name: str) -> Dataset:
    """Return the dataset called `name`; UnknownNameError if the catalog has none."""
    datasets = load_catalog().datasets
    if name not in datasets:
        raise UnknownNameError("catalog", "dataset", name, datasets)
    return datasets[name]
