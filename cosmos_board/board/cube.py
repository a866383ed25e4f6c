"""The cube: every score of the main study, summed per model, prompt, selection and unit.

A unit is one cluster of one target. Boards and studies read means over units from here, and how
often the bootstrap draws each cluster; rows of single references are never read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np

from cosmos_board.board.contamination import find_exposures
from cosmos_board.board.types import Exposure, FailedAnswers
from cosmos_board.board.units import Units, UnitScores, count_failing, make_units
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.cards import DatasetCard, ModelCard
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.scores import SELECTIONS, Selection
from cosmos_board.core.tracks import FULL
from cosmos_board.metrics.table import METRICS
from cosmos_board.stats.bootstrap import Draws, draw_counts
from cosmos_board.stats.multipliers import Multipliers, draw_multipliers
from cosmos_board.store.queries.cards import read_datasets, read_models
from cosmos_board.store.queries.connection import Columns, Connection
from cosmos_board.store.queries.counted_runs import count_tier
from cosmos_board.store.queries.scores import Measure, fetch_score_columns, iterate_scores
from cosmos_board.store.queries.targets import DistanceKey, Distances, read_distances
from cosmos_board.store.queries.units import fetch_units

_Asked: TypeAlias = tuple[str, str, tuple[str, ...]]
"""Track, prompt and metrics."""

_COUNTED = {
    "first": "references",
    "penalised": "penalised",
    "failed": "failed",
    "low": "low",
}
"""Counts of `UnitScores` by the rows that they count."""


class Cube:
    """The cube over one database.

    It is summed prompt by prompt, when asked for, and the last prompt is kept; nothing is written
    but temporary tables.
    """

    prompt_names = tuple(PROMPTS)
    """Prompts in the protocol's order."""

    def __init__(
        self,
        connection: Connection,
        metrics: Sequence[str] = tuple(METRICS),
        tier: str | None = None,
    ) -> None:
        """Number the units; the connection may be read-only.

        With `tier` only runs of that tier count, and models without one are not there at all.
        """
        if tier is not None:
            count_tier(connection, tier)
        self.connection = connection
        self.tier = tier
        self.metrics = tuple(metrics)
        self._all_units = self._fetch_units()
        self._columns = self._fetch_columns()
        self._tracks: dict[str, set[str]] = defaultdict(set)
        self._tiers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for row in _iterate_rows(self._columns):
            self._tracks[row["model"]].add(row["track"])
            self._tiers[row["track"], row["model"], row["dataset"]].add(row["tier"])
        self._units: dict[str, Units] = {}
        self._draws: dict[str, Draws] = {}
        self._multipliers: dict[str, Multipliers] = {}
        self._dice: dict[tuple[str, str, Selection], dict[str, Floats]] = {}
        self._failing: dict[tuple[str, str, Selection], dict[str, FailedAnswers]] = {}
        self._kept: tuple[_Asked, dict[Selection, UnitScores]] | None = None

    @cached_property
    def models(self) -> dict[str, ModelCard]:
        """Every model by name, sorted."""
        return read_models(self.connection)

    @cached_property
    def datasets(self) -> dict[str, DatasetCard]:
        """Every dataset by name, sorted."""
        return read_datasets(self.connection)

    @cached_property
    def exposures(self) -> dict[tuple[str, str], Exposure]:
        """What is known of every model having seen a dataset, by (model, dataset)."""
        return find_exposures(self.models, self.datasets)

    @property
    def tracks(self) -> tuple[str, ...]:
        """Tracks that have scores, sorted."""
        return tuple(sorted(set(self._columns["track"])))

    def prompts(self, track: str) -> tuple[str, ...]:
        """Return the prompts that `track` has scores for, in the protocol's order."""
        scored = set(self._columns["prompt"][self._columns["track"] == track])
        return tuple(name for name in self.prompt_names if name in scored)

    def selections(self, prompt: str) -> tuple[Selection, ...]:
        """Return the selections that a prompt is scored under."""
        return ("oracle",) if prompt == "everything" else SELECTIONS

    def read_distances(self, track: str, prompt: str) -> dict[DistanceKey, Distances]:
        """Return the median distances of boards of one target."""
        return read_distances(self.connection, track, prompt)

    def is_elsewhere(self, model: str, track: str) -> bool:
        """Return whether a model has scores on other tracks or of other tiers alone."""
        tracks = self._tracks[model]
        return (bool(tracks) or self.tier is not None) and track not in tracks

    def tiers(self, track: str, model: str, dataset: str) -> set[str]:
        """Return the tiers of the runs behind a model's scores on a dataset."""
        return self._tiers[track, model, dataset]

    def units(self, track: str) -> Units:
        """Return what there is to answer on `track`: the references that it ranks on.

        The full track has those of the datasets that it has a run on; what the tracks of pull
        requests rank on is listed, and no run adds a dataset to it.
        """
        if track not in self._units:
            table = self._all_units
            references = table[track].astype(np.int64)
            if track == FULL:
                run = set(self._columns["dataset"][self._columns["track"] == track])
                has_run = np.array([name in run for name in table["dataset"]], bool)
                references = np.where(has_run, references, 0)
            self._units[track] = make_units(table, references)
        return self._units[track]

    def counted_units(self, track: str) -> Bools:
        """Return which units count over all targets, shape (units,): real ones where there are any.

        Synthetic data never stands beside real data.
        """
        units = self.units(track)
        synthetic = np.array([self.datasets[name].synthetic for name in units.datasets], bool)
        real: Bools = ~synthetic[units.dataset] if len(units) else np.zeros(0, bool)
        return real if real.any() else np.ones(len(units), bool)

    def draws(self, track: str) -> Draws:
        """Return how often the bootstrap draws each cluster, shape (clusters, replicates)."""
        if track not in self._draws:
            parts = [draw_counts(own, dataset=name) for name, own in self._clusters_of(track)]
            self._draws[track] = np.concatenate(parts)
        return self._draws[track]

    def multipliers(self, track: str) -> Multipliers:
        """Return the random weight of each cluster, shape (clusters, replicates)."""
        if track not in self._multipliers:
            parts = [draw_multipliers(own, dataset=name) for name, own in self._clusters_of(track)]
            self._multipliers[track] = np.concatenate(parts)
        return self._multipliers[track]

    def _clusters_of(self, track: str) -> list[tuple[str, list[str]]]:
        """Return the clusters of each dataset, in the order of their numbers."""
        clusters = self.units(track).cluster_names
        return [
            (dataset, [cluster for _, cluster in own])
            for dataset, own in groupby(clusters, key=itemgetter(0))
        ]

    def load(
        self, track: str, prompt: str, selection: Selection, metrics: Sequence[str] | None = None
    ) -> UnitScores:
        """Return the scores of every model that has some and declares the prompt."""
        wanted = self.metrics if metrics is None else tuple(metrics)
        key = (track, prompt, wanted)
        if self._kept is None or self._kept[0] != key:
            self._kept = None  # two prompts at once would take twice the memory
            self._kept = (key, self._sum(*key))
        scores = self._kept[1][selection]
        if "dice" in wanted:
            failing = _find_failing(scores, self.counted_units(track))
            self._failing[track, prompt, selection] = failing
            self._dice[track, prompt, selection] = _whole_dice(scores, failing)
        return scores

    def whole_dice(self, track: str, prompt: str, selection: Selection) -> dict[str, Floats]:
        """Return each model's Dice per unit, NaN where it did not answer every reference.

        Models of which too many answers failed are left out, and models without a whole unit;
        shape (units,) each. Sums that boards have computed are reused.
        """
        self._ensure_dice(track, prompt, selection)
        return self._dice[track, prompt, selection]

    def failing(self, track: str, prompt: str, selection: Selection) -> dict[str, FailedAnswers]:
        """Return the models of which too many answers failed, over the units that count."""
        self._ensure_dice(track, prompt, selection)
        return self._failing[track, prompt, selection]

    def _ensure_dice(self, track: str, prompt: str, selection: Selection) -> None:
        if (track, prompt, selection) not in self._dice:
            for each in self.selections(prompt):
                self.load(track, prompt, each, ["dice"])

    def _sum(
        self, track: str, prompt: str, metrics: tuple[str, ...]
    ) -> dict[Selection, UnitScores]:
        model_of = {
            row["column_id"]: row["model"]
            for row in _iterate_rows(self._columns)
            if (row["track"], row["prompt"]) == (track, prompt)
        }
        models = tuple(
            sorted(
                name
                for name in set(model_of.values())
                if name in self.models and prompt in self.models[name].prompts
            )
        )
        column_of: Ints = np.full(1 + max(model_of, default=0), -1, np.int64)
        for column, name in model_of.items():
            if name in models:
                column_of[column] = models.index(name)
        measures = [
            Measure(
                name,
                METRICS[name].sql,
                worst="0.0" if METRICS[name].higher_is_better else "diagonal",
            )
            for name in metrics
        ]
        rows = self._iterate_scores(track, prompt, measures)
        units = self.units(track)
        row_of: Ints = np.full(len(self._all_units["dataset"]), -1, np.int64)
        row_of[units.number] = np.arange(len(units))
        shape = (len(units), len(models))
        counts, sums = _add_up(rows, row_of, column_of, shape, metrics)
        return {
            selection: UnitScores(
                track,
                prompt,
                selection,
                units,
                models,
                sums={name: table[place] for name, table in sums.items()},
                **{name: table[place] for name, table in counts.items()},
            )
            for place, selection in enumerate(SELECTIONS)
        }

    def _fetch_units(self) -> Columns:
        return fetch_units(self.connection)

    def _fetch_columns(self) -> Columns:
        return fetch_score_columns(self.connection)

    def _iterate_scores(
        self, track: str, prompt: str, measures: Sequence[Measure]
    ) -> Iterator[Columns]:
        return iterate_scores(self.connection, track, prompt, measures)


