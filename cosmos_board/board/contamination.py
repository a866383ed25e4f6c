"""What is known of a model having seen a dataset while it was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cosmos_board.board.types import Exposure, ExposureCell

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

    source: str
    """Address of its code or paper."""

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


def find_exposure(
    model: ModelFacts,
    dataset: DatasetFacts,
    models: Mapping[str, ModelFacts],
    datasets: Mapping[str, DatasetFacts],
) -> ExposureCell:
    """Return what is known of `model` and `dataset`; a fine-tuned model has seen its base's data.

    `same-source`: it was trained on another dataset from the same address.
    """
    known, silent = _ancestry(model, models)
    sources = {
        name: ancestor
        for ancestor in known
        for name in (*(ancestor.training_data or ()), *ancestor.tuned_on)
    }
    exposure: Exposure = "unknown" if silent else "clean"
    witness = None if silent else model
    if dataset.name in sources:
        exposure, witness = "trained-on", sources[dataset.name]
    elif dataset.source:
        for name, ancestor in sorted(sources.items()):
            if name in datasets and datasets[name].source == dataset.source:
                exposure, witness = "same-source", ancestor
                break
    return ExposureCell(
        model=model.name,
        dataset=dataset.name,
        exposure=exposure,
        source=witness.source if witness else "",
    )


def _ancestry(
    model: ModelFacts, models: Mapping[str, ModelFacts]
) -> tuple[Sequence[ModelFacts], bool]:
    """Return the model and its bases, and whether one of them does not say what it saw."""
    line: list[ModelFacts] = []
    current: ModelFacts | None = model
    silent = False
    while current is not None and current not in line:
        line.append(current)
        silent |= current.training_data is None
        base = current.base_model
        silent |= base is not None and base not in models
        current = models.get(base) if base else None
    return line, silent


def worst(exposures: Sequence[Exposure]) -> Exposure:
    """Return the worst of `exposures`; `clean` where there is none.

    Example:
        >>> worst(["clean", "unknown"])
        'unknown'
    """
    return max(exposures, key=ORDER.index, default="clean")
