"""Whether a model saw a dataset in training, as far as is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cosmos_board.board.types import Exposure
from cosmos_board.core.cards import DatasetCard, ModelCard
from cosmos_board.data.catalog.load import list_shared_cases

ORDER: tuple[Exposure, ...] = ("clean", "unknown", "same-source", "trained-on")
"""From best to worst."""


def find_exposures(
    models: Mapping[str, ModelCard], datasets: Mapping[str, DatasetCard]
) -> dict[tuple[str, str], Exposure]:
    """Return what is known of every model and dataset, by (model, dataset).

    A fine-tuned model has seen what its base saw. `same-source`: the model was trained on another
    dataset from the same address, or on one that the catalog knows to share cases with it.
    """
    shared = list_shared_cases()
    exposures: dict[tuple[str, str], Exposure] = {}
    for model in models.values():
        seen, silent = _find_training_data(model, models)
        sources = {datasets[name].source for name in seen if name in datasets} - {""}
        for dataset in datasets.values():
            exposure: Exposure = "unknown" if silent else "clean"
            if dataset.name in seen:
                exposure = "trained-on"
            elif dataset.source in sources or seen & shared.get(dataset.name, frozenset()):
                exposure = "same-source"
            exposures[model.name, dataset.name] = exposure
    return exposures


def _find_training_data(
    model: ModelCard, models: Mapping[str, ModelCard]
) -> tuple[frozenset[str], bool]:
    """Return what a model and its bases were trained on, and whether one of them does not say."""
    line: list[ModelCard] = []
    current: ModelCard | None = model
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
