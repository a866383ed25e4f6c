"""Segmenters for tests of the runner, loaded as a user's own file is."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.masks import Pixels, encode_mask
from cosmos_board.core.prompts import PROMPTS, Prompt
from cosmos_board.models.segmenter import Embedding


class Squares:
    """Offers three squares around the prompt, of which the second is rated best.

    Environment variables make it slow, forgetful or faulty, since a user's file takes no options.
    """

    def __init__(self) -> None:
        self.memory = int(os.environ.get("SQUARES_MEMORY", "1000"))
        self.pause_s = float(os.environ.get("SQUARES_PAUSE_S", "0"))
        self.log = os.environ.get("SQUARES_LOG")
        self.fails_on_width = int(os.environ.get("SQUARES_FAILS_ON_WIDTH", "0"))

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            name="squares",
            label="Squares",
            family="squares",
            kind="promptable",
            prompts=tuple(PROMPTS),
            clicks=True,
            mask_input=True,
        )

    def embed(self, pixels: Pixels) -> Embedding:
        if self.log:
            with Path(self.log).open("a") as file:
                file.write(f"{os.getpid()}\n")
        time.sleep(self.pause_s)
        if pixels.shape[1] == self.fails_on_width:
            raise ValueError("cannot look at this\nsecond line")
        return Embedding(pixels.shape[0], pixels.shape[1], None)

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        if len(prompts) > self.memory:
            raise OutOfMemoryError("the device is full")
        return [self._answer(embedding, prompt) for prompt in prompts]

    def _answer(self, embedding: Embedding, prompt: Prompt) -> Candidates:
        if prompt.box_xyxy:
            x = (prompt.box_xyxy[0] + prompt.box_xyxy[2]) // 2
            y = (prompt.box_xyxy[1] + prompt.box_xyxy[3]) // 2
        else:
            x, y = prompt.points_xy[-1].tolist()
        masks = np.zeros((3, embedding.height, embedding.width), np.bool_)
        for mask, radius in zip(masks, (4, 12, 30), strict=True):
            mask[max(y - radius, 0) : y + radius, max(x - radius, 0) : x + radius] = True
        estimates = np.array([0.3, 0.8, 0.5], np.float32)
        return Candidates(masks, estimates, np.zeros((3, 8, 8), np.float32))

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        mask = np.zeros((embedding.height, embedding.width), np.bool_)
        mask[:100, :100] = True
        return EverythingCandidates((encode_mask(mask), encode_mask(~mask)), (0.9, 0.8))


class OutOfMemoryError(RuntimeError):
    """Named as torch names it."""


class Troubled(Squares):
    """Squares on a device with troubles, which environment variables name.

    TROUBLED_FULL: a file; every second batch of several prompts does not fit, 20 times in all,
    which the file counts. TROUBLED_ONCE: a file; the trouble `TROUBLED_KIND` strikes at the third
    image (the first, if every time) while there is no such file. TROUBLED_DRIFT: after so many
    prompts masks shrink.
    """

    def __init__(self) -> None:
        super().__init__()
        self.full = os.environ.get("TROUBLED_FULL")
        self.once = os.environ.get("TROUBLED_ONCE")
        self.kind = os.environ.get("TROUBLED_KIND", "")
        self.drift = int(os.environ.get("TROUBLED_DRIFT", "0"))
        self.images = self.batches = self.prompts = 0

    def embed(self, pixels: Pixels) -> Embedding:
        self.images += 1
        fatal = 1 if self.kind == "dies every time" else 3
        if self.once and self.images == fatal and not Path(self.once).exists():
            self._strike(Path(self.once))
        return super().embed(pixels)

    def _strike(self, mark: Path) -> None:
        if self.kind != "dies every time":
            mark.touch()
        if self.kind.startswith("dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.kind == "hangs":
            time.sleep(600)
        elif self.kind == "breaks":
            raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore lines")

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        self.prompts += len(prompts)
        if self.full and len(prompts) > 1:
            self.batches += 1
            done = Path(self.full).read_text() if Path(self.full).exists() else ""
            if self.batches % 2 and len(done) < 20:
                Path(self.full).write_text(done + "x")
                raise OutOfMemoryError("tried to allocate 20.00 GiB")
        answers = super().predict(embedding, prompts, logits)
        if self.drift and self.prompts > self.drift:
            for answer in answers:
                answer.masks[:, ::7] = False
        return answers
