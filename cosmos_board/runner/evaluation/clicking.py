"""Study `clicks`: every reference corrected click by click, all references abreast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.masks import Mask, encode_mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.scores import SELECTIONS, ScoreRow, Selection
from cosmos_board.data.pack import PackItem
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.models.candidate_checks import copy_prompts
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.prompts.clicks import CLICKS, Click, next_click
from cosmos_board.runner.engine.backoff import Throttle, ask_in_batches
from cosmos_board.runner.engine.clock import Clock
from cosmos_board.runner.engine.failure import ModelFailureError
from cosmos_board.runner.evaluation.answers import (
    Choice,
    PredictionRow,
    choose,
    fail_rows,
    make_row,
)
from cosmos_board.runner.evaluation.cells import Cell


@dataclass(slots=True)
class Trajectory:
    """The clicks on one reference under one selection, and what came of the last."""

    reference_id: str
    reference: PreparedReference
    selection: Selection
    clicks: list[Click]
    mask: Mask | None = None
    logits: NDArray[np.float32] | None = None
    choice: Choice | None = None
    finished: bool = False
    failure: str | None = None
    rows: list[ScoreRow] = field(default_factory=list)
    keep_masks: bool = False
    kept: list[PredictionRow] = field(default_factory=list)
    """The chosen mask after each click, where masks are kept and there is one."""

    def prompt(self) -> Prompt:
        """Return all clicks so far as one prompt."""
        points = np.array([(click.x, click.y) for click in self.clicks], np.int32)
        return Prompt(points, np.array([click.positive for click in self.clicks], np.int8))

    def take(self, answer: Candidates, *, keeps_logits: bool) -> None:
        """Choose a candidate by the selection's rule and remember it."""
        self.choice = choose(answer, self.reference)[self.selection]
        self.mask = answer.masks[self.choice.index]
        if keeps_logits and answer.logits is not None:
            self.logits = answer.logits[self.choice.index]

    def record(self, number: int) -> None:
        """Write down the score after click `number`; it repeats where no error is left."""
        cell = Cell(prompt="point", study="clicks", click=number)
        if self.failure is not None:
            rows = fail_rows(
                self.reference_id, cell, self.reference, self.failure, (self.selection,)
            )
            self.rows.extend(rows)
            return
        assert self.choice is not None, "a trajectory without failure has an answer"
        if self.keep_masks:
            assert self.mask is not None, "an answer has a mask"
            estimate, rle = self.choice.predicted_iou, encode_mask(self.mask)
            self.kept.append(
                PredictionRow(
                    self.reference_id, cell, self.choice.index, estimate, rle, self.selection
                )
            )
        self.rows.append(
            make_row(
                self.reference_id,
                cell,
                self.selection,
                self.choice.scores,
                self.choice.predicted_iou,
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


def run_clicks(
    segmenter: Segmenter,
    embedding: Embedding,
    item: PackItem,
    references: dict[str, PreparedReference],
    clock: Clock,
    throttle: Throttle,
    *,
    keep_masks: bool = False,
) -> list[Trajectory]:
    """Return ten clicks on every reference; each selection has its own trajectory."""
    if not segmenter.card.clicks:
        return []
    trajectories = [
        _begin(item, reference_id, reference, selection, keep_masks=keep_masks)
        for reference_id, reference in references.items()
        for selection in SELECTIONS
    ]
    for number in range(1, CLICKS + 1):
        active = [t for t in trajectories if not t.finished and t.failure is None]
        _click(segmenter, embedding, active, clock, throttle)
        for trajectory in trajectories:
            trajectory.record(number)
            trajectory.advance()
    return trajectories


def _begin(
    item: PackItem,
    reference_id: str,
    reference: PreparedReference,
    selection: Selection,
    *,
    keep_masks: bool,
) -> Trajectory:
    x, y = item.prompts[reference_id]["point"].points_xy[0].tolist()
    first = Click(x, y, positive=True)
    return Trajectory(reference_id, reference, selection, [first], keep_masks=keep_masks)


def _click(
    segmenter: Segmenter,
    embedding: Embedding,
    active: list[Trajectory],
    clock: Clock,
    throttle: Throttle,
) -> None:
    prompts = [trajectory.prompt() for trajectory in active]
    fed_back = segmenter.card.mask_input
    logits = [trajectory.logits for trajectory in active] if fed_back else None

    def ask(part: slice) -> list[Candidates]:
        given = copy_prompts(prompts[part])
        if logits is None:  # a model without mask input need not take any
            return segmenter.predict(embedding, given)
        return segmenter.predict(embedding, given, logits[part])

    batches = ask_in_batches(
        ask, len(prompts), segmenter, embedding, clock, throttle, keeps_logits=fed_back
    )
    answers = chain.from_iterable(batches)
    for trajectory, answer in zip(active, answers, strict=True):
        if isinstance(answer, ModelFailureError):
            trajectory.failure = str(answer)
        else:
            trajectory.take(answer, keeps_logits=fed_back)


def fail_clicks(
    card: ModelCard, references: dict[str, PreparedReference], reason: str
) -> Iterator[ScoreRow]:
    """Yield the rows of a model that takes clicks but could not look at the image."""
    if not card.clicks:
        return
    for reference_id, reference in references.items():
        for selection in SELECTIONS:
            for number in range(1, CLICKS + 1):
                cell = Cell(prompt="point", study="clicks", click=number)
                yield from fail_rows(reference_id, cell, reference, reason, (selection,))
