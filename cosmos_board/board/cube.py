"""The cube: every score of the main study, summed per model, prompt, selection and unit.

A unit is a cluster as one target sees it. Boards and studies read means over units from here, and
how often the bootstrap draws each unit; rows of single references are never read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.core.cards import DatasetCard, ModelCard
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.scores import SELECTIONS, Selection, fails_too_often
from cosmos_board.core.targets import Target
from cosmos_board.metrics.table import METRICS
from cosmos_board.stats.bootstrap import PIXEL_STEP, RATIO_STEP, Counts, draw_counts
from cosmos_board.store.queries.cards import read_datasets, read_models
from cosmos_board.store.queries.connection import Columns, Connection
from cosmos_board.store.queries.counted_runs import prepare_counted_runs
from cosmos_board.store.queries.scores import STEP, Measure, fetch_cells, fetch_score_columns
from cosmos_board.store.queries.units import fetch_core_references, fetch_units, prepare_units


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
class Scores:
    """The cube for one track, prompt and selection. Axes (unit, model); models in name order."""

    units: Units
    models: tuple[str, ...]
    rows: Ints
    """References times trials behind each mean; 0 where the model has no row."""

    references: Ints
    penalised: Ints
    failed: Ints
    sums: dict[str, Floats]
    """By metric: sum over rows, in steps of `store.queries.STEP`."""

    def steps(self, metric: str) -> Floats:
        """Return each unit's mean as a whole number of `metric_step(metric)`; NaN where none."""
        with np.errstate(invalid="ignore"):
            return np.rint(self.sums[metric] / self.rows * (STEP / metric_step(metric)))

    def means(self, metric: str) -> Floats:
        """Return each unit's mean over references and trials, in the metric's unit, or NaN."""
        return self.steps(metric) * metric_step(metric)


