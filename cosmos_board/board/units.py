"""Units, one cluster of one target each, and what models scored on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from cosmos_board.board.types import FailedAnswers
from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.core.scores import Selection, fails_too_often
from cosmos_board.core.targets import Target
from cosmos_board.metrics.table import METRICS
from cosmos_board.stats.bootstrap import PIXEL_STEP, RATIO_STEP
from cosmos_board.store.queries.connection import Columns
from cosmos_board.store.queries.scores import STEP

Name = TypeVar("Name", str, tuple[str, str])


def metric_step(metric: str) -> float:
    """Return what cluster means of `metric` are rounded to, in its unit."""
    return RATIO_STEP if METRICS[metric].higher_is_better else PIXEL_STEP


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The units of one track, sorted by target, dataset and cluster."""

    targets: tuple[Target, ...]
    datasets: tuple[str, ...]
    target: Ints
    """Index into `targets`, shape (units,)."""

    dataset: Ints
    """Index into `datasets`, shape (units,)."""

    cluster: Ints
    """Number of the cluster over all datasets, shape (units,); targets share clusters."""

    cluster_names: tuple[tuple[str, str], ...]
    """(dataset, cluster id) by number."""

    references: Ints
    """How many references there are to answer, shape (units,)."""

    number: Ints
    """The unit's number in the database, shape (units,); increasing."""

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True, slots=True, eq=False)
class UnitScores:
    """The cube for one track, prompt and selection. Axes (unit, model); models in name order."""

    track: str
    prompt: str
    selection: Selection
    units: Units
    models: tuple[str, ...]
    rows: Ints
    """References times trials behind each mean; 0 where the model has no row."""

    references: Ints
    penalised: Ints
    """Rows whose mask is empty."""

    failed: Ints
    """Rows whose answer is none."""

    low: Ints
    """Rows with a Dice under 0.5, the penalised and the failed among them."""

    sums: dict[str, Floats]
    """By metric: sum over rows, in steps of `store.queries.scores.STEP`; NaN where one has none."""

    def steps(self, metric: str) -> Floats:
        """Return each unit's mean as a whole number of `metric_step(metric)`; NaN where none."""
        with np.errstate(invalid="ignore"):
            return np.rint(self.sums[metric] / self.rows * (STEP / metric_step(metric)))

    def means(self, metric: str) -> Floats:
        """Return each unit's mean over references and trials, in the metric's unit, or NaN."""
        return self.steps(metric) * metric_step(metric)

    def of_models(self, names: Sequence[str]) -> UnitScores:
        """Return the scores of some models, in the order of `names`."""
        if tuple(names) == self.models:
            return self
        columns = [self.models.index(name) for name in names]
        counted = ("rows", "references", "penalised", "failed", "low")
        counts = {name: getattr(self, name)[:, columns] for name in counted}
        sums = {metric: values[:, columns] for metric, values in self.sums.items()}
        return replace(self, models=tuple(names), sums=sums, **counts)


def count_failing(failed: Ints, answers: Ints) -> list[FailedAnswers | None]:
    """Return of each model how many answers failed, None where these are not too many.

    Args:
        failed: Answers that failed, axes (any, model).
        answers: Answers there are, the same shape.
    """
    counts = zip(failed.sum(axis=0).tolist(), answers.sum(axis=0).tolist(), strict=True)
    return [FailedAnswers(*pair) if fails_too_often(*pair) else None for pair in counts]


def group_metrics(
    scores: Sequence[UnitScores], metrics: Sequence[str]
) -> dict[tuple[str, ...], list[str]]:
    """Return metrics by the models that have them, without those that no model has.

    A model that was run before a metric was added has no value of it on some rows, and no place on
    its boards until it is run again.

    Args:
        scores: The selections of one track and prompt, all of the same models.
        metrics: Which metrics, each loaded.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for metric in metrics:
        lacking = np.any(
            [(np.isnan(each.sums[metric]) & (each.rows > 0)).any(axis=0) for each in scores], axis=0
        )
        models = tuple(
            name for name, lacks in zip(scores[0].models, lacking, strict=True) if not lacks
        )
        if models:
            groups.setdefault(models, []).append(metric)
    return groups


def make_units(table: Columns, references: Ints) -> Units:
    """Return the units that have references to answer.

    Args:
        table: Every unit of the database in its order, from `fetch_units`.
        references: How many references each has on the track.
    """
    present = np.flatnonzero(references > 0)
    names = ("modality", "object", "dataset", "cluster_id")
    rows = list(zip(*(table[name][present] for name in names), strict=True))
    targets, target = number_names((modality, object_) for modality, object_, _, _ in rows)
    datasets, dataset = number_names(dataset for _, _, dataset, _ in rows)
    clusters, cluster = number_names((dataset, cluster) for _, _, dataset, cluster in rows)
    return Units(
        tuple(Target(*names) for names in targets),
        tuple(datasets),
        target,
        dataset,
        cluster,
        tuple(clusters),
        references[present],
        present.astype(np.int64),
    )


def number_names(names: Iterable[Name]) -> tuple[list[Name], Ints]:
    """Return the distinct names, sorted, and each name's place among them."""
    listed = list(names)
    distinct = sorted(set(listed))
    place = {name: number for number, name in enumerate(distinct)}
    return distinct, np.array([place[name] for name in listed], np.int64)
