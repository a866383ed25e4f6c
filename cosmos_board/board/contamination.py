"""What is known of a model having seen a dataset while it was trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cosmos_board.board.types import Exposure

ORDER: tuple[Exposure, ...] = ("clean", "unknown", "same-source", "trained-on")
"""From best to worst."""

MOST = 0.5
"""A model trained on more than this share of a slice's targets is not ranked on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What the board knows of a model."""

    name: str
    label: str
    family: str
    kind: str
    prompts: frozenset[str]
    training_data: frozenset[str] | None
    """Dataset names; None where the model does not say."""

    tuned_on: frozenset[str] = frozenset()
    """Datasets of which it is on record that a fine-tuning saw a part."""

    base_model: str | None
    """What it was fine-tuned from."""

    @property
    def observer(self) -> bool:
        """Whether it is a person: listed, never ranked."""
        return self.kind == "observer" or self.name.startswith("observer:")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """What the board knows of a dataset."""

    name: str
    label: str
    source: str
    """Address it came from; datasets of one address are one source."""

    cluster_unit: str
    synthetic: bool


def find_exposures(
    models: Mapping[str, ModelFacts], datasets: Mapping[str, DatasetFacts]
) -> dict[tuple[str, str], Exposure]:
    """Return what is known of every model and dataset, by (model, dataset).

    A fine-tuned model has seen what its base saw. `same-source`: the model was trained on another
    dataset from the same address.
    """
    exposures: dict[tuple[str, str], Exposure] = {}
    for model in models.values():
        seen, silent = _find_training_data(model, models)
        sources = {datasets[name].source for name in seen if name in datasets} - {""}
        for dataset in datasets.values():
            exposure: Exposure = "unknown" if silent else "clean"
            if dataset.name in seen:
                exposure = "trained-on"
            elif dataset.source in sources:
                exposure = "same-source"
            exposures[model.name, dataset.name] = exposure
    return exposures


def _find_training_data(
    model: ModelFacts, models: Mapping[str, ModelFacts]
) -> tuple[frozenset[str], bool]:
    """Return what a model and its bases were trained on, and whether one of them does not say."""
    line: list[ModelFacts] = []
    current: ModelFacts | None = model
    silent = False
    while current is not None and current not in line:
        line.append(current)
        base = current.base_model
        silent |= current.training_data is None or (base is not None and base not in models)
        current = models.get(base) if base else None
    seen = (name for each in line for name in (*(each.training_data or ()), *each.tuned_on))
    return frozenset(seen), silent


def worst(exposures: Iterable[Exposure]) -> Exposure:
    """Return the worst of `exposures`; `clean` where there is none.

    Example:
        >>> worst(["clean", "unknown"])
        'unknown'
    """
    return max(exposures, key=ORDER.index, default="clean")
