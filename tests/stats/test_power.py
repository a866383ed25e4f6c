"""A true difference as large as the least that a table states is shown in about 80 % of samples."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.intervals.distributions import NORMAL, STEADY, Distribution
from benchmarks.intervals.laws import Effort, describe_failures
from benchmarks.intervals.layouts import TABLES, follow
from benchmarks.intervals.power import measure_power, simulate_power
from tests.seeds import SEED

FEW, FULL = 200, 2000


@pytest.mark.parametrize(
    "distribution", [NORMAL, STEADY], ids=["spread decides", "failure decides"]
)
def test_the_least_difference_that_is_stated_is_shown(distribution: Distribution) -> None:
    cell = measure_power(follow(TABLES[1], distribution), 2, Effort(FEW, SEED))

    assert describe_failures([cell]) == []


@pytest.mark.slow
def test_the_least_difference_that_is_stated_is_shown_at_full_counts(
    record_property: Callable[[str, object], None],
) -> None:
    cells = list(simulate_power(Effort(FULL, SEED)))
    record_property("shown", [min(cell.share for cell in cells), max(cell.share for cell in cells)])

    assert describe_failures(cells) == []
