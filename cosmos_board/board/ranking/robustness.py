"""Would another honest rule have ranked a board's models alike?"""

from __future__ import annotations

from math import isnan

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.slices import plan_slices
from cosmos_board.board.types import Board, OtherRule, PairTable, Robustness
from cosmos_board.metrics.table import METRICS
from cosmos_board.stats.agreement import robustness_panel
from cosmos_board.stats.cliques import find_cliques


def find_robustness(cube: Cube, board: Board) -> Robustness:
    """Return how other rules would have ranked the ranked models of `board`.

    The rules: the mean over all clusters of all targets alike (`micro`), medians, trimmed means,
    ranks before means, each other metric of the cube, and the board without each of its datasets.
    """
    key = board.key
    scores = cube.load(key.track, key.prompt, key.selection)
    plan = plan_slices(cube.units(key.track), cube.datasets)
    part = next(part for part in plan.slices if part.slice == key.slice)
    cells = [cell for cell in part.cells if plan.cells[cell].target in board.facts.targets]
    units = np.concatenate([plan.units_of(cell) for cell in cells])
    names = tuple(row.model for row in board.ranked)
    models = np.array([scores.models.index(name) for name in names], np.int64)
    means = {name: scores.means(name)[np.ix_(units, models)].T for name in cube.metrics}
    rules: tuple[OtherRule, ...] = ()
    if len(names) > 1:
        panel = robustness_panel(
            means.pop(key.metric),
            scores.units.target[units],
            scores.units.dataset[units],
            higher_is_better=board.higher_is_better,
            other_metrics={
                name: (values, METRICS[name].higher_is_better) for name, values in means.items()
            },
            dataset_names=scores.units.datasets,
        )
        rules = tuple(
            OtherRule(
                rule=found.rule,
                tau_b=None if isnan(found.tau_b) else found.tau_b,
                flips=tuple((names[a], names[b]) for a, b in found.flips),
            )
            for found in panel
        )
    known = [rule.tau_b for rule in rules if rule.tau_b is not None]
    return Robustness(key=key, models=names, rules=rules, least_tau_b=min(known, default=None))


def board_cliques(board: Board, table: PairTable) -> tuple[tuple[str, ...], ...]:
    """Return the largest runs of neighbours on a board in which no pair differs after Holm."""
    ranks = np.array([float(row.rank or 0) for row in board.ranked])
    found = find_cliques(ranks, table.square(table.p_holm, 1.0))
    return tuple(tuple(table.models[index] for index in clique) for clique in found)
