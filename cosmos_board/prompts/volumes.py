"""The prompts of the volume track, computed from a volume reference by fixed rules."""

from __future__ import annotations

from collections.abc import Iterable

from cosmos_board.core.masks import Mask, Rle
from cosmos_board.core.prompts import make_prompt
from cosmos_board.core.volumes import SMALLEST_SLICE_PX, SlicePrompt, VolumePrompt, VolumeReference
from cosmos_board.prompts.frozen import PromptsHash
from cosmos_board.prompts.simulators import positive_points, tight_box


def freeze_volume_prompts(reference: VolumeReference) -> dict[str, VolumePrompt]:
    """Return every volume prompt of a reference, by name.

    `ends-box` has fewer than three boxes where first, prompt and last slice are not all different.
    There is no `each-box` where no slice of the reference has `SMALLEST_SLICE_PX` pixels.
    """
    masks = dict(reference.slices)
    middle = reference.prompt_slice
    ends = sorted({reference.first_slice, middle, reference.last_slice})
    large = [index for index, rle in masks.items() if rle.area_px >= SMALLEST_SLICE_PX]
    drawn = masks[middle].decode()
    point = SlicePrompt(middle, make_prompt(positive_points(drawn, 1)))
    mask = SlicePrompt(middle, make_prompt(), masks[middle])
    prompts = (
        VolumePrompt("slice-point", (point,)),
        VolumePrompt("slice-box", (_draw_box(middle, drawn),)),
        VolumePrompt("slice-mask", (mask,)),
        VolumePrompt("ends-box", _draw_boxes(ends, masks)),
        VolumePrompt("each-box", _draw_boxes(large, masks)),
    )
    return {prompt.name: prompt for prompt in prompts if prompt.slices}


def add_volume_prompts(
    digest: PromptsHash, reference_id: str, prompts: Iterable[VolumePrompt]
) -> None:
    """Add the prompts of one volume reference to a hash.

    A mask that is given is part of the reference, which has a hash of its own.
    """
    for prompt in prompts:
        for part in prompt.slices:
            digest.add(reference_id, f"{prompt.name}@{part.slice_index}", part.prompt)


def _draw_boxes(indices: Iterable[int], masks: dict[int, Rle]) -> tuple[SlicePrompt, ...]:
    return tuple(_draw_box(index, masks[index].decode()) for index in indices)


def _draw_box(index: int, mask: Mask) -> SlicePrompt:
    return SlicePrompt(index, make_prompt(box_xyxy=tight_box(mask)))
