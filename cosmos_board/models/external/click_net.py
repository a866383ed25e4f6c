"""Loads `clicks:<file>`: RITM, SimpleClick, FocalClick and similar networks, exported to one file.

Their packages cannot be installed beside ours any more, but their networks share one call:
`image` (1, 3 or 4, S, S) of levels in [0, 1], the fourth channel being the mask before, and
`points` (1, 2 N, 3) of (row, column, order), N inside and then N outside the object, −1 where
unused; out comes a map of logits or probabilities. Zooming in around the object, which their own
demos may do outside the network, is not done.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import PROMPTS, Prompt
from cosmos_board.models.classical.base import refuse_everything
from cosmos_board.models.external.exported import (
    Arrays,
    ExportNotes,
    OnnxNetwork,
    fixed_length,
    read_notes,
)
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.segmenter import Embedding, pair_logits, to_probability

CLICKS = 10
"""Of the clicks study, all of which may be of one kind."""

POINTS_ONLY = ("point", "points-5", "points-5-5")
TRUST = "COSMOS_BOARD_TRUST_TORCHSCRIPT"
"""Set to 1, this environment variable says that the user knows who made a TorchScript file."""

_SCRIPTS = (".pt", ".pth", ".ts", ".torchscript")


class Network(Protocol):
    """What runs: an ONNX session, or a script that looks like one."""

    inputs: dict[str, tuple[int | str | None, ...]]

    def run(self, given: Mapping[str, NDArray[np.float32]]) -> Arrays:
        """Return every output by name."""
        ...


class ClickNetwork:
    """Answers points with one candidate each; it estimates no IoU, so that this is 1.

    Hence everything mode, which chooses among masks by that estimate, is not offered. `notes` are
    what stands beside the file `where`.
    """

    def __init__(self, network: Network, notes: ExportNotes, where: Path) -> None:
        self._network = network
        self._image, self._points = _find_inputs(network, where)
        shape = network.inputs[self._image]
        self._channels = fixed_length(shape, 1) or notes.channels
        side = fixed_length(shape, 2) or notes.input_size_px
        if self._channels not in (3, 4) or side is None:
            raise InputError(
                where.with_suffix(".json"),
                "input_size_px and channels",
                "are needed: the file fixes neither",
                got=shape,
            )
        self._side = side
        slots = fixed_length(network.inputs[self._points], 1)
        self._slots = None if slots is None else slots // 2
        self._mean = np.array(notes.pixel_mean or (0, 0, 0), np.float32)
        self._std = np.array(notes.pixel_std or (255, 255, 255), np.float32)
        self._gives_logits = notes.output == "logits"
        self._card = notes.describe(
            f"clicks-{where.stem}",
            family="clicks",
            prompts=tuple(name for name in POINTS_ONLY if self._has_room(PROMPTS[name].positive)),
            clicks=self._has_room(CLICKS),
            mask_input=self._channels == 4,
            input_size_px=side,
        )

    def _has_room(self, points: int) -> bool:
        return self._slots is None or points <= self._slots

    @property
    def card(self) -> ModelCard:
        """Facts about the model."""
        return self._card

    def embed(self, pixels: Pixels) -> Embedding:
        """Return the image as the network takes it: squashed, (1, 3, S, S), levels in [0, 1]."""
        height, width = pixels.shape[:2]
        content = self._frame(height, width).resize(pixels).astype(np.float32)
        levels = ((content - self._mean) / self._std).transpose(2, 0, 1)[None]
        return Embedding(height, width, np.ascontiguousarray(levels))

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return one candidate per prompt, in order.

        Raises:
            InputError: If a prompt has a box, no point, or more points than the file has room for.
        """
        return [
            self._answer(embedding, prompt, earlier)
            for prompt, earlier in pair_logits(prompts, logits)
        ]

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        """Raise `InputError`: everything mode is not supported."""
        raise refuse_everything(self.card)

    def _answer(
        self, embedding: Embedding, prompt: Prompt, earlier: NDArray[np.float32] | None
    ) -> Candidates:
        image = embedding.payload
        assert isinstance(image, np.ndarray), "the embedding is another segmenter's"
        if self._channels == 4:
            before = np.zeros((self._side, self._side), np.float32)
            if earlier is not None:
                before = _resize(to_probability(earlier), self._side, self._side)
            image = np.concatenate([image, before[None, None]], axis=1)
        frame = self._frame(embedding.height, embedding.width)
        points = self._to_points(frame, prompt)
        output = next(iter(self._network.run({self._image: image, self._points: points}).values()))
        plane = output.reshape(output.shape[-2:]).astype(np.float32)
        probability = to_probability(plane) if self._gives_logits else plane
        mask = _resize(probability, embedding.height, embedding.width) > 0.5
        back = None
        if self._channels == 4:
            back = (plane if self._gives_logits else _to_logits(plane))[None]
        return Candidates(mask[None], np.ones(1, np.float32), back)

    def _to_points(self, frame: Frame, prompt: Prompt) -> NDArray[np.float32]:
        """Return (1, 2 N, 3): row, column and order, inside first, −1 where unused."""
        if prompt.box_xyxy is not None or not len(prompt.labels):
            raise InputError(self._card.name, "prompt", "takes points only", want=POINTS_ONLY)
        inside = prompt.labels == 1
        most = int(max(inside.sum(), (~inside).sum()))
        slots = most if self._slots is None else self._slots
        if most > slots:
            raise InputError(
                self._card.name, "points", "are more than the file takes", got=most, want=slots
            )
        rows = np.full((2 * slots, 3), -1, np.float32)
        placed = np.column_stack(
            [frame.to_input(prompt.points_xy)[:, ::-1], np.arange(len(prompt.labels))]
        )
        for start, chosen in ((0, placed[inside]), (slots, placed[~inside])):
            rows[start : start + len(chosen)] = chosen
        return rows[None]

    def _frame(self, height: int, width: int) -> Frame:
        return Frame(height, width, self._side, "squash")


