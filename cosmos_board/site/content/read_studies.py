"""The studies of a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from cosmos_board.board.advice.advice import Advice
from cosmos_board.board.advice.everywhere import advise_everywhere
from cosmos_board.board.build import Boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.findings import find_findings
from cosmos_board.board.studies.annotation import study_annotation
from cosmos_board.board.studies.clicks import study_clicks
from cosmos_board.board.studies.factors import (
    factor_curves,
    study_factors,
)
from cosmos_board.board.studies.finetuning import study_finetuning
from cosmos_board.board.studies.jitter import JitterRow, study_jitter
from cosmos_board.board.types import BoardKey, Slice
from cosmos_board.core.tracks import FULL
from cosmos_board.site.content.studies import FACTOR_MODELS, FACTOR_PROMPT, NO_STUDIES, Studies
from cosmos_board.site.content.suppression import Suppression
from cosmos_board.store.queries.runs import fetch_studied


def read_studies(
    cube: Cube,
    boards: Boards,
    shown: Collection[Slice],
    scored: Collection[str],
    suppression: Suppression,
) -> Studies:
    """Return every study that the database behind `cube` has rows for.

    Args:
        cube: The board database.
        boards: Its boards.
        shown: Slices that may be shown; advice is given about no other.
        scored: Studies that the database has rows for, left out or not.
        suppression: What was left out.
    """
    lost = frozenset(scored) - {"main"} if suppression.withheld else frozenset[str]()
    if not boards.boards:
        return replace(NO_STUDIES, withheld=lost)
    models = _best_models(boards)
    jitter = study_jitter(cube)
    clicks, tuned = study_clicks(cube), study_finetuning(cube)
    annotation = study_annotation(cube.connection)
    factors = study_factors(cube, models=models, prompts=[FACTOR_PROMPT])
    found = {
        "jitter": jitter,
        "clicks": clicks.rows,
        "factors": factors,
        "fine-tuning": tuned.rows,
        "annotation": annotation.rows,
    }
    studied = {study for study, _ in fetch_studied(cube.connection)}
    return Studies(
        withheld=frozenset(name for name in lost if not found.get(name)),
        uncounted=frozenset(name for name in (studied & found.keys()) - lost if not found[name]),
        synthetic=all(dataset.synthetic for dataset in cube.datasets.values()),
        findings=find_findings(cube),
        jitter=jitter,
        clicks=clicks,
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
        one
        for one in advise_everywhere(cube, jitter, track=track)
        if Slice("target", f"{one.modality}.{one.object}") in shown
    )


def _best_models(boards: Boards) -> list[str]:
    board = boards.boards.get(BoardKey(Slice("overall"), FACTOR_PROMPT, "predicted", "dice"))
    return [row.model for row in board.rows[:FACTOR_MODELS]] if board else []
