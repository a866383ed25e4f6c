"""What the parts of a claim amount to together."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cosmos_board.board.findings.parts import Evidence, FindingVerdict, Part, judge
from cosmos_board.board.messages import Message

_STRENGTH: tuple[FindingVerdict, ...] = (
    "contradicted", "not shown", "smaller than claimed", "there, size open", "holds",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict on one claim under one selection."""

    verdict: FindingVerdict
    part: Part | None
    """The part that decides; None where there is not enough data."""

    detectable: float | None
    """The least effect of that part that would have been shown in 80 % of such samples."""

    evidence: Evidence
    verdicts: tuple[FindingVerdict, ...]
    """Of each part of the evidence."""

    missing: tuple[Message, ...]
    """What must be added; empty unless there is not enough data."""

    @property
    def value(self) -> float | None:
        """The effect that decides."""
        return self.part.effect.value if self.part else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """95 % interval of the effect."""
        return (self.part.effect.low, self.part.effect.high) if self.part else (None, None)

    @property
    def targets(self) -> int:
        """Targets behind the effect."""
        return self.part.effect.targets if self.part else 0

    @property
    def clusters(self) -> int:
        """Distinct clusters behind the effect."""
        return self.part.effect.clusters if self.part else 0


def decide(evidence: Evidence, threshold: float, floor: float = 0.0) -> Decision:
    """Return the verdict that the protocol gives to some evidence.

    The claim needs all of its parts (intersection–union), and of alternatives one: the part with
    the weakest verdict decides, and of equal verdicts the one that is least far beyond the
    threshold for the width of its interval; the strongest stands for alternatives.

    Args:
        evidence: Parts, or what is missing.
        threshold: The claimed size of every part; 0 where there are alternatives.
        floor: A part below it contradicts the claim.
    """
    verdicts = {part: judge(part, threshold, floor) for part in evidence.parts}
    missing = evidence.missing
    if not missing and "not enough data" in verdicts.values():
        missing = (Message("interval-clusters"),)
    if missing or not verdicts:
        return Decision(
            verdict="not enough data",
            part=None,
            detectable=None,
            evidence=evidence,
            verdicts=tuple(verdicts.values()),
            missing=missing or (Message("scores"),),
        )

    def strength(part: Part) -> tuple[int, float]:
        return _STRENGTH.index(verdicts[part]), _distance(part, threshold)

    groups: dict[object, list[Part]] = {}
    for part in evidence.parts:
        groups.setdefault(part.any_of or part.name, []).append(part)
    decisive = min((max(group, key=strength) for group in groups.values()), key=strength)
    return Decision(
        verdict=verdicts[decisive],
        part=decisive,
        detectable=None if decisive.reach is None else threshold + decisive.reach,
        evidence=evidence,
        verdicts=tuple(verdicts.values()),
        missing=(),
    )


def _distance(part: Part, threshold: float) -> float:
    """Return how far the effect lies beyond the threshold, as a share of its interval."""
    low, high = part.effect.low, part.effect.high
    assert low is not None
    assert high is not None
    beyond = part.effect.value - threshold
    return beyond / (high - low) if high > low else math.copysign(math.inf, beyond)