def _iterate_rows(table: Columns) -> Iterator[dict[str, Any]]:
    for row in zip(*table.values(), strict=True):
        yield dict(zip(table, row, strict=True))


def _find_failing(scores: UnitScores, counted: Bools) -> dict[str, FailedAnswers]:
    found = count_failing(scores.failed[counted], scores.rows[counted])
    return {model: failed for model, failed in zip(scores.models, found, strict=True) if failed}


def _whole_dice(scores: UnitScores, failing: Collection[str]) -> dict[str, Floats]:
    complete = scores.references == scores.units.references[:, None]
    means = np.where(complete, scores.means("dice"), np.nan)
    return {
        model: means[:, index].copy()
        for index, model in enumerate(scores.models)
        if complete[:, index].any() and model not in failing
    }


def _add_up(
    batches: Iterable[Columns],
    row_of: Ints,
    column_of: Ints,
    shape: tuple[int, int],
    metrics: Sequence[str],
) -> tuple[dict[str, Ints], dict[str, Floats]]:
    """Return counts and sums of rows by name, axes (selection, unit, model).

    Args:
        batches: From `iterate_scores`.
        row_of: Place of each unit of the database, −1 for none: its rows are left out.
        column_of: Place of the model of each `column_id`, −1 for none: these are left out too.
        shape: Numbers of units and models.
        metrics: Names of the measures among the columns.
    """
    whole = (len(SELECTIONS), *shape)
    counts = {name: np.zeros(whole, np.int64) for name in ("rows", *_COUNTED.values())}
    sums = {name: np.zeros(whole) for name in metrics}
    for batch in batches:
        row, column = row_of[batch["unit"]], column_of[batch["column_id"]]
        selection = 1 - batch["oracle"].astype(np.int64)  # its place in SELECTIONS
        cell = (selection * shape[0] + row) * shape[1] + column
        known = (row >= 0) & (column >= 0)
        if not known.all():
            cell, batch = cell[known], {name: values[known] for name, values in batch.items()}
        np.add.at(counts["rows"].reshape(-1), cell, 1)
        for flag, name in _COUNTED.items():
            np.add.at(counts[name].reshape(-1), cell[batch[flag]], 1)
        for name in metrics:
            np.add.at(sums[name].reshape(-1), cell, batch[name])
    return counts, sums
