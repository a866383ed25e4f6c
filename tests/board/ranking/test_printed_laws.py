"""What `rank`, `compare` and `advise` print of ingested runs holds the truths behind these."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from benchmarks.intervals.advice import simulate_advice
from benchmarks.intervals.databases import list_references, spread_over_references
from benchmarks.intervals.distributions import LEFT, MIXED
from benchmarks.intervals.laws import Cell, Effort, describe_failures
from benchmarks.intervals.layouts import lay_out
from benchmarks.intervals.printed import (
    MIXTURES,
    compare_targets,
    rank_board,
    rank_equal_models,
    simulate_printed,
)
from tests.seeds import SEED

FEW, FULL, ADVISED = 25, 200, 60


def test_printed_scores_are_held_by_their_intervals() -> None:
    """The thin targets score half as much, so that counting them anywhere shows at once."""
    cell = rank_board(*MIXTURES[0], MIXED, Effort(FEW, SEED))

    assert describe_failures([cell]) == []


def test_printed_differences_are_held_by_their_intervals() -> None:
    assert describe_failures([compare_targets(10, (LEFT, LEFT), Effort(FEW, SEED))]) == []


def test_equal_models_share_a_printed_letter() -> None:
    assert describe_failures([rank_equal_models(20, LEFT, Effort(FEW, SEED))]) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("simulate", "count"), [(simulate_printed, FULL), (simulate_advice, ADVISED)]
)
def test_everything_printed_holds_at_full_counts(
    simulate: Callable[[Effort], Iterator[Cell]],
    count: int,
    record_property: Callable[[str, object], None],
) -> None:
    cells = list(simulate(Effort(count, SEED)))
    record_property("shares", [cell.share for cell in cells])

    assert describe_failures(cells) == []


def test_scores_of_references_average_to_that_of_their_cluster() -> None:
    layout = lay_out([20, 10], uneven=True)
    scores = np.random.default_rng(SEED).random(30)
    place = list_references(layout)
    spread = spread_over_references(scores, place, layout)

    means = [spread[place["unit"] == unit].mean() for unit in range(30)]
    assert len(spread) == layout.references.sum()
    assert means == pytest.approx(scores)
