"""Loads `exec:<program and arguments>`: a model that runs in an environment of its own.

The program answers messages as `worker_kit.py` does, which is all that its environment needs of
ours. It is started once for each of our processes; what it does wrong fails an answer, not a run.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError, UsageError
from cosmos_board.core.masks import Pixels, encode_mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.volumes import SlicePrompt, SpacingMm, VolumeMask
from cosmos_board.models.candidate_checks import CandidatesError, describe_raised
from cosmos_board.models.external.child_process import ChildError, ChildProcess
from cosmos_board.models.external.program_card import ProgramCard, read_hello
from cosmos_board.models.external.worker_kit import PROTOCOL
from cosmos_board.models.segmenter import Embedding, pair_logits

TIMEOUT = "COSMOS_BOARD_EXEC_TIMEOUT_S"
"""Environment variable: seconds that a program has for each answer, its start included."""

TIMEOUT_S = 600.0
MOST_MASKS = 64
"""For one prompt."""

_RESTARTS = 1
"""How often a program that ended is started again for one image or volume."""

_Arrays = dict[str, NDArray[Any]]


@dataclass(slots=True, eq=False)
class _Opened:
    """An image or a volume that a program is asked about, kept to open it again after a restart."""

    request: Mapping[str, Any]
    arrays: _Arrays
    ends: int = field(init=False, default=0)
    """How often the program ended while it was asked about this."""

    reason: str = field(init=False, default="")
    """Why it ended the last time."""


class ExecModel:
    """A segmenter in a process of its own, started when this is made.

    Args:
        command: Program and arguments.
        device: Told to the program, which may do with it what it wants.
        timeout_s: Seconds for each answer.

    Raises:
        ChildError: If the program does not start, or does not say what it is.
    """

    def __init__(self, command: Sequence[str], device: str, timeout_s: float = TIMEOUT_S) -> None:
        self._command, self._device, self._timeout_s = tuple(command), device, timeout_s
        self._child, said = self._start()
        self._opened: _Opened | None = None
        self._card, self._volume_prompts = said.describe(), said.volume_prompts

    @property
    def card(self) -> ModelCard:
        """Facts about the model."""
        return self._card

    @property
    def volume_prompts(self) -> tuple[str, ...]:
        """Names of the volume prompts that it answers; none where it takes no volumes."""
        return self._volume_prompts

    def close(self) -> None:
        """End the program; it is started again when something is asked."""
        self._child.end()

    def embed(self, pixels: Pixels) -> Embedding:
        """Have the program open an image.

        Raises:
            CandidatesError: If it cannot.
        """
        opened = _Opened({"do": "open_image"}, {"pixels": pixels})
        self._ask(opened)
        return Embedding(pixels.shape[0], pixels.shape[1], opened)

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return what the program answers to each prompt, unchecked but for the number of masks.

        Raises:
            CandidatesError: If it gives no answer.
        """
        listed, given = [], {}
        for index, (prompt, earlier) in enumerate(pair_logits(prompts, logits)):
            listed.append(_describe(prompt))
            if earlier is not None:
                given[f"logits.{index}"] = earlier
        request = {"do": "predict", "prompts": listed}
        header, arrays = self._ask(_get_opened(embedding.payload), request, given)
        answers = header.get("answers")
        if not isinstance(answers, int) or answers != len(prompts):
            raise CandidatesError(f"{answers} answers to {len(prompts)} prompts")
        return [_read_candidates(arrays, index) for index in range(answers)]

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        """Return the masks of everything mode.

        Raises:
            CandidatesError: If the program gives no answer, or one of another form.
        """
        opened = _get_opened(embedding.payload)
        _, arrays = self._ask(opened, {"do": "segment_everything"})
        masks, estimates = (_find(arrays, name) for name in ("masks", "predicted_iou"))
        size = (embedding.height, embedding.width)
        if masks.dtype != np.bool_ or masks.ndim != 3 or masks.shape[1:] != size:
            raise CandidatesError(
                f"masks are {masks.dtype} of shape {masks.shape}, expected bool of (N, *{size})"
            )
        if estimates.shape != masks.shape[:1]:
            raise CandidatesError(f"{estimates.size} predicted_iou of {len(masks)} masks")
        return EverythingCandidates(tuple(map(encode_mask, masks)), tuple(map(float, estimates)))

    def open_volume(self, voxels: NDArray[np.uint8], spacing_mm: SpacingMm) -> object:
        """Have the program open a volume, axes and spacing (slice, row, column).

        Returns:
            What `predict_volume` is given.

        Raises:
            CandidatesError: If it cannot.
        """
        request = {"do": "open_volume", "spacing_mm": list(spacing_mm)}
        opened = _Opened(request, {"slices": voxels})
        self._ask(opened)
        return opened

    def predict_volume(self, volume: object, prompts: Sequence[SlicePrompt]) -> VolumeMask:
        """Return the mask of the one object that the prompts stand for, axes (slice, row, column).

        Raises:
            CandidatesError: If there is no answer, or one of another form.
        """
        opened = _get_opened(volume)
        listed, given = [], {}
        for index, part in enumerate(prompts):
            listed.append({**_describe(part.prompt), "slice_index": part.slice_index})
            if part.mask is not None:
                given[f"mask.{index}"] = part.mask.decode()
        request = {"do": "predict_volume", "prompts": listed}
        masks = _find(self._ask(opened, request, given)[1], "masks")
        wanted = opened.arrays["slices"].shape
        if masks.dtype != np.bool_ or masks.shape != wanted:
            raise CandidatesError(
                f"masks are {masks.dtype} of shape {masks.shape}, expected bool of {wanted}"
            )
        return masks

    def _ask(
        self,
        opened: _Opened,
        request: Mapping[str, Any] | None = None,
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> tuple[dict[str, Any], _Arrays]:
        """Open an image or volume where it is not, then ask about it.

        Raises:
            CandidatesError: If there is no answer: the program ended, now or too often before.
            MemoryError: If the program says so.
        """
        if opened.ends > _RESTARTS:
            raise CandidatesError(opened.reason)
        try:
            if self._child.has_ended:
                self._child, _ = self._start()
                self._opened = None
            answer: tuple[dict[str, Any], _Arrays] = ({}, {})
            if self._opened is not opened:
                self._opened = None
                answer = _take(self._child.ask(opened.request, opened.arrays))
                self._opened = opened
            return answer if request is None else _take(self._child.ask(request, arrays or {}))
        except ChildError as error:
            opened.ends, opened.reason = opened.ends + 1, str(error)
            raise CandidatesError(opened.reason) from error

    def _start(self) -> tuple[ChildProcess, ProgramCard]:
        child = ChildProcess(self._command, self._timeout_s)
        try:
            request = {"do": "hello", "protocol": PROTOCOL, "device": self._device}
            return child, read_hello(child.ask(request, {})[0])
        except BaseException:
            child.end()
            raise


def load(address: str, *, checkpoint: Path | None, device: str) -> ExecModel:
    """Return the model that a program is; `address` is its command line.

    Raises:
        InputError: If it cannot be started, or is no such program.
    """
    where = f"exec:{address}"
    if checkpoint is not None:
        raise InputError(where, "--checkpoint", "is not taken: the program has arguments")
    command = split_command(address)
    if not command or shutil.which(command[0]) is None:
        raise InputError(where, "", "starts no program", got=command[0] if command else "nothing")
    try:
        return ExecModel(command, device, _read_timeout_s())
    except ChildError as error:
        raise InputError(where, "", str(error)) from error


def split_command(address: str) -> list[str]:
    """Return the words of a command line, as a shell would.

    Raises:
        UsageError: If a quotation has no end.

    Example:
        >>> split_command("env/bin/python 'my worker.py' --size 3")
        ['env/bin/python', 'my worker.py', '--size', '3']
    """
    try:
        return shlex.split(address)
    except ValueError as error:
        raise UsageError("--model", f"exec:{address}", str(error)) from error


def find_arguments(address: str) -> Iterable[str | Path]:
    """Yield what decides the answers of a program beside itself: its arguments, files as paths."""
    for word in split_command(address)[1:]:
        yield Path(word) if Path(word).is_file() else word


def _read_timeout_s() -> float:
    text = os.environ.get(TIMEOUT, "")
    try:
        timeout_s = float(text or TIMEOUT_S)
    except ValueError:
        timeout_s = 0.0
    if not timeout_s > 0:
        raise UsageError(TIMEOUT, "", "is no number of seconds", got=text)
    return timeout_s


def _get_opened(payload: object) -> _Opened:
    assert isinstance(payload, _Opened), "this was opened by another segmenter"
    return payload


def _describe(prompt: Prompt) -> dict[str, object]:
    return {
        "points_xy": prompt.points_xy.tolist(),
        "labels": prompt.labels.tolist(),
        "box_xyxy": prompt.box_xyxy,
    }


def _take(answer: tuple[dict[str, Any], _Arrays]) -> tuple[dict[str, Any], _Arrays]:
    """Return an answer; raise what the model raised, which leaves its program running."""
    error = answer[0].get("error")
    if error is None:
        return answer
    kind, text, trace = (str(error.get(key, "")) for key in ("type", "text", "trace"))
    if kind in ("MemoryError", "OutOfMemoryError"):
        raise MemoryError(text)
    raise CandidatesError(describe_raised(kind, text), trace)


def _find(arrays: _Arrays, name: str) -> NDArray[Any]:
    if name not in arrays:
        raise CandidatesError(f"the answer has no {name}")
    return arrays[name]


def _read_candidates(arrays: _Arrays, index: int) -> Candidates:
    masks = _find(arrays, f"masks.{index}")
    if masks.ndim and len(masks) > MOST_MASKS:
        raise CandidatesError(f"{len(masks)} masks for one prompt, expected at most {MOST_MASKS}")
    return Candidates(masks, _find(arrays, f"predicted_iou.{index}"), arrays.get(f"logits.{index}"))
