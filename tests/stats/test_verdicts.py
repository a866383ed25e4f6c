"""Equal models are rarely told apart, worse ones rarely called better, and ranges hold together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from benchmarks.intervals.laws import Cell, Effort, describe_failures
from benchmarks.intervals.layouts import TABLES
from benchmarks.intervals.verdicts import (
    FAILING,
    GAIN,
    STEADY_MEAN,
    pair_with_failures,
    simulate_equal_models,
    simulate_ranks,
    simulate_rare_failures,
)
from tests.seeds import SEED

FEW, FULL = 40, 2000
Simulation = Callable[..., Iterator[Cell]]


@pytest.mark.parametrize("simulate", [simulate_equal_models, simulate_ranks])
def test_tables_of_models_say_nothing_false(simulate: Simulation) -> None:
    assert describe_failures(simulate(Effort(FEW, SEED), TABLES[:2])) == []


def test_a_model_that_fails_rarely_is_not_called_better() -> None:
    assert describe_failures(simulate_rare_failures(Effort(4 * FEW, SEED))) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "simulate", [simulate_equal_models, simulate_ranks, simulate_rare_failures]
)
def test_tables_of_models_say_nothing_false_at_full_counts(
    simulate: Simulation, record_property: Callable[[str, object], None]
) -> None:
    cells = list(simulate(Effort(FULL, SEED)))
    for law in sorted({cell.place.law for cell in cells}):
        shares = [cell.share for cell in cells if cell.place.law == law and not cell.place.hard]
        record_property(law, (min(shares), max(shares)))

    assert describe_failures(cells) == []


def test_the_model_that_fails_rarely_is_truly_worse() -> None:
    failing, steady = pair_with_failures()
    rng = np.random.default_rng(SEED)
    scores = np.where(
        rng.random(200_000) < FAILING, 0, rng.normal(STEADY_MEAN + GAIN, 0.02, 200_000)
    )

    assert failing.mean == pytest.approx(scores.mean(), abs=0.003)
    assert failing.mean - steady.mean == pytest.approx(-0.043, abs=0.001)
