"""What is known of a model having seen a dataset while it was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cosmos_board.board.types import Exposure, ExposureCell
from cosmos_board.core.cards import DatasetCard, ModelCard

ORDER: tuple[Exposure, ...] = ("clean", "unknown", "same-source", "trained-on")
"""From best to worst."""

MOST = 0.5
"""A model trained on more than this share of a slice's targets is not ranked on it."""


def find_exposure(
    model: ModelCard,
    dataset: DatasetCard,
    models: Mapping[str, ModelCard],
    datasets: Mapping[str, DatasetCard],
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
    model: ModelCard, models: Mapping[str, ModelCard]
) -> tuple[Sequence[ModelCard], bool]:
    """Return the model and its bases, and whether one of them does not say what it saw."""
    line: list[ModelCard] = []
    current: ModelCard | None = model
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
