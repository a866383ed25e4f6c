"""Claims rarely hold, or are contradicted, where they should not; planted effects are found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.findings.decisions import decide
from cosmos_board.board.findings.evidence_studies import LEAST_RHO, make_correlation_parts
from cosmos_board.board.findings.parts import Contrast, Evidence, FindingVerdict, measure_contrasts
from cosmos_board.board.findings.shares import THRESHOLD, measure_shares
from cosmos_board.board.messages import Message
from cosmos_board.board.studies.effects import Sample
from cosmos_board.board.studies.factors import PAPER_FACTORS, correlate_claimed
from cosmos_board.board.studies.reference_sample import ReferenceSample, rank_outcome
from cosmos_board.core.arrays import Floats
from tests.claim_samples import LAYOUTS, Layout, draw_sides

LAW = 0.05

FEW, MANY = 30, 2000
"""Samples of a cell: in the normal run, and in full."""

KINDS = ("normal", "skewed", "failures")
FEW_CELLS = (("3 × 12", "failures"), ("5 × 20 in 4 datasets", "normal"), ("uneven", "skewed"))

counts = pytest.mark.parametrize(
    "samples", [pytest.param(FEW, id="few"), pytest.param(MANY, marks=pytest.mark.slow, id="full")]
)
cells = pytest.mark.parametrize(
    ("layout", "kind", "samples"),
    [pytest.param(LAYOUTS[name], kind, FEW, id=f"{name}-{kind}-few") for name, kind in FEW_CELLS]
    + [
        pytest.param(layout, kind, MANY, marks=pytest.mark.slow, id=f"{name}-{kind}-full")
        for name, layout in LAYOUTS.items()
        for kind in KINDS
    ],
)


def count_verdicts(
    sample: Sample,
    draw: Callable[[np.random.Generator, Sample], Evidence],
    samples: int,
    threshold: float,
    floor: float = 0.0,
) -> Counter[str]:
    """Return how often each verdict is given; fresh numbers for each count of samples."""
    rng = np.random.default_rng([samples, len(sample.units)])
    return Counter(decide(draw(rng, sample), threshold, floor).verdict for _ in range(samples))


def contrasting(
    effects: Sequence[float], kind: str, spread: float = 0.0, any_of: Sequence[str] = ()
) -> Callable[[np.random.Generator, Sample], Evidence]:
    """Return how to draw evidence of one part per effect."""

    def draw(rng: np.random.Generator, sample: Sample) -> Evidence:
        contrasts = []
        for number, effect in enumerate(effects):
            more, less = draw_sides(rng, sample, effect, kind, spread)
            name = Message.of("box-gain", prompt=str(number))
            group = any_of[number] if any_of else ""
            contrasts.append(Contrast(name=name, more=more, less=less, any_of=group))
        return measure_contrasts(sample, contrasts, ("m",))

    return draw


def assert_rare(count: int, samples: int) -> None:
    """Refuse a rate that the law would give in 0.1 % of tests."""
    assert count <= stats.binom.ppf(0.999, samples, LAW)


@cells
@pytest.mark.parametrize("spread", [0.0, 0.04])
def test_one_part_of_size_0_decides_nothing(
    layout: Layout, kind: str, spread: float, samples: int
) -> None:
    """F2 and F8: also where targets vary around 0, which no number of clusters averages out."""
    found = count_verdicts(layout.make(), contrasting([0.0], kind, spread), samples, 0.0)

    assert_rare(found["holds"], samples)
    assert_rare(found["contradicted"], samples)


@counts
@pytest.mark.parametrize(("targets", "clusters"), [(12, 12), (5, 30)])
def test_targets_and_the_clusters_that_they_share_both_vary(
    targets: int, clusters: int, samples: int
) -> None:
    """Organs of the same patients: either spread alone would make half of the error."""
    sample = Layout(clusters=[clusters] * targets, shared=True).make()
    units = sample.units

    def draw(rng: np.random.Generator, sample: Sample) -> Evidence:
        of_targets = 0.1 * (targets / 12) ** 0.5 * rng.normal(size=targets)
        of_clusters = 0.1 * (clusters / 12) ** 0.5 * rng.normal(size=clusters)
        gain = of_targets[units.target] + of_clusters[units.cluster]
        less = np.full(len(units), 0.5)
        more = less + gain + 0.05 * rng.normal(size=len(units))
        contrast = Contrast(name=Message("size-gain"), more=more, less=less)
        return measure_contrasts(sample, [contrast], ("m",))

    found = count_verdicts(sample, draw, samples, 0.0)
    assert_rare(found["holds"], samples)
    assert_rare(found["contradicted"], samples)


@cells
def test_all_parts_must_hold_and_one_is_at_0(layout: Layout, kind: str, samples: int) -> None:
    """F3: the largest of three differences is no evidence for the smallest."""
    draw = contrasting([0.2, 0.0, 0.1, 0.3], kind)

    assert_rare(count_verdicts(layout.make(), draw, samples, 0.0)["holds"], samples)


@cells
def test_of_many_parts_at_0_none_contradicts(layout: Layout, kind: str, samples: int) -> None:
    draw = contrasting([0.0] * 4, kind)

    assert_rare(count_verdicts(layout.make(), draw, samples, 0.0)["contradicted"], samples)


@cells
def test_a_drop_at_the_threshold_does_not_hold(layout: Layout, kind: str, samples: int) -> None:
    """F5, with the drop of the point far above."""
    found = count_verdicts(layout.make(), contrasting([0.05, 0.2], kind, 0.01), samples, 0.05)

    assert_rare(found["holds"], samples)
    assert_rare(found["contradicted"], samples)


@cells
@pytest.mark.parametrize(
    "effects",
    [
        pytest.param([0.0, 0.1, 0.1, 0.1], id="level with one rival at click 1"),
        pytest.param([0.1, 0.1, 0.0, 0.0], id="level with both at click 10"),
    ],
)
def test_ahead_of_every_rival_and_behind_one(
    layout: Layout, kind: str, effects: list[float], samples: int
) -> None:
    """F6: leads over two rivals, then lags behind them, of which one would be enough."""
    draw = contrasting(effects, kind, any_of=["", "", "last", "last"])

    assert_rare(count_verdicts(layout.make(), draw, samples, 0.0)["holds"], samples)


@counts
def test_half_of_a_claimed_drop_is_smaller_than_claimed(samples: int) -> None:
    """F5: a drop of 0.03 is no contradiction; with many clusters it is known to be smaller."""
    large = Layout(clusters=[40] * 12).make()
    found = count_verdicts(large, contrasting([0.03, 0.03], "normal", 0.01), samples, 0.05)
    assert found["smaller than claimed"] > 0.8 * samples
    assert not found["contradicted"]

    small = Layout(clusters=[12] * 3).make()
    found = count_verdicts(small, contrasting([0.03, 0.03], "normal", 0.01), samples, 0.05)
    assert_rare(found["contradicted"], samples)
    assert_rare(found["holds"], samples)


@counts
@pytest.mark.parametrize("sign", [1, -1])
def test_planted_effects_are_found(sign: int, samples: int) -> None:
    sample = Layout(clusters=[20] * 10).make()
    found = count_verdicts(sample, contrasting([sign * 0.05] * 2, "normal", 0.02), samples, 0.0)

    assert found["holds" if sign > 0 else "contradicted"] > 0.8 * samples


def drawing_shares(
    high: float, low: float, kind: str, prompts: int = 4
) -> Callable[[np.random.Generator, Sample], Evidence]:
    """Return how to draw targets of which shares `high` and `low` are done well and badly.

    The others have a Dice of 0.7; in the world `near` 0.89, and in that of `failures` 0.92 but for
    4 % of clusters at 0. All prompts but one are worse by a little.
    """

    def draw(rng: np.random.Generator, sample: Sample) -> Evidence:
        units = sample.units
        which = rng.choice(3, len(units.targets), p=[high, low, 1 - high - low])
        middle = {"near": 0.89, "failures": 0.92}.get(kind, 0.7)
        best = np.array([0.96, 0.35, middle])[which]
        levels = best - 0.02 * np.abs(rng.normal(size=(prompts, len(best))))
        levels[rng.integers(prompts)] = best
        sd = 0.02 if kind == "failures" else 0.04
        values: Floats = levels[:, units.target] + sd * rng.normal(size=(prompts, len(units)))
        if kind == "failures":
            fails = (rng.random(len(units)) < 0.04) & (which[units.target] == 2)
            values = np.where(fails, 0.0, values)
        return measure_shares(sample, np.clip(values, 0, 1), ("m",))

    return draw


@counts
@pytest.mark.parametrize(
    ("layout", "kind", "high", "low"),
    [
        pytest.param(Layout(clusters=[12] * 12), "failures", 0.05, 0.4, id="12 targets, failures"),
        pytest.param(Layout(clusters=[12] * 12), "near", 0.05, 0.4, id="12 targets, near 0.9"),
        pytest.param(Layout(clusters=[20] * 40), "failures", 0.05, 0.4, id="40 targets, failures"),
        pytest.param(Layout(clusters=[20] * 40), "near", 0.05, 0.4, id="40 targets, near 0.9"),
        pytest.param(Layout(clusters=[20] * 40), "plain", 0.4, 0.05, id="40 targets, few bad"),
        pytest.param(Layout(clusters=[20] * 40), "plain", 0.05, 0.05, id="40 targets, few of both"),
    ],
)
def test_shares_at_the_threshold_decide_nothing(
    layout: Layout, kind: str, high: float, low: float, samples: int
) -> None:
    """F1: targets are a sample, also of those that seem good since they have not failed yet."""
    draw = drawing_shares(high, low, kind)
    found = count_verdicts(layout.make(), draw, samples, THRESHOLD, THRESHOLD)

    assert_rare(found["holds"], samples)
    assert_rare(found["contradicted"], samples)


@counts
def test_planted_shares_are_found(samples: int) -> None:
    sample = Layout(clusters=[20] * 40).make()
    found = count_verdicts(sample, drawing_shares(0.3, 0.3, "plain"), samples, THRESHOLD, THRESHOLD)

    assert found["holds"] > 0.8 * samples


@counts
def test_shares_of_no_target_are_contradicted_by_many_targets(samples: int) -> None:
    sample = Layout(clusters=[12] * 120).make()
    found = count_verdicts(
        sample, drawing_shares(0.0, 0.0, "plain"), samples // 10, THRESHOLD, THRESHOLD
    )

    assert found["contradicted"] == samples // 10


def draw_correlations(rng: np.random.Generator, complexity: float, contrast: float) -> Evidence:
    """Return F7 on 8 targets of 15 clusters of 4 references, with planted Spearman correlations.

    Targets differ in their level of Dice and of both factors, clusters in all three.
    """
    units, each = 8 * 15, 4
    target = np.repeat(np.arange(8), 15)
    unit = np.repeat(np.arange(units), each)

    def spread(of_targets: float, of_clusters: float) -> Floats:
        levels = of_targets * rng.normal(size=8)[target] + of_clusters * rng.normal(size=units)
        values: Floats = levels[unit] + rng.normal(size=units * each)
        return values / float(np.hypot(of_clusters, 1.0))

    factors = {name: spread(3.0, 0.5) for name in PAPER_FACTORS}
    inside = {
        name: values - (np.bincount(target[unit], values) / 60)[target[unit]]
        for name, values in factors.items()
    }
    # Pearson's correlation of a normal pair whose Spearman's is ρ: 2 sin(π ρ / 6).
    slopes = [np.tan(np.arcsin(2 * np.sin(np.pi * rho / 6))) for rho in (complexity, contrast)]
    dice = spread(2.0, 0.5)
    dice -= slopes[0] * inside["boundary_complexity"]
    dice += slopes[1] * inside["intensity_difference"]
    sample = ReferenceSample(
        unit, target, np.arange(units), np.zeros(units, np.int64), factors,
        np.ones(len(unit), bool), ("north",),
    )  # fmt: skip
    boundary, intensity = correlate_claimed(sample, rank_outcome(sample, dice))
    assert boundary is not None
    assert intensity is not None
    return Evidence(parts=make_correlation_parts(boundary, intensity))


@counts
@pytest.mark.parametrize(
    ("rhos", "verdict"),
    [((0.1, 0.3), "holds"), ((0.3, 0.1), "holds"), ((0.0, 0.3), "contradicted"),
     ((0.0, 0.0), "contradicted")],
)  # fmt: skip
def test_correlations_at_the_threshold_or_0_decide_nothing(
    rhos: tuple[float, float], verdict: FindingVerdict, samples: int
) -> None:
    """F7."""
    rng = np.random.default_rng([samples, 7])
    drawn = (draw_correlations(rng, *rhos) for _ in range(samples))
    found = Counter(decide(evidence, LEAST_RHO).verdict for evidence in drawn)

    assert_rare(found[verdict], samples)


@counts
def test_planted_correlations_are_found(samples: int) -> None:
    rng = np.random.default_rng([samples, 8])
    found = Counter(
        decide(draw_correlations(rng, 0.45, 0.45), LEAST_RHO).verdict for _ in range(samples)
    )

    assert found["holds"] > 0.8 * samples