def load(address: str, *, checkpoint: Path | None, device: str) -> ClickNetwork:
    """Return the segmenter in the file `address`; it always runs on the CPU.

    Raises:
        InputError: If it is no such file, or TorchScript without the user's consent.
    """
    path = Path(address)
    if checkpoint is not None:
        raise InputError(f"clicks:{address}", "--checkpoint", "is not taken by this segmenter")
    notes = read_notes(path.with_suffix(".json"))
    if path.suffix == ".onnx":
        return ClickNetwork(OnnxNetwork(path), notes, path)
    if path.suffix not in _SCRIPTS:
        raise InputError(path, "", "is of no known kind", want="a file ending in .onnx or .pt")
    if os.environ.get(TRUST) != "1":
        raise InputError(
            path,
            "",
            "is TorchScript, which runs code of whoever made it",
            want=f"an .onnx file, or {TRUST}=1 if you trust its maker",
        )
    from cosmos_board.models.external.scripted import ScriptNetwork

    return ClickNetwork(ScriptNetwork(path, notes), notes, path)


def _find_inputs(network: Network, where: Path) -> tuple[str, str]:
    ranks = {name: len(shape) for name, shape in network.inputs.items()}
    images = [name for name, rank in ranks.items() if rank == 4]
    points = [name for name, rank in ranks.items() if rank == 3]
    if len(images) != 1 or len(points) != 1 or len(ranks) != 2:
        raise InputError(
            where,
            "inputs",
            "are not an image and points",
            got=dict(network.inputs),
            want="(1, 3 or 4, S, S) and (1, 2 N, 3)",
        )
    return images[0], points[0]


def _to_logits(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return (np.log(clipped) - np.log1p(-clipped)).astype(np.float32)


def _resize(plane: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    resized: NDArray[np.float32] = cv2.resize(
        plane, (width, height), interpolation=cv2.INTER_LINEAR
    )
    return resized
