"""The studies of a database, as far as they may be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from cosmos_board.board.advice import Advice
from cosmos_board.board.advice_everywhere import advise_everywhere
from cosmos_board.board.build import Boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.findings import find_findings
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
from cosmos_board.site.book import DatasetInfo
from cosmos_board.site.studies import FACTOR_MODELS, FACTOR_PROMPT, NO_STUDIES, Studies
from cosmos_board.site.study_gate import StudyGate
from cosmos_board.store.study_queries import fetch_studied


def read_studies(
    cube: Cube,
    boards: Boards,
    shown: Collection[Slice],
    datasets: Mapping[str, DatasetInfo],
    *,
    local: bool = False,
) -> Studies:
    """Return every study that the database behind `cube` has rows for, as far as it may be told.

    Args:
        cube: The board database.
        boards: Its boards.
        shown: Slices that may be shown; advice is given about no other.
        datasets: What the packs declared.
        local: Whether everything may be told.
    """
    if not boards.boards:
        return NO_STUDIES
    models = _best_models(boards)
    jitter = study_jitter(cube)
    clicks, tuned = study_clicks(cube), study_finetuning(cube)
    annotation = study_annotation(cube.connection)
    gate = StudyGate(cube, datasets, local=local)
    told, disturbed = gate.keep(clicks.rows, "clicks"), gate.keep(jitter, "jitter")
    factors = study_factors(cube, models=models, prompts=[FACTOR_PROMPT])
    heard = {row.model for row in told}
    found = {
        "jitter": (_over_targets(jitter), _over_targets(disturbed)),
        "clicks": (clicks.rows, told),
        "factors": (factors, gate.keep(factors)),
        "fine-tuning": (tuned.rows, gate.keep(tuned.rows)),
        "annotation": (annotation.rows, gate.keep(annotation.rows)),
    }
    return Studies(
        withheld=frozenset(name for name, (every, kept) in found.items() if every and not kept),
        uncounted=frozenset(
            study
            for study, _ in fetch_studied(cube.connection)
            if study in found and not found[study][0]
        ),
        synthetic=all(dataset.synthetic for dataset in cube.datasets.values()),
        findings=find_findings(cube),
        jitter=disturbed,
        clicks=replace(
            clicks,
            rows=told,
            crossings=tuple(one for one in clicks.crossings if {one.model, one.method} <= heard),
        ),
        factors=gate.keep(factors),
        curves=tuple(
            replace(curve, bins=gate.keep(curve.bins))
            for model in models
            for curve in factor_curves(cube, model, FACTOR_PROMPT, "predicted")
        ),
        finetuning=replace(tuned, rows=gate.keep(tuned.rows)),
        annotation=replace(annotation, rows=gate.keep(annotation.rows)),
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


def _over_targets(rows: Sequence[JitterRow]) -> list[JitterRow]:
    """Return the rows that the page of the study shows."""
    return [row for row in rows if not row.target]


def _best_models(boards: Boards) -> list[str]:
    board = boards.boards.get(BoardKey(Slice("overall"), FACTOR_PROMPT, "predicted", "dice"))
    return [row.model for row in board.rows[:FACTOR_MODELS]] if board else []
