"""What one part of a claim says, what several say together, and what their intervals rest on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.findings.decisions import decide
from cosmos_board.board.findings.parts import (
    NO_REACH,
    Contrast,
    Evidence,
    FindingVerdict,
    Part,
    judge,
    make_parts,
    measure_contrasts,
)
from cosmos_board.board.messages import Message
from cosmos_board.board.studies.effects import Effect
from cosmos_board.core.arrays import Floats
from tests.claim_samples import Layout, draw_sides

THRESHOLD = 0.1


def effect_of(value: float, low: float | None, high: float | None, error: float = 0.01) -> Effect:
    return Effect(
        value=value, low=low, high=high, error=None if low is None else error, degrees=20,
        targets=3, clusters=10, references=10, left_out=0,
    )  # fmt: skip


def part_of(
    low: float | None, high: float | None, *, name: str = "a", upper: float | None = None,
    any_of: str = "",
) -> Part:  # fmt: skip
    value = 0.0 if low is None or high is None else (low + high) / 2
    return Part(
        name=Message.of("box-gain", prompt=name),
        effect=effect_of(value, low, high),
        upper=high if upper is None else upper,
        reach=0.03,
        any_of=any_of,
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        pytest.param(0.11, 0.3, "holds", id="wholly beyond"),
        pytest.param(0.1, 0.3, "there, size open", id="touching the threshold"),
        pytest.param(0.01, 0.3, "there, size open", id="beyond 0, around the threshold"),
        pytest.param(0.01, 0.1, "there, size open", id="touching the threshold from below"),
        pytest.param(0.01, 0.09, "smaller than claimed", id="between 0 and the threshold"),
        pytest.param(0.0, 0.09, "not shown", id="touching 0"),
        pytest.param(-0.2, 0.0, "not shown", id="touching 0 from below"),
        pytest.param(-0.2, 0.3, "not shown", id="around everything"),
        pytest.param(-0.2, -0.01, "contradicted", id="wholly below 0"),
        pytest.param(None, None, "not enough data", id="no interval"),
    ],
)
def test_a_verdict_is_read_off_the_interval(
    low: float | None, high: float | None, verdict: FindingVerdict
) -> None:
    part = part_of(low, high)

    assert judge(part, THRESHOLD) == verdict
    assert decide(Evidence(parts=(part,)), THRESHOLD).verdict == verdict


def test_a_share_of_targets_is_contradicted_below_its_threshold() -> None:
    assert judge(part_of(0.01, 0.04), 0.05, floor=0.05) == "contradicted"


def test_several_parts_contradict_by_the_interval_that_holds_for_all() -> None:
    part = part_of(-0.2, -0.01, upper=0.01)

    assert judge(part, 0.0) == "not shown"


def test_the_weakest_part_decides() -> None:
    parts = (part_of(0.2, 0.3, name="a"), part_of(0.02, 0.3, name="b"), part_of(0.4, 0.5, name="c"))

    decision = decide(Evidence(parts=parts), THRESHOLD)
    assert decision.verdict == "there, size open"
    assert decision.part == parts[1]
    assert decision.verdicts == ("holds", "there, size open", "holds")
    assert decision.detectable == pytest.approx(THRESHOLD + 0.03)


def test_one_contradicted_part_contradicts_a_claim() -> None:
    parts = (part_of(0.2, 0.3, name="a"), part_of(-0.3, -0.2, name="b"))

    assert decide(Evidence(parts=parts), THRESHOLD).verdict == "contradicted"


def test_of_alternatives_one_is_enough_and_all_must_be_contradicted() -> None:
    def verdict_of(*ends: tuple[float, float]) -> FindingVerdict:
        lags = [part_of(*pair, name=str(number), any_of="lag") for number, pair in enumerate(ends)]
        return decide(Evidence(parts=(part_of(0.1, 0.2), *lags)), 0.0).verdict

    assert verdict_of((0.1, 0.2), (-0.2, -0.1)) == "holds"
    assert verdict_of((-0.1, 0.2), (-0.2, -0.1)) == "not shown"
    assert verdict_of((-0.3, -0.2), (-0.2, -0.1)) == "contradicted"


def test_what_is_missing_is_passed_on() -> None:
    decision = decide(Evidence(missing=(Message("annotation-log"),)), 0.0)

    assert (decision.verdict, decision.missing) == ("not enough data", (Message("annotation-log"),))
    assert decision.value is None


def test_intervals_over_parts_and_alternatives_are_those_of_bonferroni() -> None:
    error, degrees = 0.02, 20
    measured = [
        (Message("box-drop"), effect_of(0.2, 0.15, 0.25, error), NO_REACH, ""),
        (Message("point-drop"), effect_of(0.1, 0.05, 0.15, error), NO_REACH, ""),
        (Message("tuning-gain"), effect_of(0.3, 0.25, 0.35, error), NO_REACH, "any"),
        (Message("size-gain"), effect_of(-0.1, -0.15, -0.05, error), NO_REACH, "any"),
    ]
    parts = make_parts(measured)

    t = stats.t(degrees)
    alone, pair, three = (t.ppf(1 - 0.025 / n) * error for n in (1, 2, 3))
    uppers = [part.upper for part in parts]
    assert uppers == pytest.approx([0.2 + three, 0.1 + three, 0.3 + three, -0.1 + three])
    lows = [part.effect.low for part in parts]
    assert lows == pytest.approx([0.2 - alone, 0.1 - alone, 0.3 - pair, -0.1 - pair])
    reaches = [part.reach for part in parts]
    power = t.ppf(0.8) * error
    assert reaches == pytest.approx([alone + power] * 2 + [pair + power] * 2)


def test_a_contrast_is_a_macro_t_interval_over_targets() -> None:
    """With targets that vary a lot, their spread makes the interval."""
    layout = Layout(clusters=[30] * 8)
    sample = layout.make()
    more, less = draw_sides(np.random.default_rng(3), sample, 0.1, "normal", 0.08)

    evidence = measure_contrasts(
        sample, [Contrast(name=Message("size-gain"), more=more, less=less)], ("m",)
    )
    means = (more - less).reshape(8, 30).mean(axis=1)
    effect = evidence.parts[0].effect
    expected = stats.t.interval(0.95, 7, means.mean(), stats.sem(means))
    assert effect.value == pytest.approx(means.mean(), abs=1e-5)
    assert (effect.low, effect.high) == pytest.approx(expected, abs=1e-4)


def test_an_interval_allows_for_one_more_failure_of_either_side() -> None:
    """Second implementation: append the cluster, and take the one-sided 95 % bound."""
    sample = Layout(clusters=[10, 10, 10]).make()
    rng = np.random.default_rng(4)
    less = 0.7 + 0.05 * rng.normal(size=30)
    more = less + 0.1 + 0.001 * rng.normal(size=30)
    targets = [slice(10 * number, 10 * number + 10) for number in range(3)]

    def bound(failing: Floats, other: Floats, sign: int) -> float:
        worst = max(targets, key=lambda part: float(failing[part].mean()))
        values = [(more - less)[part] for part in targets]
        place = targets.index(worst)
        values[place] = np.append(values[place], sign * other[worst].mean())
        squares = np.array([stats.sem(own) ** 2 / 9 for own in values])
        degrees = squares.sum() ** 2 / sum(
            square**2 / (len(own) - 1) for square, own in zip(squares, values, strict=True)
        )
        mean = np.mean([own.mean() for own in values])
        return float(mean + sign * stats.t.ppf(0.95, degrees) * np.sqrt(squares.sum()))

    contrast = Contrast(name=Message("size-gain"), more=more, less=less)
    effect = measure_contrasts(sample, [contrast], ("m",)).parts[0].effect
    assert effect.low == pytest.approx(bound(more, less, -1), abs=2e-3)
    assert effect.high == pytest.approx(bound(less, more, 1), abs=2e-3)


def test_thin_targets_have_no_part_and_are_counted() -> None:
    sample = Layout(clusters=[12, 12, 4]).make()
    more = np.full(28, 0.7)
    contrast = Contrast(name=Message("size-gain"), more=more, less=more - 0.1)

    assert measure_contrasts(sample, [contrast], ("m",)).missing == (
        Message.of("wide-targets", n=3, least=10, have=2, all=3, most=12),
    )
