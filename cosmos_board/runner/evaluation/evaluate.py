"""One image, one segmenter: embed once, predict every prompt of every reference, score.

What needs the model and what does not are kept apart: `predict_image` calls the model, and yields
functions that score its answers, which another thread may call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from cosmos_board.core.candidates import EverythingCandidates
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.scores import SELECTIONS, Selection
from cosmos_board.data.pack import PackItem
from cosmos_board.metrics.overlap import tabulate_rles
from cosmos_board.metrics.score import score
from cosmos_board.models.candidate_checks import check_everything
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.runner.evaluation.clicks import fail_clicks, run_clicks
from cosmos_board.runner.evaluation.image_session import ImageSession, PromptTask
from cosmos_board.runner.evaluation.model_calls import ModelFailureError
from cosmos_board.runner.evaluation.scoring import (
    Choice,
    ImageResult,
    PredictionRow,
    PromptKey,
    fail_rows,
    keep_candidates,
    make_row,
    rows_of_choices,
)

EVERYTHING = PromptKey(prompt="everything")

DeferredScores: TypeAlias = Callable[[], ImageResult]
"""Scores what the model has answered."""


def evaluate_image(segmenter: Segmenter, item: PackItem, settings: RunSettings) -> ImageResult:
    """Return the score rows of one image; see `predict_image`."""
    result = ImageResult()
    for deferred in predict_image(ImageSession(segmenter, item, settings)):
        result.extend(deferred())
    return result


def predict_image(session: ImageSession) -> Iterator[DeferredScores]:
    """Predict every prompt on one image; yield, batch by batch, how to score the answers.

    A failed answer is scored as an empty mask, with status `failed`; the run continues. What is
    yielded must be called in order and by one thread.

    Raises:
        DeviceError: If the device is broken.
    """
    try:
        embedding = session.embed()
    except ModelFailureError as failure:
        session.backoff.note_failures([failure])
        yield partial(_fail_all, session, str(failure))
        return
    if session.settings.study == "clicks":
        result = run_clicks(session, embedding)
        yield lambda: result
        return
    tasks = list(session.tasks())
    prompts = [task.prompt for task in tasks]
    done = 0
    for answers in session.predict_in_batches(
        lambda part: session.scorer.predict(embedding, prompts[part]), len(prompts), embedding
    ):
        yield partial(_score_answers, session, tasks[done : done + len(answers)], answers)
        done += len(answers)
    if session.has_everything:
        yield segment_everything(session, embedding)


def _score_answers(
    session: ImageSession, tasks: Sequence[PromptTask], answers: Sequence[object]
) -> ImageResult:
    pairs = list(zip(tasks, answers, strict=True))
    good = [pair for pair in pairs if not isinstance(pair[1], ModelFailureError)]
    choices = session.scorer.score(
        [answer for _, answer in good], [task.reference_id for task, _ in good]
    )
    return make_rows(session, tasks, answers, choices)


def make_rows(
    session: ImageSession,
    tasks: Sequence[PromptTask],
    answers: Sequence[object],
    choices: Sequence[Mapping[Selection, Choice]],
) -> ImageResult:
    """Return the rows of answers, in order.

    Args:
        session: Of the image.
        tasks: What was asked.
        answers: One to each, a failure or what the model said.
        choices: From each answer that is no failure.
    """
    result, chosen = ImageResult(), iter(choices)
    for (reference_id, key, _), answer in zip(tasks, answers, strict=True):
        if isinstance(answer, ModelFailureError):
            reference = session.references[reference_id]
            result.rows.extend(fail_rows(reference_id, key, reference, str(answer)))
            continue
        result.rows.extend(rows_of_choices(reference_id, key, next(chosen)))
        if session.settings.save_masks:
            candidates = session.scorer.to_host(answer)
            result.predictions.extend(keep_candidates(reference_id, key, candidates))
    return result


def segment_everything(session: ImageSession, embedding: Embedding) -> DeferredScores:
    """Find the masks of everything mode; return how to score them.

    Raises:
        DeviceError: If the device is broken.
    """

    def segment() -> EverythingCandidates:
        with session.time("everything"):
            answer = session.segmenter.segment_everything(embedding)
        return check_everything(answer, session.size)

    try:
        return partial(_score_everything, session, session.call(segment))
    except ModelFailureError as failure:
        session.backoff.note_failures([failure])
        return partial(_fail_everything, session, str(failure))


def _score_everything(session: ImageSession, answer: EverythingCandidates) -> ImageResult:
    """Match each reference with the best of all masks: the study's rule, oracle only."""
    result = ImageResult()
    table = tabulate_rles(answer.rles, [reference.rle for reference in session.item.references])
    best = table.find_best() if answer.rles else None
    for column, (reference_id, reference) in enumerate(session.references.items()):
        if best is None:
            rle, estimate = encode_mask(np.zeros(session.size, np.bool_)), None
            scores = score(rle.decode(), reference)
        else:
            index = int(best[column])
            rle, estimate = answer.rles[index], answer.predicted_iou[index]
            scores = score(rle.decode(), reference, table.counts(index, column))
        result.rows.append(make_row(reference_id, EVERYTHING, "oracle", scores, estimate))
        if session.settings.save_masks:
            result.predictions.append(PredictionRow(reference_id, EVERYTHING, 0, estimate, rle))
    return result


def _fail_all(session: ImageSession, reason: str) -> ImageResult:
    if session.settings.study == "clicks":
        return ImageResult(list(fail_clicks(session, reason)))
    result = ImageResult()
    for reference_id, key, _ in session.tasks():
        result.rows += fail_rows(reference_id, key, session.references[reference_id], reason)
    if session.has_everything:
        result.extend(_fail_everything(session, reason))
    return result


def _fail_everything(session: ImageSession, reason: str) -> ImageResult:
    result = ImageResult()
    for reference_id, reference in session.references.items():
        result.rows += fail_rows(reference_id, EVERYTHING, reference, reason, SELECTIONS[:1])
    return result
