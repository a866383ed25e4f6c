"""The choice of an option from data, against truths that were planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from cosmos_board.board.advice.advice import advise_everywhere
from cosmos_board.board.advice.choice import Choice, choose
from cosmos_board.board.advice.options import EFFORT, OptionScores
from cosmos_board.board.cube import Cube
from cosmos_board.stats.design import make_design
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard

Floats = NDArray[np.float64]

PROMPTS = tuple(EFFORT)
OPTIONS = 50


@dataclass(frozen=True)
class World:
    """How options score: cluster and option effects of a normal kind, and failures of 0."""

    mean: Floats
    spread: Floats
    failing: Floats
    """Share of clusters on which each option scores 0, independently."""

    together: float = 0.3
    """Correlation of two options over clusters."""

    @property
    def truth(self) -> Floats:
        return self.mean * (1 - self.failing)

    @property
    def failure(self) -> Floats:
        """Share of clusters with a score under 0.5."""
        low = stats.norm.cdf(0.5, self.mean, self.spread)
        return self.failing + (1 - self.failing) * low

    def draw(self, rng: np.random.Generator, clusters: int) -> Floats:
        """Return scores, shape (clusters, options)."""
        shared = rng.normal(size=(clusters, 1)) * self.together**0.5
        own = rng.normal(size=(clusters, len(self.mean))) * (1 - self.together) ** 0.5
        scores = self.mean + self.spread * (shared + own)
        return np.where(rng.random(own.shape) < self.failing, 0.0, np.clip(scores, 0, 1))


def world(
    mean: float | Floats,
    spread: float | Floats,
    failing: float | Floats = 0.0,
    *,
    together: float = 0.3,
) -> World:
    """Return a world of `OPTIONS` options."""

    def fill(part: float | Floats) -> Floats:
        return np.broadcast_to(np.asarray(part, np.float64), OPTIONS)

    return World(fill(mean), fill(spread), fill(failing), together)


SMALL = {
    "equal": world(0.75, 0.07),
    "equal, failing in 10 %": world(0.92, 0.02, 0.1),
    "noise differs": world(0.7, np.linspace(0.01, 0.09, OPTIONS), together=0.0),
}
FULL = SMALL | {
    "equal, of Dice 0.6": world(0.6, 0.1),
    "equal and independent": world(0.75, 0.07, together=0.0),
    "equal, failing in 3 %": world(0.92, 0.02, 0.03),
    "equal, failing in 5 %": world(0.92, 0.02, 0.05),
    "unequal": world(np.linspace(0.7, 0.8, OPTIONS), 0.06),
    "one is best": world(np.append(0.8, np.full(OPTIONS - 1, 0.75)), 0.06),
    "steady ones are best": world(
        np.linspace(0.76, 0.7, OPTIONS), np.linspace(0.01, 0.08, OPTIONS), together=0.0
    ),
    "failing differs": world(0.92, 0.02, np.linspace(0, 0.2, OPTIONS)),
    "the failing ones are better else": world(
        np.linspace(0.88, 0.94, OPTIONS), 0.015, np.linspace(0, 0.2, OPTIONS)
    ),
}


def arrange(scores: Floats, baselines: Floats | None = None) -> tuple[OptionScores, list[int]]:
    """Return scores as advice takes them, and the column of each option."""
    order = np.argsort(-scores.mean(axis=0), kind="stable")
    names = [(f"model-{index // 5}", PROMPTS[index % 5]) for index in range(len(order))]
    clusters = np.arange(len(scores))
    return (
        OptionScores(
            tuple(names[index] for index in order),
            scores[:, order],
            (scores[:, order] < 0.5).astype(float),
            () if baselines is None else (("box-prior", "box"),) * baselines.shape[1],
            np.zeros((len(scores), 0)) if baselines is None else baselines,
            make_design([(clusters, np.zeros(len(scores), np.int64))]),
            len(scores),
        ),
        order.tolist(),
    )


def decide(scores: Floats, *, compared: bool = False, **more: Floats) -> tuple[Choice, list[int]]:
    """Return the choice among all options, and the column of each, the chosen one first."""
    arranged, order = arrange(scores, **more)
    described = range(len(order)) if compared else ()
    return choose(arranged, arranged.describe(), max(EFFORT.values()), described), order


def check(planted: World, clusters: int, runs: int, record: Callable[[str, object], None]) -> None:
    """Raise unless what is printed keeps its promise of the chosen option, as far as `runs` know.

    Expected Dice and failures: a bias of at most 0.01. Intervals of both: 93 % hold the truth.
    """
    rng = np.random.default_rng(clusters)
    apart, failed, held, known, widths = [], [], [], [], []
    for _ in range(runs):
        choice, order = decide(planted.draw(rng, clusters))
        dice, failure = planted.truth[order[0]], planted.failure[order[0]]
        apart.append(choice.expected - dice)
        failed.append(choice.failure.value - failure)
        held.append(choice.low <= dice <= choice.high)
        known.append(choice.failure.low <= failure <= choice.failure.high)
        widths.append(choice.high - choice.low)
        assert choice.low <= choice.expected <= choice.high
    for name, values in (("bias", apart), ("coverage", held), ("width", widths)):
        record(name, float(np.mean(values)))
    for values in (apart, failed):
        assert abs(np.mean(values)) <= 0.01 + 3.1 * stats.sem(values)
    for share in (held, known):
        assert stats.binomtest(sum(share), runs, 0.93, alternative="less").pvalue > 0.001


@pytest.mark.parametrize("clusters", [10, 20, 50])
@pytest.mark.parametrize("name", SMALL)
def test_nothing_is_promised_of_the_chosen_option_that_luck_alone_gave(
    name: str, clusters: int, record_property: Callable[[str, object], None]
) -> None:
    check(SMALL[name], clusters, 150, record_property)


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [10, 20, 50])
@pytest.mark.parametrize("name", FULL)
def test_nothing_is_promised_that_luck_alone_gave_at_full_counts(
    name: str, clusters: int, record_property: Callable[[str, object], None]
) -> None:
    check(FULL[name], clusters, 2000, record_property)


def test_the_mean_that_options_were_chosen_by_is_too_high_so_that_this_can_fail() -> None:
    rng = np.random.default_rng(0)
    means = [SMALL["equal"].draw(rng, 10).mean(axis=0).max() for _ in range(100)]

    assert np.mean(means) > 0.75 + 0.03


@pytest.mark.parametrize("clusters", [10, 20])
def test_options_no_better_than_a_baseline_are_not_recommended(clusters: int) -> None:
    rng = np.random.default_rng(4)
    planted = World(np.full(21, 0.75), np.full(21, 0.07), np.zeros(21))
    found = 0
    for _ in range(200):
        scores = planted.draw(rng, clusters)
        choice, _ = decide(scores[:, :20], baselines=scores[:, 20:])
        found += choice.adequacy == "adequate"

    assert stats.binomtest(found, 200, 0.05, alternative="greater").pvalue > 0.001


def test_less_work_is_called_as_good_or_worse_only_where_it_is() -> None:
    """Equal options are seldom called worse; those that differ by 0.02 are not called as good."""
    rng = np.random.default_rng(6)
    equal = World(np.full(10, 0.8), np.full(10, 0.05), np.zeros(10))
    apart = World(np.linspace(0.8, 0.8 - 9 * 0.02, 10), np.full(10, 0.02), np.zeros(10), 0.9)
    worse = good = 0
    for _ in range(200):
        choice, _ = decide(equal.draw(rng, 20), compared=True)
        worse += any(other.verdict == "worse" for other in choice.alternatives)
        choice, _ = decide(apart.draw(rng, 20), compared=True)
        good += any(other.verdict == "as good" for other in choice.alternatives)

    for found in (worse, good):
        assert stats.binomtest(found, 200, 0.05, alternative="greater").pvalue > 0.001


def test_a_cheaper_prompt_that_loses_nothing_is_shown_and_one_that_loses_much_is_not() -> None:
    rng = np.random.default_rng(9)
    best = np.clip(rng.normal(0.85, 0.05, (40, 1)), 0, 1)
    cheap, poor = best - 0.001 + rng.normal(0, 0.004, (40, 1)), best - 0.2
    scores = np.hstack([cheap, poor, best])
    names = (("sam", "points-5"), ("sam", "point"), ("sam", "box"))
    arranged, _ = arrange(scores)
    arranged = OptionScores(
        names, scores[:, [2, 0, 1]], np.zeros((40, 3)), (), np.zeros((40, 0)), arranged.design, 40
    )
    choice = choose(arranged, arranged.describe(), 10, range(3))

    assert {one.option.prompt: one.verdict for one in choice.alternatives} == {
        "point": "as good",
        "box": "worse",
    }
    simpler = choice.find_simpler()
    assert simpler is not None
    assert simpler.option.prompt == "point"
    within = choose(arranged, arranged.describe(), 1, range(3))
    assert (within.option.prompt, within.alternatives) == ("point", ())


def test_advice_from_a_database_promises_no_more_than_the_truth(tmp_path: Path) -> None:
    """Forty targets, twelve equal models: the best mean is 0.03 too high, what is expected not."""
    board = StudyBoard(seed=2).add_targets(40, clusters=12, per_cluster=1)
    for number in range(12):
        board.add_model(f"model-{number}")
        board.add_scores(
            f"model-{number}", "box", lambda rows: board.rng.normal(0.75, 0.07, len(rows))
        )
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        advice = advise_everywhere(Cube(connection, ["dice"]), ())

    best = [one.best for one in advice if one.best is not None]
    assert len(best) == 40
    assert np.mean([one.option.mean for one in best]) > 0.775
    assert np.mean([one.expected for one in best]) == pytest.approx(0.75, abs=0.013)
    assert all(one.low <= 0.75 <= one.high for one in best)
