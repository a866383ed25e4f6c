"""Intervals of paired differences hold the truth in at least 93 % of samples."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.intervals.laws import Effort, describe_failures
from benchmarks.intervals.layouts import MIXTURES, POOLS, SHARED, SINGLE
from benchmarks.intervals.tables import simulate_differences
from tests.seeds import SEED

FEW, FULL = 100, 2000
SOME = (*SINGLE[:3], MIXTURES[0], SHARED[0], POOLS[2])
"""Layouts of the normal run; boards of a thousand clusters wait for the full counts."""


def test_differences_of_two_models_are_held() -> None:
    assert describe_failures(simulate_differences(Effort(FEW, SEED), SOME)) == []


@pytest.mark.slow
def test_differences_of_two_models_are_held_at_full_counts(
    record_property: Callable[[str, object], None],
) -> None:
    cells = list(simulate_differences(Effort(FULL, SEED)))
    record_property("least", min(cell.share for cell in cells))

    assert describe_failures(cells) == []
