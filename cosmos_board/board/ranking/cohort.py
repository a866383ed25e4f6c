"""Who is ranked on a slice, and on which of its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.board.contamination import MOST, find_exposure
from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.pooling import CellCounts
from cosmos_board.board.slices import Plan, SlicePlan
from cosmos_board.board.types import INCOMPLETE, ExposureCell, Scope
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.scores import fails_too_often


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Who is ranked on what. Arrays have one entry per model."""

    plan: SlicePlan
    cells: Ints
    """Cells that the board ranks on."""

    left_out: Ints
    """Cells of the slice outside the common set."""

    ranked: Bools
    status: tuple[str, ...]
    """One of `Status`, `incomplete` with the number of failed answers where there are many."""

    coverage: Floats
    trained_on: Floats


def describe_failing(failed: int, answers: int) -> str:
    """Return the status of a model that is not ranked because too many of its answers failed.

    Example:
        >>> describe_failing(4, 4)
        'incomplete: 4 of 4 answers failed'
    """
    return f"{INCOMPLETE}: {failed} of {answers} answers failed"


def find_exposures(cube: Cube) -> dict[tuple[str, str], ExposureCell]:
    """Return what is known of every model and dataset, by (model, dataset)."""
    return {
        (model.name, dataset.name): find_exposure(model, dataset, cube.models, cube.datasets)
        for model in cube.models.values()
        for dataset in cube.datasets.values()
    }


def trained_cells(
    plan: Plan, models: Sequence[str], exposures: Mapping[tuple[str, str], ExposureCell]
) -> Bools:
    """Return whether each model was trained on a dataset of each cell, axes (cell, model)."""
    return np.array(
        [
            [
                any(exposures[model, name].exposure == "trained-on" for name in cell.datasets)
                for model in models
            ]
            for cell in plan.cells
        ],
        bool,
    ).reshape(len(plan.cells), len(models))


def gather_cohort(
    plan: SlicePlan, models: Sequence[ModelCard], counts: CellCounts, trained: Bools, scope: Scope
) -> Cohort:
    """Decide who is ranked on a slice, as the protocol words it.

    A model must cover every reference of the slice, and at most 1 % of its answers may have failed.
    Models trained on more than half of its
    targets are not ranked; the others are ranked on the targets that none of them was trained on.
    """
    cells = np.array(plan.cells, np.int64)
    coverage = counts.references[cells].sum(axis=0) / counts.available[cells].sum()
    failed, answers = (of[cells].sum(axis=0) for of in (counts.failed, counts.rows))
    failing: Bools = np.asarray(fails_too_often(failed, answers))
    complete: Bools = np.asarray(counts.covered[cells].all(axis=0)) & ~failing
    observer = np.array([model.observer for model in models], bool)
    share = trained[cells].mean(axis=0)
    candidate = complete & ~observer
    ranked = candidate & (share <= MOST) if scope == "common" else candidate
    kept: Bools = np.ones(len(cells), bool)
    if scope == "common":
        kept = ~np.asarray(trained[cells][:, ranked].any(axis=1))
    no_common = not kept.any()
    status: list[str] = [
        "observer"
        if observer[index]
        else describe_failing(int(failed[index]), int(answers[index]))
        if failing[index]
        else INCOMPLETE
        if not complete[index]
        else "trained-on"
        if not ranked[index]
        else "no-common-set"
        if no_common
        else "ranked"
        for index in range(len(models))
    ]
    if no_common:
        kept, ranked = ~kept, np.zeros_like(ranked)
    return Cohort(plan, cells[kept], cells[~kept], ranked, tuple(status), coverage, share)
