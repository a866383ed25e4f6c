"""Study `clicks`: every reference is corrected click by click, those of an image side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.masks import Mask, encode_mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.scores import SELECTIONS, ScoreRow, Selection
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.models.candidate_checks import copy_prompts
from cosmos_board.models.segmenter import Embedding
from cosmos_board.prompts.clicks import CLICKS, Click, next_click
from cosmos_board.runner.evaluation.image_session import ImageSession
from cosmos_board.runner.evaluation.model_calls import ModelFailureError
from cosmos_board.runner.evaluation.scoring import (
    Choice,
    ImageResult,
    PredictionRow,
    PromptKey,
    choose,
    fail_rows,
    rows_of_choices,
)


@dataclass(slots=True)
class Trajectory:
    """The clicks on one reference under one selection, and what the last of them led to."""

    reference_id: str
    reference: PreparedReference
    selection: Selection
    clicks: list[Click]
    mask: Mask | None = None
    logits: NDArray[np.float32] | None = None
    choice: Choice | None = None
    finished: bool = False
    failure: str | None = None
    result: ImageResult = field(default_factory=ImageResult)

    def make_prompt(self) -> Prompt:
        """Return all clicks so far as one prompt."""
        points = np.array([(click.x, click.y) for click in self.clicks], np.int32)
        return Prompt(points, np.array([click.positive for click in self.clicks], np.int8))

    def take(self, answer: Candidates | ModelFailureError, *, keeps_logits: bool) -> None:
        """Remember the candidate that the selection takes, or the failure."""
        if isinstance(answer, ModelFailureError):
            self.failure = str(answer)
            return
        self.choice = choose(answer, self.reference)[self.selection]
        self.mask = answer.masks[self.choice.index]
        if keeps_logits and answer.logits is not None:
            self.logits = answer.logits[self.choice.index]

    def record(self, number: int, *, save_masks: bool) -> None:
        """Add the row of click `number`; it repeats the last one where no error is left."""
        key = make_key(number)
        if self.failure is not None:
            self.result.rows += fail_rows(
                self.reference_id, key, self.reference, self.failure, (self.selection,)
            )
            return
        assert self.choice is not None, "a trajectory without failure has an answer"
        self.result.rows += rows_of_choices(self.reference_id, key, {self.selection: self.choice})
        if save_masks:
            assert self.mask is not None, "an answer has a mask"
            choice, rle = self.choice, encode_mask(self.mask)
            self.result.predictions.append(
                PredictionRow(
                    self.reference_id, key, choice.index, choice.predicted_iou, rle, self.selection
                )
            )

    def advance(self) -> None:
        """Add the next click, or finish where no error is left to correct."""
        if self.finished or self.mask is None:
            return
        click = next_click(self.reference.mask, self.mask, self.clicks)
        if click is None:
            self.finished = True
        else:
            self.clicks.append(click)


def make_key(number: int) -> PromptKey:
    """Return the key of the score after click `number`, 1 … 10."""
    return PromptKey(prompt="point", study="clicks", click=number)


def run_clicks(session: ImageSession, embedding: Embedding) -> ImageResult:
    """Return the rows of ten clicks on every reference; each selection has its own trajectory."""
    result = ImageResult()
    if not session.segmenter.card.clicks:
        return result
    trajectories = []
    for reference_id, reference in session.references.items():
        x, y = session.item.prompts[reference_id]["point"].points_xy[0].tolist()
        trajectories += [
            Trajectory(reference_id, reference, selection, [Click(x, y, positive=True)])
            for selection in SELECTIONS
        ]
    for number in range(1, CLICKS + 1):
        active = [t for t in trajectories if not t.finished and t.failure is None]
        _click(session, embedding, active)
        for trajectory in trajectories:
            trajectory.record(number, save_masks=session.settings.save_masks)
            trajectory.advance()
    for trajectory in trajectories:
        result.extend(trajectory.result)
    return result


def _click(session: ImageSession, embedding: Embedding, active: Sequence[Trajectory]) -> None:
    """Predict the clicks so far of every active trajectory."""
    prompts = [trajectory.make_prompt() for trajectory in active]
    fed_back = session.segmenter.card.mask_input
    logits = [trajectory.logits for trajectory in active] if fed_back else None

    def predict(part: slice) -> list[Candidates]:
        copies = copy_prompts(prompts[part])
        if logits is None:  # a model without mask input need not take any
            return session.segmenter.predict(embedding, copies)
        return session.segmenter.predict(embedding, copies, logits[part])

    batches = session.predict_in_batches(predict, len(prompts), embedding, keeps_logits=fed_back)
    for trajectory, answer in zip(active, chain.from_iterable(batches), strict=True):
        trajectory.take(answer, keeps_logits=fed_back)


def fail_clicks(session: ImageSession, reason: str) -> Iterator[ScoreRow]:
    """Yield the rows of a model that takes clicks but could not embed the image."""
    if not session.segmenter.card.clicks:
        return
    for reference_id, reference in session.references.items():
        for selection in SELECTIONS:
            for number in range(1, CLICKS + 1):
                key = make_key(number)
                yield from fail_rows(reference_id, key, reference, reason, (selection,))