class Cube:
    """The cube over one database.

    It is summed prompt by prompt, when asked for, and the last prompt is kept; nothing is written
    but temporary tables.
    """

    def __init__(self, connection: Connection, metrics: Sequence[str] = tuple(METRICS)) -> None:
        """Number the units; the connection may be read-only."""
        self.connection = connection
        self.metrics = tuple(metrics)
        prepare_counted_runs(connection)
        prepare_units(connection)
        self._columns = fetch_score_columns(connection)
        self._units: dict[str, Units] = {}
        self._counts: dict[str, Counts] = {}
        self._dice: dict[tuple[str, str, Selection], dict[str, Floats]] = {}
        self._cells: tuple[tuple[str, str, tuple[str, ...]], Columns] | None = None

    @cached_property
    def models(self) -> dict[str, ModelCard]:
        """Every model by name, sorted."""
        return read_models(self.connection)

    @cached_property
    def datasets(self) -> dict[str, DatasetCard]:
        """Every dataset by name, sorted."""
        return read_datasets(self.connection)

    @property
    def tracks(self) -> tuple[str, ...]:
        """Tracks that have scores, sorted."""
        return tuple(sorted(set(self._columns["track"])))

    def prompts(self, track: str) -> tuple[str, ...]:
        """Return the prompts that `track` has scores for, in the protocol's order."""
        found = set(self._columns["prompt"][self._columns["track"] == track])
        return tuple(name for name in PROMPTS if name in found)

    def selections(self, prompt: str) -> tuple[Selection, ...]:
        """Return the selections that a prompt is scored under."""
        return ("oracle",) if prompt == "everything" else SELECTIONS

    def is_elsewhere(self, model: str, track: str) -> bool:
        """Return whether a model has scores on other tracks alone."""
        tracks = self._tracks_of.get(model, frozenset())
        return bool(tracks) and track not in tracks

    @cached_property
    def _tracks_of(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for model, track in zip(self._columns["model"], self._columns["track"], strict=True):
            found.setdefault(model, set()).add(track)
        return {model: frozenset(tracks) for model, tracks in found.items()}

    def tiers(self, track: str, model: str, dataset: str) -> frozenset[str]:
        """Return the tiers of the runs behind a model's scores on a dataset."""
        return self._tiers.get((track, model, dataset), frozenset())

    @cached_property
    def _tiers(self) -> dict[tuple[str, str, str], frozenset[str]]:
        table = self._columns
        found: dict[tuple[str, str, str], set[str]] = {}
        keys = zip(table["track"], table["model"], table["dataset"], strict=True)
        for key, tier in zip(keys, table["tier"], strict=True):
            found.setdefault(key, set()).add(tier)
        return {key: frozenset(tiers) for key, tiers in found.items()}

    def units(self, track: str) -> Units:
        """Return what there is to answer on `track`.

        The core track is the references that its runs scored; another track is every reference
        of the datasets that it has a run on.
        """
        if track not in self._units:
            self._units[track] = self._find_units(track)
        return self._units[track]

    def _find_units(self, track: str) -> Units:
        table = fetch_units(self.connection)
        if track == "core":
            scored = fetch_core_references(self.connection)
            references = np.zeros(len(table["object"]), np.int64)
            references[scored["unit"]] = scored["references"]
        else:
            run = set(self._columns["dataset"][self._columns["track"] == track])
            kept = np.array([name in run for name in table["dataset"]], bool)
            references = np.where(kept, table["reference_count"], 0).astype(np.int64)
        return _make_units(table, references)

    def counts(self, track: str) -> Counts:
        """Return how often the bootstrap draws each cluster, shape (clusters, replicates)."""
        if track not in self._counts:
            names = self.units(track).cluster_names
            parts: list[Counts] = []
            for dataset in self.units(track).datasets:
                own = [cluster for owner, cluster in names if owner == dataset]
                parts.append(draw_counts(own, dataset=dataset))
            self._counts[track] = np.concatenate(parts)
        return self._counts[track]

    def load(
        self, track: str, prompt: str, selection: Selection, metrics: Sequence[str] | None = None
    ) -> Scores:
        """Return the scores of every model that has some and declares the prompt."""
        units = self.units(track)
        wanted = self.metrics if metrics is None else tuple(metrics)
        cells = self._sum(track, prompt, wanted)
        of_selection = cells["oracle"] == (selection == "oracle")
        cells = {name: column[of_selection] for name, column in cells.items()}
        chosen = (self._columns["track"] == track) & (self._columns["prompt"] == prompt)
        model_of = dict(
            zip(self._columns["column_id"][chosen], self._columns["model"][chosen], strict=True)
        )
        models = tuple(
            sorted(
                name
                for name in set(model_of.values())
                if name in self.models and prompt in self.models[name].prompts
            )
        )
        place: Ints = np.full(1 + max(model_of, default=0), -1, np.int64)
        for column, name in model_of.items():
            if name in models:
                place[column] = models.index(name)
        scores = _pivot(units, models, cells, place, wanted)
        if "dice" in wanted:
            self._dice[track, prompt, selection] = _whole_dice(scores)
        return scores

    def whole_dice(self, track: str, prompt: str, selection: Selection) -> dict[str, Floats]:
        """Return each model's Dice per unit, NaN where it did not answer every reference.

        A model of which too many answers failed is left out.
        What boards have summed is kept for the studies, which would else sum it again. Models
        without a whole unit are left out; shape (units,) each.
        """
        if (track, prompt, selection) not in self._dice:
            for each in self.selections(prompt):
                self.load(track, prompt, each, ["dice"])
        return self._dice[track, prompt, selection]

    def _sum(self, track: str, prompt: str, metrics: tuple[str, ...]) -> Columns:
        key = (track, prompt, metrics)
        if self._cells is None or self._cells[0] != key:
            self._cells = None  # two prompts at once would take twice the memory
            measures = [_measure(name) for name in metrics]
            self._cells = (key, fetch_cells(self.connection, track, prompt, measures))
        return self._cells[1]


def _whole_dice(scores: Scores) -> dict[str, Floats]:
    whole = scores.references == scores.units.references[:, None]
    failing = fails_too_often(scores.failed.sum(axis=0), scores.rows.sum(axis=0))
    means = np.where(whole & ~failing, scores.means("dice"), np.nan)
    return {
        model: means[:, index].copy()
        for index, model in enumerate(scores.models)
        if whole[:, index].any() and not failing[index]
    }


def _pivot(
    units: Units, models: tuple[str, ...], cells: Columns, place: Ints, metrics: Sequence[str]
) -> Scores:
    shape = (len(units), len(models))
    place_of_unit: Ints = np.full(1 + int(cells["unit"].max(initial=-1)), -1, np.int64)
    inside = units.number < len(place_of_unit)
    place_of_unit[units.number[inside]] = np.flatnonzero(inside)
    row = place_of_unit[cells["unit"]]
    column = place[cells["column_id"]]
    known = (row >= 0) & (column >= 0)
    flat = (row * shape[1] + column)[known]

    def counted(name: str) -> Ints:
        found: Ints = np.zeros(shape, np.int64)
        found.reshape(-1)[flat] = cells[name][known]
        return found

    def summed(name: str) -> Floats:
        found: Floats = np.zeros(shape)
        found.reshape(-1)[flat] = cells[name][known]
        return found

    return Scores(
        units,
        models,
        rows=counted("rows"),
        references=counted("references"),
        penalised=counted("penalised"),
        failed=counted("failed"),
        sums={name: summed(name) for name in metrics},
    )


def _make_units(table: Columns, references: Ints) -> Units:
    kept = np.flatnonzero(references > 0)
    rows = list(
        zip(
            *(table[name][kept] for name in ("modality", "object", "dataset", "cluster_id")),
            strict=True,
        )
    )
    targets = sorted({(modality, object_) for modality, object_, _, _ in rows})
    datasets = sorted({dataset for _, _, dataset, _ in rows})
    clusters = sorted({(dataset, cluster) for _, _, dataset, cluster in rows})
    target_of = {pair: index for index, pair in enumerate(targets)}
    dataset_of = {name: index for index, name in enumerate(datasets)}
    cluster_of = {pair: index for index, pair in enumerate(clusters)}
    return Units(
        tuple(Target(modality, object_) for modality, object_ in targets),
        tuple(datasets),
        np.array([target_of[modality, object_] for modality, object_, _, _ in rows], np.int64),
        np.array([dataset_of[dataset] for _, _, dataset, _ in rows], np.int64),
        np.array([cluster_of[dataset, cluster] for _, _, dataset, cluster in rows], np.int64),
        tuple(clusters),
        references[kept],
        kept.astype(np.int64),
    )


def _measure(name: str) -> Measure:
    metric = METRICS[name]
    return Measure(name, metric.sql, "0.0" if metric.higher_is_better else "diagonal")
