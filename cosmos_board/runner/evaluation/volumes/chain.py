"""Propagation `chain`: an image model is asked slice after slice, each time with the last mask.

The next slice is asked with the tight box of the last mask, grown by 5 % of its sides (at least
1 px), and with its low-resolution logits where the model takes masks. The chain ends where a mask
is empty or under 1 % of the area on the prompt slice. Where several slices have a prompt, the chain
starts at the one with the largest mask; each of the others is asked with its own prompt, and
nothing is drawn beyond the outermost of them. Of several candidates the model's own best counts.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import Prompt, make_prompt
from cosmos_board.core.volumes import SlicePrompt
from cosmos_board.models.candidate_checks import (
    check_candidates,
    check_embedding,
    copy_prompts,
    list_predictions,
)
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.prompts.simulators import tight_box
from cosmos_board.runner.evaluation.model_calls import call_or_fail
from cosmos_board.runner.evaluation.volumes.answer import VolumeAnswer

GROWTH = 0.05
"""Share of a side by which the box of the last mask grows on each side."""

SMALLEST_SHARE = 0.01
"""Of the area on the prompt slice: a mask below it ends the chain."""

NEEDS: Mapping[str, frozenset[str]] = {
    "slice-point": frozenset({"point", "box"}),
    "slice-box": frozenset({"box"}),
    "slice-mask": frozenset({"box"}),
    "ends-box": frozenset({"box"}),
}
"""Prompts of the 2-D study that an image model must answer to be asked a volume prompt."""

_EMBEDDINGS_KEPT = 32
"""Slices of which the embedding is kept for further prompts: 130 MB of SAM."""

_Logits = NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Link:
    """The mask of one slice, with what the next slice is asked with beside its box."""

    mask: Mask
    logits: _Logits = None


@dataclass(slots=True, eq=False)
class SliceEmbeddings:
    """The embeddings of the slices of one volume: the last few are kept, with their seconds."""

    segmenter: Segmenter
    voxels: NDArray[np.uint8]
    _kept: OrderedDict[int, tuple[Embedding, float]] = field(default_factory=OrderedDict)

    def find(self, index: int) -> tuple[Embedding, float]:
        """Return the embedding of a slice, and the seconds that it took when it was made.

        Raises:
            ModelFailureError: If the model failed.
        """
        if index not in self._kept:
            began = time.perf_counter()
            embedding = call_or_fail(self.segmenter, lambda: self._embed(index))
            self._kept[index] = embedding, time.perf_counter() - began
            if len(self._kept) > _EMBEDDINGS_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(index)
        return self._kept[index]

    def _embed(self, index: int) -> Embedding:
        pixels = self.voxels[index].copy()  # a model must not change the volume
        height, width = pixels.shape
        return check_embedding(self.segmenter.embed(pixels), (height, width))


class Chain:
    """One prompt on its way through a volume."""

    def __init__(self, embeddings: SliceEmbeddings, parts: Sequence[SlicePrompt]) -> None:
        self._embeddings = embeddings
        self._parts = {part.slice_index: part for part in parts}
        self._mask = np.zeros(embeddings.voxels.shape, np.bool_)
        self._seconds = 0.0

    def follow(self) -> VolumeAnswer:
        """Return the mask of the whole volume.

        Raises:
            ModelFailureError: If the model failed on a slice.
        """
        given: dict[int, _Link] = {}
        first_slice_s: float | None = None
        for index, part in self._parts.items():
            given[index] = self._ask(part)
            if first_slice_s is None:
                first_slice_s = self._seconds
        areas = {index: int(np.count_nonzero(link.mask)) for index, link in given.items()}
        start = max(areas, key=lambda index: (areas[index], -index))
        for index, link in given.items():
            self._mask[index] = link.mask
        least = SMALLEST_SHARE * areas[start]
        ends = (min(given), max(given)) if len(given) > 1 else (0, len(self._mask) - 1)
        self._walk(given, range(start - 1, ends[0] - 1, -1), given[start], least)
        self._walk(given, range(start + 1, ends[1] + 1), given[start], least)
        return VolumeAnswer(self._mask, first_slice_s, self._seconds)

    def _walk(
        self, given: Mapping[int, _Link], way: Sequence[int], link: _Link, least: float
    ) -> None:
        """Draw the slices of `way` from the link before them; go on anew at each given slice."""
        alive = link.mask.any()
        for index in way:
            if index in given:
                link, alive = given[index], given[index].mask.any()
            elif alive:
                link = self._predict(index, _grow_box(link.mask), link.logits)
                area = np.count_nonzero(link.mask)
                alive = area > 0 and area >= least
                if alive:
                    self._mask[index] = link.mask

    def _ask(self, part: SlicePrompt) -> _Link:
        """Return the mask of a slice with a prompt; a mask that is given is its own answer."""
        if part.mask is not None:
            return _Link(part.mask.decode())
        return self._predict(part.slice_index, part.prompt, None)

    def _predict(self, index: int, prompt: Prompt, logits: _Logits) -> _Link:
        embedding, embed_s = self._embeddings.find(index)
        segmenter = self._embeddings.segmenter
        keeps_logits = segmenter.card.mask_input
        size = (embedding.height, embedding.width)

        def predict() -> _Link:
            prompts = copy_prompts([prompt])
            answers = (
                segmenter.predict(embedding, prompts)
                if logits is None
                else segmenter.predict(embedding, prompts, [logits])
            )
            [answer] = list_predictions(list(answers), 1)
            candidates = check_candidates(answer, size, keeps_logits=keeps_logits)
            best = candidates.best
            chosen = candidates.logits if keeps_logits else None
            return _Link(candidates.masks[best], None if chosen is None else chosen[best])

        began = time.perf_counter()
        link = call_or_fail(segmenter, predict)
        self._seconds += embed_s + time.perf_counter() - began
        return link


def _grow_box(mask: Mask) -> Prompt:
    """Return the tight box of a mask, grown as the chain does, clipped to the slice."""
    left, top, right, bottom = tight_box(mask)
    across, down = (
        max(1, int(GROWTH * (b - a + 1) + 0.5)) for a, b in ((left, right), (top, bottom))
    )
    height, width = mask.shape
    return make_prompt(
        box_xyxy=(
            max(left - across, 0),
            max(top - down, 0),
            min(right + across, width - 1),
            min(bottom + down, height - 1),
        )
    )
