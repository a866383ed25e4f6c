"""Decides each claim of the paper on the data at hand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Literal, TypeAlias

from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.claims import CLAIMS, Claim
from cosmos_board.board.findings.evidence import Evidence, FindingInputs
from cosmos_board.board.messages import Message
from cosmos_board.board.studies.effects import Effect
from cosmos_board.core.scores import Selection
from cosmos_board.store.queries.runs import read_data_version

FindingVerdict: TypeAlias = Literal[
    "holds", "weakened", "overturned", "undecided", "not enough data"
]

PAPER_FAMILY = "sam"
"""The family that the paper's claims are about."""

_STRENGTH: tuple[FindingVerdict, ...] = (
    "not enough data", "overturned", "undecided", "weakened", "holds",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict on one claim under one selection."""

    verdict: FindingVerdict
    effect: Effect | None
    """What the verdict was read from; None where nothing could be measured."""

    evidence: Evidence
    missing: tuple[Message, ...]
    """What must be added; empty unless there is not enough data."""

    @property
    def value(self) -> float | None:
        """The effect itself."""
        return self.effect.value if self.effect else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """95 % interval of the effect."""
        return (self.effect.low, self.effect.high) if self.effect else (None, None)

    @property
    def targets(self) -> int:
        """Targets behind the effect."""
        return self.effect.targets if self.effect else 0

    @property
    def clusters(self) -> int:
        """Distinct clusters behind the effect."""
        return self.effect.clusters if self.effect else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyDecision:
    """A verdict on one claim for one family of models."""

    family: str
    oracle: Decision
    predicted: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One of the paper's claims, decided on this database."""

    claim: Claim
    family: str
    """The family that the headline is about; empty where all are taken together or none is."""

    oracle: Decision
    """The headline, by the paper's selection."""

    predicted: Decision | None
    """None where there is no selection (annotation)."""

    families: tuple[FamilyDecision, ...]
    """Each family by itself, where there are several."""

    data_version: str

    @property
    def id(self) -> str:
        """`F1` … `F8`."""
        return self.claim.id

    @property
    def verdict(self) -> FindingVerdict:
        """Of the headline."""
        return self.oracle.verdict


def find_findings(cube: Cube) -> tuple[Finding, ...]:
    """Return the eight findings as this database decides them.

    The headline is about SAM where SAM is there, else about all learned promptable models
    together. Fine-tuned models, baselines and observers have no part in it; neither have
    datasets that a model was trained on, nor synthetic data beside real data.
    """
    inputs = FindingInputs(cube)
    version = read_data_version(cube.connection)
    return tuple(_decide_claim(inputs, claim, version) for claim in CLAIMS)


def _decide_claim(inputs: FindingInputs, claim: Claim, version: str) -> Finding:
    def decide_for(names: tuple[str, ...], selection: Selection) -> Decision:
        return decide(claim.measure(inputs, names, selection), claim.threshold)

    families = inputs.families
    only = next(iter(families), "") if len(families) == 1 else ""
    family = PAPER_FAMILY if PAPER_FAMILY in families else only
    names = families.get(family) or tuple(chain.from_iterable(families.values()))
    by_family = families if claim.about == "families" and len(families) > 1 else {}
    readers = claim.about == "readers"
    return Finding(
        claim=claim,
        family="" if readers else family,
        oracle=decide_for(names, "oracle"),
        predicted=None if readers else decide_for(names, "predicted"),
        families=tuple(
            FamilyDecision(
                family=family,
                oracle=decide_for(names, "oracle"),
                predicted=decide_for(names, "predicted"),
            )
            for family, names in by_family.items()
        ),
        data_version=version,
    )


def decide(evidence: Evidence, threshold: float) -> Decision:
    """Return the verdict that the protocol gives to some evidence.

    Where the parts have different units, the part with the weaker verdict decides, and of equal
    verdicts the one with fewer standard errors between it and the threshold.
    """
    effect = min(
        evidence.effects,
        key=lambda e: (_STRENGTH.index(find_verdict(e, threshold)), _distance(e, threshold)),
        default=None,
    )
    if effect is None:
        return Decision(
            verdict="not enough data",
            effect=None,
            evidence=evidence,
            missing=evidence.missing or (Message("scores"),),
        )
    verdict = find_verdict(effect, threshold)
    missing = (Message("interval-clusters"),) if verdict == "not enough data" else ()
    return Decision(verdict=verdict, effect=effect, evidence=evidence, missing=missing)


def find_verdict(effect: Effect, threshold: float) -> FindingVerdict:
    """Return the verdict on a claim that an effect exceeds a threshold.

    `holds`: the 95 % interval lies wholly beyond the threshold. `weakened`: the estimate does,
    but the interval contains the threshold. `overturned`: the interval lies wholly on the other
    side. Else `undecided`.
    """
    if effect.low is None or effect.high is None:
        return "not enough data"
    if effect.low > threshold:
        return "holds"
    if effect.high < threshold:
        return "overturned"
    return "weakened" if effect.value > threshold else "undecided"


def _distance(effect: Effect, threshold: float) -> float:
    if not effect.error:
        return float("inf")
    return (effect.value - threshold) / effect.error
