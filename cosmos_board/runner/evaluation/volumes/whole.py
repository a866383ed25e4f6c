"""Propagations `native` and `memory`: a model is given the whole volume."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cosmos_board.core.volumes import SlicePrompt, Volume, VolumeMask
from cosmos_board.models.candidate_checks import CandidatesError
from cosmos_board.models.segmenter import MemorySegmenter, VolumeSegmenter
from cosmos_board.runner.evaluation.model_calls import call_or_fail
from cosmos_board.runner.evaluation.volumes.answer import VolumeAnswer


@dataclass(slots=True, eq=False)
class OpenedVolume:
    """A volume that a model has opened once, when the first prompt is asked."""

    segmenter: VolumeSegmenter
    volume: Volume
    _opened: tuple[object, float] | None = field(default=None, init=False)

    def ask(self, parts: Sequence[SlicePrompt]) -> VolumeAnswer:
        """Return the answer to a prompt; its seconds include those of opening the volume.

        Raises:
            ModelFailureError: If the model failed.
        """
        if self._opened is None:
            began = time.perf_counter()
            opened = call_or_fail(self.segmenter, self._open)
            self._opened = opened, time.perf_counter() - began
        handle, open_s = self._opened
        answer = call_or_fail(self.segmenter, lambda: self._predict(handle, parts))
        first_s = None if answer.first_slice_s is None else open_s + answer.first_slice_s
        return VolumeAnswer(answer.mask, first_s, open_s + answer.volume_s)

    def _open(self) -> object:
        voxels = self.volume.voxels.copy()  # a model must not change the volume
        return self.segmenter.open_volume(voxels, self.volume.spacing_mm)

    def _predict(self, handle: object, parts: Sequence[SlicePrompt]) -> VolumeAnswer:
        began = time.perf_counter()
        if isinstance(self.segmenter, MemorySegmenter):
            return _collect(self.segmenter, handle, parts, self.volume.shape)
        mask = _check_mask(self.segmenter.predict_volume(handle, parts), self.volume.shape)
        return VolumeAnswer(mask, None, time.perf_counter() - began)


def _collect(
    segmenter: MemorySegmenter,
    handle: object,
    parts: Sequence[SlicePrompt],
    shape: tuple[int, int, int],
) -> VolumeAnswer:
    """Return what a model that remembers draws, slice by slice."""
    began = time.perf_counter()
    first_slice_s: float | None = None
    mask = np.zeros(shape, np.bool_)
    for prediction in segmenter.propagate(handle, parts):
        index = prediction.slice_index
        if not 0 <= index < shape[0]:
            raise CandidatesError(f"slice {index} is none of the volume's {shape[0]}")
        mask[index] = _check_mask(prediction.mask, shape[1:])
        if first_slice_s is None:
            first_slice_s = time.perf_counter() - began
    return VolumeAnswer(mask, first_slice_s, time.perf_counter() - began)


def _check_mask(mask: object, shape: tuple[int, ...]) -> VolumeMask:
    """Return a mask that is as it should be.

    Raises:
        CandidatesError: If it is something else.
    """
    if not isinstance(mask, np.ndarray):
        raise CandidatesError(f"a mask is {type(mask).__name__}, expected bool of {shape}")
    if mask.dtype != np.bool_ or mask.shape != shape:
        raise CandidatesError(
            f"masks are {mask.dtype} of shape {mask.shape}, expected bool of {shape}"
        )
    return mask
