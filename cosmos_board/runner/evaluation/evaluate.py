"""One image, one segmenter: embed once, put every prompt of every reference, score.

What needs the model and what does not are kept apart: `ask_image` asks, and yields what is left to
be done with the answers, which another thread may do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias, TypeVar

from cosmos_board.core.candidates import EverythingCandidates
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.scores import SELECTIONS, ScoreRow
from cosmos_board.data.pack import PackItem
from cosmos_board.metrics.overlap import tabulate_rles
from cosmos_board.metrics.score import score
from cosmos_board.models.candidate_checks import check_embedding, check_everything
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.runner.engine.backoff import Throttle, ask_in_batches, release_memory
from cosmos_board.runner.engine.clock import Clock
from cosmos_board.runner.engine.failure import ModelFailureError, call_model
from cosmos_board.runner.evaluation.answers import (
    PredictionRow,
    fail_rows,
    keep_candidates,
    make_row,
    nothing_drawn,
    rows_of_choices,
)
from cosmos_board.runner.evaluation.cells import Cell
from cosmos_board.runner.evaluation.clicking import fail_clicks, run_clicks
from cosmos_board.runner.evaluation.embedding_cache import Shelf
from cosmos_board.runner.evaluation.image_session import Sitting, Task
from cosmos_board.runner.settings import Place

EVERYTHING = Cell(prompt="everything")

_T = TypeVar("_T")


@dataclass(slots=True)
class ImageResult:
    """Everything that one image yields."""

    rows: list[ScoreRow] = field(default_factory=list)
    predictions: list[PredictionRow] = field(default_factory=list)

    def extend(self, other: ImageResult) -> None:
        """Add what `other` holds."""
        self.rows.extend(other.rows)
        self.predictions.extend(other.predictions)


Tally: TypeAlias = Callable[[], ImageResult]
"""What is left to be done when the model has answered."""


def evaluate_image(
    segmenter: Segmenter, item: PackItem, settings: RunSettings, clock: Clock
) -> ImageResult:
    """Return the score rows of one image; see `ask_image`."""
    result = ImageResult()
    for tally in ask_image(segmenter, item, settings, clock, Throttle()):
        result.extend(tally())
    return result


def ask_image(
    segmenter: Segmenter,
    item: PackItem,
    settings: RunSettings,
    clock: Clock,
    throttle: Throttle,
    place: Place | None = None,
    shelf: Shelf | None = None,
) -> Iterator[Tally]:
    """Put every prompt on one image; yield, batch by batch, how to score what was answered.

    A model that fails is charged empty predictions in rows that say so; the run goes on. What is
    yielded must be called in order and by one thread.

    Raises:
        DeviceError: If the device is broken.
    """
    sitting = Sitting(segmenter, item, settings, clock, throttle, place)
    try:
        embedding = _embed(sitting, shelf)
    except ModelFailureError as failure:
        throttle.note_failures([failure])
        yield partial(_fail_all, sitting, str(failure))
        return
    if settings.study == "clicks":
        trajectories = run_clicks(
            segmenter,
            embedding,
            item,
            sitting.references,
            clock,
            throttle,
            keep_masks=settings.save_masks,
        )
        yield lambda: ImageResult(
            [row for one in trajectories for row in one.rows],
            [row for one in trajectories for row in one.kept],
        )
        return
    yield from _put_prompts(sitting, embedding)
    if sitting.asks_everything:
        yield _put_everything(sitting, embedding)


def _embed(sitting: Sitting, shelf: Shelf | None) -> Embedding:
    """Return the embedding of the image; only one that is computed here counts for timings."""
    pixels = sitting.item.image.pixels
    if shelf is not None and (kept := shelf.find(pixels)) is not None:
        return kept
    size = (sitting.item.image.height, sitting.item.image.width)

    def embed() -> Embedding:
        own = pixels.copy()  # scoring, the shelf and other models must not see what it writes there
        with sitting.clock.time("embed"):
            found = sitting.segmenter.embed(own)
        return check_embedding(found, size)

    embedding = _guard(sitting.segmenter, embed)
    if shelf is not None:
        shelf.keep(pixels, embedding)
    return embedding


def _guard(segmenter: Segmenter, call: Callable[[], _T]) -> _T:
    """Return what `call` returns; what a model raises becomes a `ModelFailureError`.

    What does not fit is called again once, after the segmenter gave back what it keeps.
    """
    outcome = call_model(call)
    if isinstance(outcome, ModelFailureError) and outcome.is_memory:
        release_memory(segmenter)
        outcome = call_model(call)
    if isinstance(outcome, ModelFailureError):
        raise outcome
    return outcome


def _put_prompts(sitting: Sitting, embedding: Embedding) -> Iterator[Tally]:
    tasks = list(sitting.tasks())
    prompts = [prompt for _, _, prompt in tasks]
    done = 0
    for answers in ask_in_batches(
        lambda part: sitting.grader.ask(embedding, prompts[part]),
        len(prompts),
        sitting.segmenter,
        embedding,
        sitting.clock,
        sitting.throttle,
    ):
        batch = tasks[done : done + len(answers)]
        yield partial(_score_answers, sitting, batch, answers)
        done += len(answers)


def _score_answers(
    sitting: Sitting, tasks: Sequence[Task], answers: Sequence[object]
) -> ImageResult:
    result, grader = ImageResult(), sitting.grader
    pairs = list(zip(tasks, answers, strict=True))
    good = [pair for pair in pairs if not isinstance(pair[1], ModelFailureError)]
    choices = iter(grader.grade([answer for _, answer in good], [task[0] for task, _ in good]))
    for (reference_id, cell, _), answer in pairs:
        if isinstance(answer, ModelFailureError):
            reference = sitting.references[reference_id]
            result.rows.extend(fail_rows(reference_id, cell, reference, str(answer)))
            continue
        result.rows.extend(rows_of_choices(reference_id, cell, next(choices)))
        if sitting.settings.save_masks:
            result.predictions.extend(keep_candidates(reference_id, cell, grader.to_host(answer)))
    return result


def _put_everything(sitting: Sitting, embedding: Embedding) -> Tally:

    def ask() -> EverythingCandidates:
        with sitting.clock.time("everything"):
            found = sitting.segmenter.segment_everything(embedding)
        return check_everything(found, (embedding.height, embedding.width))

    try:
        found = _guard(sitting.segmenter, ask)
    except ModelFailureError as failure:
        sitting.throttle.note_failures([failure])
        return partial(_fail_everything, sitting, str(failure))
    return partial(_match, sitting, found)


def _match(sitting: Sitting, found: EverythingCandidates) -> ImageResult:
    """Match each reference with the best of all masks found: the study's rule, oracle only."""
    result = ImageResult()
    rles = [reference.rle for reference in sitting.item.references]
    table = tabulate_rles(found.rles, rles)
    best = table.find_best() if found.rles else None
    for column, (reference_id, reference) in enumerate(sitting.references.items()):
        if best is None:
            rle, estimate = encode_mask(nothing_drawn(reference)), None
            scores = score(rle.decode(), reference)
        else:
            index = int(best[column])
            rle, estimate = found.rles[index], found.predicted_iou[index]
            scores = score(rle.decode(), reference, table.counts(index, column))
        result.rows.append(make_row(reference_id, EVERYTHING, "oracle", scores, estimate))
        if sitting.settings.save_masks:
            result.predictions.append(PredictionRow(reference_id, EVERYTHING, 0, estimate, rle))
    return result


def _fail_all(sitting: Sitting, reason: str) -> ImageResult:
    if sitting.settings.study == "clicks":
        return ImageResult(list(fail_clicks(sitting.segmenter.card, sitting.references, reason)))
    result = ImageResult(
        [
            row
            for reference_id, cell, _ in sitting.tasks()
            for row in fail_rows(reference_id, cell, sitting.references[reference_id], reason)
        ]
    )
    if sitting.asks_everything:
        result.extend(_fail_everything(sitting, reason))
    return result


def _fail_everything(sitting: Sitting, reason: str) -> ImageResult:
    rows: list[ScoreRow] = []
    for reference_id, reference in sitting.references.items():
        rows += fail_rows(reference_id, EVERYTHING, reference, reason, SELECTIONS[:1])
    return ImageResult(rows)
