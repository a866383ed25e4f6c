"""The studies that pages show: findings, jitter, clicks, factors, fine-tuning, annotation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cosmos_board.board.advice import Advice
from cosmos_board.board.advice_everywhere import advise_everywhere
from cosmos_board.board.build import Boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.findings import Finding, find_findings
from cosmos_board.board.studies.annotation import AnnotationStudy, study_annotation
from cosmos_board.board.studies.clicks import ClicksStudy, study_clicks
from cosmos_board.board.studies.factors import (
    FactorCurve,
    FactorRow,
    factor_curves,
    study_factors,
)
from cosmos_board.board.studies.finetuning import FinetuningStudy, study_finetuning
from cosmos_board.board.studies.jitter import JitterRow, study_jitter
from cosmos_board.board.types import BoardKey, Slice

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


NO_STUDIES = Studies(
    findings=(),
    jitter=(),
    clicks=ClicksStudy(rows=(), crossings=()),
    factors=(),
    curves=(),
    finetuning=FinetuningStudy(rows=(), unusable=()),
    annotation=AnnotationStudy(rows=(), unpaired=0),
    advice=(),
)
"""An empty board's."""


def read_studies(cube: Cube, boards: Boards, shown: Collection[Slice]) -> Studies:
    """Return every study that the database behind `cube` has rows for.

    Args:
        cube: The board database.
        boards: Its boards.
        shown: Slices that may be shown; advice is given about no other.
    """
    if not boards.boards:
        return NO_STUDIES
    models = _best_models(boards)
    jitter = study_jitter(cube)
    return Studies(
        findings=find_findings(cube),
        jitter=jitter,
        clicks=study_clicks(cube),
        factors=study_factors(cube, models=models, prompts=[FACTOR_PROMPT]),
        curves=tuple(
            curve
            for model in models
            for curve in factor_curves(cube, model, FACTOR_PROMPT, "predicted")
        ),
        finetuning=study_finetuning(cube),
        annotation=study_annotation(cube.connection),
        advice=tuple(
            one
            for one in advise_everywhere(cube, jitter)
            if Slice("target", f"{one.modality}.{one.object}") in shown
        ),
    )


def _best_models(boards: Boards) -> list[str]:
    board = boards.boards.get(BoardKey(Slice("overall"), FACTOR_PROMPT, "predicted", "dice"))
    return [row.model for row in board.rows[:FACTOR_MODELS]] if board else []
