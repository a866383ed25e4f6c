from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.classical.box_prior import BoxPrior
from cosmos_board.models.conformance import find_problems
from cosmos_board.models.registry import is_ready, load_segmenter
from cosmos_board.models.segmenter import Embedding, Segmenter


@dataclass
class Altered:
    """A segmenter that changes what goes into, or comes out of, another one."""

    inner: Segmenter = field(default_factory=BoxPrior)

    @property
    def card(self) -> ModelCard:
        return self.inner.card

    def embed(self, pixels: Pixels) -> Embedding:
        return self.inner.embed(pixels)

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        return self.inner.predict(embedding, [self.change(one) for one in prompts], logits)

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        return self.inner.segment_everything(embedding)

    def change(self, prompt: Prompt) -> Prompt:
        return prompt


class SwapsXY(Altered):
    """Hands (y, x) to a model that reads (x, y)."""

    def change(self, prompt: Prompt) -> Prompt:
        box = prompt.box_xyxy
        swapped = None if box is None else (box[1], box[0], box[3], box[2])
        return replace(prompt, points_xy=prompt.points_xy[:, ::-1], box_xyxy=swapped)


class IgnoresPrompt(Altered):
    """Asks the same whatever it is asked."""

    def change(self, prompt: Prompt) -> Prompt:
        return Prompt(np.array([[80, 24]], np.int32), np.ones(1, np.int8))


class ReadsBoxAsCornerAndSize(Altered):
    """Takes the far corner for a width and height."""

    def change(self, prompt: Prompt) -> Prompt:
        if prompt.box_xyxy is None:
            return prompt
        x, y, width, height = prompt.box_xyxy
        return replace(prompt, box_xyxy=(x, y, x + width, y + height))


class StaysInTheInputFrame(Altered):
    """Forgets that the image was shrunk to at most 144 pixels."""

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        factor = max(embedding.width // 144, 1)
        shrunk = [
            replace(
                one,
                points_xy=one.points_xy // factor,
                box_xyxy=None
                if one.box_xyxy is None
                else tuple(value // factor for value in one.box_xyxy),  # type: ignore[arg-type]
            )
            for one in prompts
        ]
        return self.inner.predict(embedding, shrunk, logits)


class DependsOnCompany(Altered):
    """Answers several prompts in the wrong order."""

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        answers = self.inner.predict(embedding, prompts, logits)
        return answers if len(prompts) == 1 else answers[::-1]


@dataclass
class Wavers(Altered):
    """Answers differently each time."""

    calls: int = 0

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        self.calls += 1
        answers = self.inner.predict(embedding, prompts, logits)
        shaken = np.float32(0.001 * self.calls)
        return [replace(one, predicted_iou=one.predicted_iou - shaken) for one in answers]


class FailsOnBlack(Altered):
    """Divides by the mean of the image."""

    def embed(self, pixels: Pixels) -> Embedding:
        if not pixels.any():
            raise ZeroDivisionError("mean of nothing")
        return super().embed(pixels)


class WrongSize(Altered):
    """Loses a row of the mask."""

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        answers = self.inner.predict(embedding, prompts, logits)
        return [replace(one, masks=one.masks[:, :-1]) for one in answers]


@pytest.mark.parametrize("name", ["box-prior", "grabcut", "random-walker", "threshold"])
def test_built_in_methods_keep_every_promise(name: str) -> None:
    assert find_problems(load_segmenter(name)) == []


@pytest.mark.skipif(not is_ready("cosmos-tiny"), reason="its weights do not ship yet")
def test_the_built_in_model_keeps_every_promise() -> None:
    assert find_problems(load_segmenter("cosmos-tiny"), everything=True) == []


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (SwapsXY, "axis order"),
        (IgnoresPrompt, "prompt is used"),
        (ReadsBoxAsCornerAndSize, "box format"),
        (StaysInTheInputFrame, "scale"),
        (DependsOnCompany, "batch invariance"),
        (Wavers, "determinism"),
        (FailsOnBlack, "empty image"),
        (WrongSize, "answers"),
    ],
)
def test_each_slip_is_called_by_its_name(broken: Callable[[], Segmenter], check: str) -> None:
    assert check in {problem.check for problem in find_problems(broken())}


class _Cropped:
    """Stands for candidates on a device, of which the lower rows were lost."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates

    def to_host(self) -> Candidates:
        masks = self._candidates.masks.copy()
        masks[:, 20:] = False
        return replace(self._candidates, masks=masks)


def test_masks_on_a_device_are_those_that_are_copied() -> None:
    class LosesRows(Altered):
        device = "cuda"

        def predict_on_device(
            self, embedding: Embedding, prompts: Sequence[Prompt]
        ) -> list[_Cropped]:
            return [_Cropped(one) for one in self.predict(embedding, prompts)]

    class LosesAnswers(LosesRows):
        def predict_on_device(
            self, embedding: Embedding, prompts: Sequence[Prompt]
        ) -> list[_Cropped]:
            return super().predict_on_device(embedding, prompts)[1:]

    rows, answers = (
        [str(problem) for problem in find_problems(broken())]
        for broken in (LosesRows, LosesAnswers)
    )

    assert rows == ["masks on the device: they are not the masks that `predict` returns"]
    assert answers == ["masks on the device: 4 answers to 5 prompts"]


def test_everything_mode_wants_run_lengths() -> None:
    class FindsArrays(Altered):
        @property
        def card(self) -> ModelCard:
            return replace(super().card, prompts=(*super().card.prompts, "everything"))

        def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
            masks: tuple[Any, ...] = (np.ones((embedding.height, embedding.width), np.bool_),)
            return EverythingCandidates(masks, (0.5,))

    texts = [str(problem) for problem in find_problems(FindsArrays(), everything=True)]

    assert any("masks are ndarray, want Rle" in text for text in texts)


def test_a_card_with_words_of_its_own_is_a_problem() -> None:
    class OddCard(Altered):
        @property
        def card(self) -> ModelCard:
            return replace(super().card, kind="magic", prompts=("box", "scribble"))

    texts = [str(problem) for problem in find_problems(OddCard())]

    assert any("'magic'" in text for text in texts)
    assert any("scribble" in text for text in texts)
