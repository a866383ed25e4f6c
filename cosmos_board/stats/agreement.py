"""The robustness panel: would another honest rule have ranked the models alike?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.correlation import kendall_tau_b

TRIM = 0.1
"""Share cut from each end by the trimmed mean."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One other rule and how far its order agrees with the board's."""

    rule: str
    """`micro`, `median`, `trimmed`, `rank-then-aggregate`, `metric:NAME` or `without:DATASET`."""

    tau_b: float
    """Kendall's tau-b with the board's order, in [−1, 1]; NaN when either is all ties."""

    flips: tuple[tuple[int, int], ...]
    """Pairs of models (better, worse on the board) that the rule puts the other way round."""


def robustness_panel(
    scores: ArrayLike,
    target: Ints,
    dataset: Ints,
    *,
    higher_is_better: bool = True,
    other_metrics: Mapping[str, tuple[ArrayLike, bool]] | None = None,
    dataset_names: tuple[str, ...] | None = None,
) -> tuple[Agreement, ...]:
    """Return how each other rule agrees with the macro mean.

    Args:
        scores: One column per cluster of a target, shape (models, cells); no NaN.
        target: Index of each cell's target, shape (cells,).
        dataset: Index of each cell's dataset, shape (cells,).
        higher_is_better: Direction of the metric.
        other_metrics: Scores of the same cells and direction, by name of the metric.
        dataset_names: What a dataset's index stands for; the index itself by default.
    """
    values = np.asarray(scores, np.float64) * (1 if higher_is_better else -1)
    board = macro(values, target, np.mean)
    others: list[tuple[str, Floats]] = [
        ("micro", values.mean(axis=1)),
        ("median", macro(values, target, np.median)),
        ("trimmed", macro(values, target, lambda x, axis: stats.trim_mean(x, TRIM, axis=axis))),
        ("rank-then-aggregate", macro(-stats.rankdata(-values, axis=0), target, np.mean)),
    ]
    for name, (cells, higher) in sorted((other_metrics or {}).items()):
        signed = np.asarray(cells, np.float64) * (1 if higher else -1)
        others.append((f"metric:{name}", macro(signed, target, np.mean)))
    present = np.unique(dataset)
    for index in present if len(present) > 1 else ():
        kept = dataset != index
        name = str(index) if dataset_names is None else dataset_names[index]
        others.append((f"without:{name}", macro(values[:, kept], target[kept], np.mean)))
    return tuple(
        Agreement(rule, kendall_tau_b(board, scored), find_flips(board, scored))
        for rule, scored in others
    )


def macro(values: Floats, target: Ints, centre: Callable[..., object]) -> Floats:
    """Return the mean over targets of `centre` over a target's cells, shape (models,)."""
    order = np.argsort(target, kind="stable")
    edges = np.flatnonzero(np.diff(target[order])) + 1
    groups = np.split(values[:, order], edges, axis=1)
    centres = [np.asarray(centre(group, axis=1), np.float64) for group in groups]
    found: Floats = np.stack(centres).mean(axis=0)
    return found


def find_flips(board: Floats, other: Floats) -> tuple[tuple[int, int], ...]:
    """Return the pairs (a, b) with a above b on the board and below it in `other`."""
    ahead = board[:, None] > board[None, :]
    behind = other[:, None] < other[None, :]
    return tuple((int(a), int(b)) for a, b in np.argwhere(ahead & behind))
