"""The studies that pages show: findings, jitter, clicks, own scores, factors and others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cosmos_board.board.advice.advice import Advice, advise_everywhere
from cosmos_board.board.build import Boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.findings import Finding, find_findings
from cosmos_board.board.studies.annotation import AnnotationStudy, study_annotation
from cosmos_board.board.studies.clicks import ClicksStudy, study_clicks
from cosmos_board.board.studies.factors import FactorCurve, FactorRow, factor_curves, study_factors
from cosmos_board.board.studies.finetuning import FinetuningStudy, study_finetuning
from cosmos_board.board.studies.jitter import JitterRow, study_jitter
from cosmos_board.board.studies.trust import TrustRow, study_trust
from cosmos_board.board.types import BoardKey, Slice
from cosmos_board.core.tracks import FULL
from cosmos_board.site.content.suppression import Suppression
from cosmos_board.store.queries.runs import fetch_studied

FACTOR_PROMPT = "box"
"""The prompt under which factors are studied: it gives the place, so what is left is difficulty."""

FACTOR_MODELS = 4
"""Models whose factors are shown: the best of the overall board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Studies:
    """What was found beyond the leaderboards; empty where a study was not run."""

    findings: tuple[Finding, ...] = ()
    jitter: tuple[JitterRow, ...] = ()
    clicks: ClicksStudy = field(default_factory=lambda: ClicksStudy(rows=(), crossings=()))
    trust: tuple[TrustRow, ...] = ()
    trusted: tuple[str, ...] = ()
    """Models whose own scores are drawn: the best of the overall board, best first."""

    factors: tuple[FactorRow, ...] = ()
    curves: tuple[FactorCurve, ...] = ()
    finetuning: FinetuningStudy = field(
        default_factory=lambda: FinetuningStudy(rows=(), unusable=())
    )
    annotation: AnnotationStudy = field(
        default_factory=lambda: AnnotationStudy(rows=(), unpaired=0)
    )
    advice: tuple[Advice, ...] = ()
    """By target, the best model with each prompt; only of targets that have a board here."""

    submitted_advice: Mapping[str, tuple[Advice, ...]] = field(default_factory=dict)
    """The same from each track of submissions."""

    withheld: frozenset[str] = frozenset()
    """Studies that were run and of which nothing may be told: `jitter`, `clicks` …"""

    uncounted: frozenset[str] = frozenset()
    """Studies that were run, but not on images that count on the board: `jitter`, `clicks` …"""

    synthetic: bool = False
    """Whether the studies stand on synthetic images, for want of real ones."""


def read_studies(
    cube: Cube,
    boards: Boards,
    shown: Collection[Slice],
    scored: Collection[str],
    suppression: Suppression,
) -> Studies:
    """Return every study that the database behind `cube` has rows for.

    Advice is given about the slices in `shown` alone. `scored` names the studies that the database
    has rows for, left out or not.
    """
    lost = frozenset(scored) - {"main"} if suppression.withheld else frozenset[str]()
    if not boards.boards:
        return Studies(withheld=lost)
    models = _best_models(boards)
    jitter = study_jitter(cube)
    clicks, tuned = study_clicks(cube), study_finetuning(cube)
    annotation = study_annotation(cube.connection)
    factors = study_factors(cube, models=models, prompts=[FACTOR_PROMPT])
    rows = {
        "jitter": jitter,
        "clicks": clicks.rows,
        "factors": factors,
        "fine-tuning": tuned.rows,
        "annotation": annotation.rows,
    }
    studied = {study for study, _ in fetch_studied(cube.connection)}
    return Studies(
        withheld=frozenset(name for name in lost if not rows.get(name)),
        uncounted=frozenset(name for name in (studied & rows.keys()) - lost if not rows[name]),
        synthetic=all(dataset.synthetic for dataset in cube.datasets.values()),
        findings=find_findings(cube),
        jitter=jitter,
        clicks=clicks,
        trust=study_trust(cube, closed=suppression.closed),
        trusted=tuple(models),
        factors=factors,
        curves=tuple(
            curve
            for model in models
            for curve in factor_curves(
                cube, model, FACTOR_PROMPT, "predicted", closed=suppression.closed
            )
            if curve.bins
        ),
        finetuning=tuned,
        annotation=annotation,
        advice=_advise(cube, jitter, shown, FULL),
        submitted_advice={
            track: advice
            for track in cube.tracks
            if track != FULL and (advice := _advise(cube, (), shown, track))
        },
    )


def _advise(
    cube: Cube, jitter: Sequence[JitterRow], shown: Collection[Slice], track: str
) -> tuple[Advice, ...]:
    return tuple(
        advice
        for advice in advise_everywhere(cube, jitter, track=track)
        if Slice("target", f"{advice.modality}.{advice.object}") in shown
    )


def _best_models(boards: Boards) -> list[str]:
    board = boards.boards.get(BoardKey(Slice("overall"), FACTOR_PROMPT, "predicted", "dice"))
    return [row.model for row in board.rows[:FACTOR_MODELS]] if board else []
