"""The findings engine: is each claim of the paper true of the data at hand?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.claims import CLAIMS, Certainty, Claim
from cosmos_board.board.findings.evidence import (
    Evidence,
    Gatherer,
    Material,
    Part,
    gather_prompts,
    gather_size,
    gather_spread,
)
from cosmos_board.board.findings.evidence_studies import (
    gather_annotation,
    gather_clicks,
    gather_factors,
    gather_finetuning,
    gather_jitter,
)
from cosmos_board.board.studies.effects import Effect
from cosmos_board.core.scores import SELECTIONS, Selection
from cosmos_board.store.queries.runs import read_data_version

FindingVerdict: TypeAlias = Literal[
    "holds", "weakened", "overturned", "undecided", "not enough data"
]

PAPER_FAMILY = "sam"
"""The family that the paper's claims are about."""

_GATHERERS: dict[str, Gatherer] = {
    "F1": gather_spread,
    "F2": gather_size,
    "F3": gather_prompts,
    "F5": gather_jitter,
    "F6": gather_clicks,
    "F7": gather_factors,
    "F8": gather_finetuning,
}

_STRENGTH: tuple[FindingVerdict, ...] = (
    "not enough data", "overturned", "undecided", "weakened", "holds",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict on one claim under one selection."""

    verdict: FindingVerdict
    effect: float | None
    low: float | None
    high: float | None
    """95 % interval."""

    targets: int
    clusters: int
    references: int
    parts: tuple[Part, ...]
    """What the effect is the weaker of."""

    models: tuple[str, ...]
    missing: tuple[str, ...]
    """What must be added; empty unless there is not enough data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyDecision:
    """A verdict on one claim for one family of models."""

    family: str
    oracle: Decision
    predicted: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One of the paper's findings, decided on this database."""

    id: str
    statement: str
    statement_zh: str
    effect_text: str
    effect_text_zh: str
    threshold: float
    unit: str
    needs: str
    paper: str
    certainty: Certainty
    source: str

    verdict: FindingVerdict
    """Of `oracle`, the paper's selection."""

    effect: float | None
    low: float | None
    high: float | None
    n: int
    """Distinct clusters behind the effect."""

    family: str
    """The family that the headline is about; empty where all are taken together or none is."""

    oracle: Decision
    predicted: Decision | None
    """None where there is no selection (annotation)."""

    families: tuple[FamilyDecision, ...]
    """Each family by itself, where there are several."""

    query: str
    data_version: str


def find_findings(cube: Cube, track: str = "full") -> tuple[Finding, ...]:
    """Return the eight findings as this database decides them.

    The headline is about SAM where SAM is there, else about all learned promptable models
    together. Fine-tuned models, baselines and observers have no part in it; neither have
    datasets that a model was trained on, nor synthetic data beside real data.
    """
    material = Material(cube, track)
    version = read_data_version(cube.connection)
    return tuple(_find(material, claim, version) for claim in CLAIMS)


def _find(material: Material, claim: Claim, version: str) -> Finding:
    families = material.families
    predicted: Decision | None = None
    each: tuple[FamilyDecision, ...] = ()
    family = ""
    if claim.id == "F4":
        oracle = decide(gather_annotation(material), claim.threshold)
    else:
        several = len(families) > 1 and claim.id != "F2"
        each = tuple(
            FamilyDecision(
                family=name,
                oracle=_decide_for(material, claim, names, "oracle"),
                predicted=_decide_for(material, claim, names, "predicted"),
            )
            for name, names in families.items()
            if several
        )
        family = PAPER_FAMILY if PAPER_FAMILY in families else next(iter(families), "")
        family = "" if len(families) > 1 and family != PAPER_FAMILY else family
        names = families.get(family) or tuple(n for group in families.values() for n in group)
        oracle, predicted = (
            _decide_for(material, claim, names, selection) for selection in SELECTIONS
        )
    return Finding(
        id=claim.id,
        statement=claim.statement,
        statement_zh=claim.statement_zh,
        effect_text=claim.effect,
        effect_text_zh=claim.effect_zh,
        threshold=claim.threshold,
        unit=claim.unit,
        needs=claim.needs,
        paper=claim.paper,
        certainty=claim.certainty,
        source=claim.source,
        verdict=oracle.verdict,
        effect=oracle.effect,
        low=oracle.low,
        high=oracle.high,
        n=oracle.clusters,
        family=family,
        oracle=oracle,
        predicted=predicted,
        families=each,
        query=claim.query,
        data_version=version,
    )


def _decide_for(
    material: Material, claim: Claim, names: tuple[str, ...], selection: Selection
) -> Decision:
    return decide(_GATHERERS[claim.id](material, names, selection), claim.threshold)


_TOO_FEW = "ten clusters, and more clusters than datasets, for an interval"


def decide(evidence: Evidence, threshold: float) -> Decision:
    """Return the verdict that the protocol gives to some evidence.

    Where the parts have different units, the part with the weaker verdict decides, and of equal
    verdicts the one with fewer standard errors between it and the threshold.
    """
    effect = evidence.effect
    if evidence.alternatives:
        effect = min(
            evidence.alternatives,
            key=lambda one: (_STRENGTH.index(judge(one, threshold)), _distance(one, threshold)),
        )
    if effect is None:
        missing = evidence.missing or ("scores",)
        return Decision(
            verdict="not enough data",
            effect=None,
            low=None,
            high=None,
            targets=0,
            clusters=0,
            references=0,
            parts=(),
            models=evidence.models,
            missing=missing,
        )
    verdict = judge(effect, threshold)
    return Decision(
        verdict=verdict,
        effect=effect.value,
        low=effect.low,
        high=effect.high,
        targets=effect.targets,
        clusters=effect.clusters,
        references=effect.references,
        parts=evidence.parts,
        models=evidence.models,
        missing=(_TOO_FEW,) if verdict == "not enough data" else (),
    )


def judge(effect: Effect, threshold: float) -> FindingVerdict:
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
