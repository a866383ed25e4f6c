"""SAM 2 and EdgeTAM on volumes: from slice to slice with what they remember of earlier ones.

Frames are the slices in order, through the video models and inference sessions of `transformers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.volumes import SlicePrompt, SpacingMm, VolumeMask
from cosmos_board.models.devices import CPU, Device
from cosmos_board.models.external.hf_segmenter import HfSegmenter
from cosmos_board.models.segmenter import SlicePrediction, stack_slices

VOLUME_PROMPTS = ("slice-point", "slice-box", "slice-mask", "ends-box")

_OBJECT = 1
"""Name of the one object of a session; any number would do."""


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """A volume between prompts: nothing of it is computed before a slice is reached."""

    voxels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """The frames of a session, each made when it is asked for, so that none is kept."""

    voxels: NDArray[np.uint8]
    to_input: Callable[[NDArray[np.uint8]], Tensor]

    def __len__(self) -> int:
        return len(self.voxels)

    def __getitem__(self, index: int) -> Tensor:
        return self.to_input(self.voxels[index])[0]


class HfMemorySegmenter(HfSegmenter):
    """A `HfSegmenter` that also takes volumes, by propagation `memory`.

    Args:
        load_video: Makes the `Sam2VideoModel` or `EdgeTamVideoModel` of the same weights; called
            when the first volume is opened, so that images do not pay for it.
        volume_prompts: Volume prompts that it answers.

    Weights and processor are those of `HfSegmenter`, which also says how one slice is prepared.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 (transformers is untyped)
        processor: Any,  # noqa: ANN401
        *,
        load_video: Callable[[], Any],
        card: ModelCard,
        device: Device = CPU,
        volume_prompts: tuple[str, ...] = VOLUME_PROMPTS,
    ) -> None:
        super().__init__(model, processor, card=card, fit="squash", device=device)
        self._load_video, self._volume_prompts = load_video, volume_prompts

    @property
    def volume_prompts(self) -> tuple[str, ...]:
        """Names of the volume prompts that it answers."""
        return self._volume_prompts

    def open_volume(self, voxels: NDArray[np.uint8], spacing_mm: SpacingMm) -> object:
        """Return a volume, axes (slice, row, column), for `propagate`; spacing is not used."""
        del spacing_mm
        assert self._video is not None  # weights are read here, not in the time of a first prompt
        return _Opened(voxels)

    def predict_volume(self, volume: object, prompts: Sequence[SlicePrompt]) -> VolumeMask:
        """Return all that `propagate` yields as one mask, axes (slice, row, column)."""
        voxels = _get_voxels(volume)
        slices, rows, columns = voxels.shape
        return stack_slices(self.propagate(volume, prompts), (slices, rows, columns))

    def propagate(
        self, volume: object, prompts: Sequence[SlicePrompt]
    ) -> Iterator[SlicePrediction]:
        """Yield the mask of each slice, logits > 0: forward, then backward from a fresh state.

        Both directions start at the lowest slice with a prompt, and both know all prompts.

        Raises:
            InputError: If there is no prompt, or one is empty.
        """
        for index, logits in self.propagate_logits(_get_voxels(volume), prompts):
            yield SlicePrediction(index, (logits > 0).cpu().numpy())

    def propagate_logits(
        self, voxels: NDArray[np.uint8], prompts: Sequence[SlicePrompt]
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield (slice index, logits in the size of the slice, axes (row, column), float32)."""
        if not prompts:
            raise InputError(self.card.name, "prompts", "there is none for this volume")
        start, ends = prompts[0].slice_index, (len(voxels), -1)
        for step, end in zip((1, -1), ends, strict=True):
            if step < 0 and start == 0:
                return
            session = self._start(voxels, prompts)
            for index in range(start, end, step):
                logits = self._visit(session, index, backward=step < 0)
                if step > 0 or index != start:
                    yield index, logits

    @cached_property
    def _video(self) -> Any:  # noqa: ANN401
        model = self._load_video().to(self._device).eval()
        model.vision_encoder = self._model.vision_encoder  # the same weights, kept once
        return mend_mask_prompts(model)

    @cached_property
    def _prompter(self) -> Any:  # noqa: ANN401
        """The library's own way to put prompts into a session."""
        videos = transformers.Sam2VideoVideoProcessor(size=self._processor.size)
        return transformers.Sam2VideoProcessor(self._processor, videos)

    def _start(self, voxels: NDArray[np.uint8], prompts: Sequence[SlicePrompt]) -> Any:  # noqa: ANN401
        """Return a session that knows the prompts' slices and nothing else."""
        height, width = voxels.shape[1:]
        session = transformers.Sam2VideoInferenceSession(
            video_height=height,
            video_width=width,
            inference_device=self._device,
            inference_state_device=self._device,
            dtype=torch.float32,
        )
        session.processed_frames = _Frames(voxels, self.to_input)
        for part in prompts:
            self._prompter.add_inputs_to_inference_session(
                session, part.slice_index, _OBJECT, **_to_arguments(part)
            )
            with self.inference():
                self._video(session, frame_idx=part.slice_index)
        return session

    def _visit(self, session: Any, index: int, *, backward: bool) -> Tensor:  # noqa: ANN401
        """Return the logits of a slice and forget what no later slice looks at."""
        with self.inference():
            low = self._video(session, frame_idx=index, reverse=backward).pred_masks
            logits = _resize(low, (session.video_height, session.video_width))
        (outputs,) = session.output_dict_per_obj.values()
        config = self._video.config
        reach = max(config.num_maskmem, config.max_object_pointers_in_encoder)
        outputs["non_cond_frame_outputs"].pop(index + reach * (1 if backward else -1), None)
        for kept in outputs.values():
            for output in kept.values():
                output.pop("high_res_masks", None)
        return logits[0, 0]


def mend_mask_prompts(model: Any) -> Any:  # noqa: ANN401 (transformers is untyped)
    """Let a mask prompt be remembered as by the authors' own predictor (Ravi et al. 2024).

    `transformers` 5.24 goes another way twice. It leaves out how many masks the decoder is asked
    for, so that its default of three says which token is remembered, where the authors ask for one;
    all other calls say the number. And it remembers the mask in the size of the input, where the
    authors remember the low-resolution mask that the slice's answer is made of.
    """
    model._single_frame_forward = partial(model._single_frame_forward, multimask_output=False)
    use_mask = model._use_mask_as_output

    def use_low_resolution_mask(*given: Tensor) -> Any:  # noqa: ANN401
        output = use_mask(*given)
        size = output.high_res_masks.shape[-2:]
        output.high_res_masks = _resize(output.pred_masks, size)
        return output

    model._use_mask_as_output = use_low_resolution_mask
    return model


def _resize(logits: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(logits.float(), size, mode="bilinear", align_corners=False)


def _get_voxels(volume: object) -> NDArray[np.uint8]:
    assert isinstance(volume, _Opened), "this was opened by another segmenter"
    return volume.voxels


def _to_arguments(part: SlicePrompt) -> dict[str, Any]:
    """Return a prompt in pixels of its slice, nested as the library wants it."""
    if part.mask is not None:
        return {"input_masks": torch.from_numpy(part.mask.decode())}
    given: dict[str, Any] = {}
    if len(part.prompt.labels):
        given["input_points"] = [[part.prompt.points_xy.tolist()]]
        given["input_labels"] = [[part.prompt.labels.tolist()]]
    if part.prompt.box_xyxy is not None:
        given["input_boxes"] = [[list(part.prompt.box_xyxy)]]
    if not given:
        raise InputError("prompts", f"slice {part.slice_index}", "has neither points, box nor mask")
    return given
