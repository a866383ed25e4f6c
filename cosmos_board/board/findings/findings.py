"""Decides each claim of the paper on the data at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.claims import CLAIMS, Claim
from cosmos_board.board.findings.decisions import Decision, decide
from cosmos_board.board.findings.evidence import FindingInputs
from cosmos_board.board.findings.parts import FindingVerdict
from cosmos_board.core.scores import Selection
from cosmos_board.store.queries.runs import read_data_version

PAPER_FAMILY = "sam"
"""The family that the paper's claims are about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyDecision:
    """A verdict on one claim for one family of models."""

    family: str
    predicted: Decision
    oracle: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One of the paper's claims, decided on this database."""

    claim: Claim
    family: str
    """The family that the headline is about; empty where all are taken together or none is."""

    headline: Decision
    """With the mask that the model itself prefers, which is what a user gets."""

    oracle: Decision | None
    """By the paper's selection; None where there is no selection (annotation)."""

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
        return self.headline.verdict

    @property
    def decisions(self) -> Iterator[tuple[str, Selection | None, Decision]]:
        """Every decision with its family and selection, the headline first, none twice."""
        yield self.family, None if self.oracle is None else "predicted", self.headline
        if self.oracle is not None:
            yield self.family, "oracle", self.oracle
        for other in self.families:
            if other.family != self.family:
                yield other.family, "predicted", other.predicted
                yield other.family, "oracle", other.oracle


def find_findings(cube: Cube) -> tuple[Finding, ...]:
    """Return the eight findings as this database decides them.

    The headline is about SAM where SAM is there, else about all learned promptable models
    together. Fine-tuned models, baselines and observers have no part in it; neither have
    datasets that a model was trained on, nor synthetic data beside real data.
    """
    inputs = FindingInputs(cube)
    version = read_data_version(cube.connection)
    return tuple(_decide_claim(inputs, claim, version) for claim in CLAIMS)


def count_tests(findings: Iterable[Finding]) -> int:
    """Return how many tests are shown: parts over claims, families and selections."""
    return sum(len(made.evidence.parts) for each in findings for _, _, made in each.decisions)


def _decide_claim(inputs: FindingInputs, claim: Claim, version: str) -> Finding:
    def decide_for(names: tuple[str, ...], selection: Selection) -> Decision:
        return decide(claim.measure(inputs, names, selection), claim.threshold, claim.floor)

    families = inputs.families
    only = next(iter(families), "") if len(families) == 1 else ""
    family = PAPER_FAMILY if PAPER_FAMILY in families else only
    names = families.get(family) or tuple(chain.from_iterable(families.values()))
    by_family = families if claim.about == "families" and len(families) > 1 else {}
    readers = claim.about == "readers"
    return Finding(
        claim=claim,
        family="" if readers else family,
        headline=decide_for(names, "predicted"),
        oracle=None if readers else decide_for(names, "oracle"),
        families=tuple(
            FamilyDecision(
                family=family,
                predicted=decide_for(names, "predicted"),
                oracle=decide_for(names, "oracle"),
            )
            for family, names in by_family.items()
        ),
        data_version=version,
    )
