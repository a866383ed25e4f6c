"""The studies that pages show: findings, jitter, clicks, factors, fine-tuning, annotation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cosmos_board.board.advice.advice import Advice
from cosmos_board.board.findings.findings import Finding
from cosmos_board.board.studies.annotation import AnnotationStudy
from cosmos_board.board.studies.clicks import ClicksStudy
from cosmos_board.board.studies.factors import (
    FactorCurve,
    FactorRow,
)
from cosmos_board.board.studies.finetuning import FinetuningStudy
from cosmos_board.board.studies.jitter import JitterRow

FACTOR_PROMPT = "box"
"""The prompt under which factors are studied: it gives the place, so what is left is difficulty."""

FACTOR_MODELS = 4
"""Models whose factors are shown: the best of the overall board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Studies:
    """What was found beyond the leaderboards; empty where a study was not run."""

    findings: tuple[Finding, ...]
    jitter: tuple[JitterRow, ...]
    clicks: ClicksStudy
    factors: tuple[FactorRow, ...]
    curves: tuple[FactorCurve, ...]
    finetuning: FinetuningStudy
    annotation: AnnotationStudy
    advice: tuple[Advice, ...]
    """By target, the best model with each prompt; only of targets that have a board here."""

    submitted_advice: Mapping[str, tuple[Advice, ...]]
    """The same from each track of submissions."""

    withheld: frozenset[str]
    """Studies that were run and of which nothing may be told: `jitter`, `clicks` …"""

    uncounted: frozenset[str]
    """Studies that were run, but not on images that count on the board: `jitter`, `clicks` …"""

    synthetic: bool
    """Whether the studies stand on synthetic images, for want of real ones."""


NO_STUDIES = Studies(
    findings=(),
    jitter=(),
    clicks=ClicksStudy(rows=(), crossings=()),
    factors=(),
    curves=(),
    finetuning=FinetuningStudy(rows=(), unusable=()),
    annotation=AnnotationStudy(rows=(), unpaired=0),
    advice=(),
    submitted_advice={},
    withheld=frozenset(),
    uncounted=frozenset(),
    synthetic=False,
)
"""An empty board's."""
