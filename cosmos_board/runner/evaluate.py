"""One image, one segmenter: embed once, put every prompt of every reference, score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from cosmos_board.core.candidates import EverythingCandidates
from cosmos_board.core.errors import CosmosBoardError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.scores import SELECTIONS, ScoreRow
from cosmos_board.data.pack import PackItem
from cosmos_board.metrics.overlap import tabulate_rles
from cosmos_board.metrics.reference import PreparedReference, prepare_reference
from cosmos_board.metrics.surface import score
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.runner.answers import (
    PredictionRow,
    choose,
    fail_rows,
    keep_candidates,
    make_row,
    nothing_drawn,
    rows_of_choices,
)
from cosmos_board.runner.backoff import predict_in_batches
from cosmos_board.runner.cells import Cell, jittered_cells, main_cells
from cosmos_board.runner.clicking import run_clicks
from cosmos_board.runner.clock import Clock
from cosmos_board.runner.failure import ModelFailureError, describe_failure
from cosmos_board.runner.settings import RunSettings

EVERYTHING = Cell(prompt="everything")

_T = TypeVar("_T")


@dataclass(slots=True)
class ImageResult:
    """Everything that one image yields."""

    rows: list[ScoreRow] = field(default_factory=list)
    predictions: list[PredictionRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sitting:
    """A segmenter in front of one image."""

    segmenter: Segmenter
    item: PackItem
    references: dict[str, PreparedReference]
    settings: RunSettings
    clock: Clock

    @property
    def asked(self) -> tuple[str, ...]:
        """Prompts that are wanted and that the segmenter answers."""
        return tuple(name for name in self.settings.prompts if name in self.segmenter.card.prompts)

    @property
    def asks_everything(self) -> bool:
        """Whether everything mode is put: it belongs to the main study alone."""
        return "everything" in self.asked and self.settings.study == "main"

    def tasks(self) -> Iterator[tuple[str, Cell, Prompt]]:
        """Yield every prompt to put: reference id, cell, prompt."""
        image = self.item.image
        for reference_id in self.references:
            prompts = self.item.prompts[reference_id]
            if self.settings.study == "main":
                cells = main_cells(prompts, self.asked)
            else:
                cells = jittered_cells(
                    prompts,
                    self.asked,
                    reference_id=reference_id,
                    height=image.height,
                    width=image.width,
                )
            for cell, prompt in cells:
                yield reference_id, cell, prompt


def evaluate_image(
    segmenter: Segmenter, item: PackItem, settings: RunSettings, clock: Clock
) -> ImageResult:
    """Return the score rows of one image.

    A model that fails is charged empty predictions in rows that say so; the run goes on.
    """
    references = {
        reference.reference_id: prepare_reference(reference.mask()) for reference in item.references
    }
    sitting = Sitting(segmenter, item, references, settings, clock)
    result = ImageResult()
    try:
        with clock.time("embed"):
            embedding = _guard(lambda: segmenter.embed(item.image.pixels))
    except ModelFailureError as failure:
        result.rows.extend(_fail_all(sitting, str(failure)))
        return result
    if settings.study == "clicks":
        result.rows.extend(run_clicks(segmenter, embedding, item, references, clock))
        return result
    _put_prompts(sitting, embedding, result)
    if sitting.asks_everything:
        _put_everything(sitting, embedding, result)
    return result


def _guard(call: Callable[[], _T]) -> _T:
    """Turn whatever a model raises into a `ModelFailureError`; our own errors pass."""
    try:
        return call()
    except CosmosBoardError:
        raise
    except Exception as error:
        raise ModelFailureError(describe_failure(error)) from error


def _put_prompts(sitting: Sitting, embedding: Embedding, result: ImageResult) -> None:
    tasks = list(sitting.tasks())
    prompts = [prompt for _, _, prompt in tasks]
    answers = predict_in_batches(sitting.segmenter, embedding, prompts, sitting.clock)
    for (reference_id, cell, _), answer in zip(tasks, answers, strict=True):
        reference = sitting.references[reference_id]
        if isinstance(answer, ModelFailureError):
            result.rows.extend(fail_rows(reference_id, cell, reference, str(answer)))
            continue
        result.rows.extend(rows_of_choices(reference_id, cell, choose(answer, reference)))
        if sitting.settings.save_masks:
            result.predictions.extend(keep_candidates(reference_id, cell, answer))


def _put_everything(sitting: Sitting, embedding: Embedding, result: ImageResult) -> None:
    """Match each reference with the best of all masks found: the study's rule, oracle only."""
    try:
        with sitting.clock.time("everything"):
            found = _guard(lambda: sitting.segmenter.segment_everything(embedding))
    except ModelFailureError as failure:
        for reference_id, reference in sitting.references.items():
            result.rows.extend(
                fail_rows(reference_id, EVERYTHING, reference, str(failure), SELECTIONS[:1])
            )
        return
    _match(sitting, found, result)


def _match(sitting: Sitting, found: EverythingCandidates, result: ImageResult) -> None:
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


def _fail_all(sitting: Sitting, reason: str) -> Iterator[ScoreRow]:
    for reference_id, cell, _ in sitting.tasks():
        yield from fail_rows(reference_id, cell, sitting.references[reference_id], reason)
    if sitting.asks_everything:
        for reference_id, reference in sitting.references.items():
            yield from fail_rows(reference_id, EVERYTHING, reference, reason, SELECTIONS[:1])
