"""Each rule of `VolumeSegmenter` has an adapter that breaks it, and one that keeps them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from cosmos_board.core.volumes import SlicePrompt
from cosmos_board.models.volume_conformance import check_volumes


@dataclass
class Levels:
    """The voxels as bright as the middle of what is given on one slice, on it and beside it."""

    fault: str = ""
    volume_prompts: tuple[str, ...] = (
        *("slice-point", "slice-box", "slice-mask", "ends-box", "each-box"),
    )
    asked: int = 0

    def open_volume(
        self, voxels: NDArray[np.uint8], spacing_mm: tuple[float, float, float]
    ) -> object:
        return voxels

    def predict_volume(self, volume: object, prompts: Sequence[SlicePrompt]) -> NDArray[np.bool_]:
        assert isinstance(volume, np.ndarray)
        self.asked += 1
        part = prompts[len(prompts) // 2]
        x, y = find_middle(part)
        if self.fault == "swaps":
            x, y = y, x
        level = float(volume[part.slice_index, y, x])
        mask: NDArray[np.bool_] = abs(volume.astype(float) - level) < 20
        if self.fault == "ignores":
            mask = volume > 150
        elif self.fault == "wavers":
            mask[0, 0, 0] ^= bool(self.asked % 2)
        elif self.fault == "floats":
            return mask.astype(float)
        elif self.fault == "one slice":
            mask = mask[part.slice_index]
        return mask


def find_middle(part: SlicePrompt) -> tuple[int, int]:
    """Return the middle (x, y) of what is given on a slice."""
    if part.mask is not None:
        ys, xs = np.nonzero(part.mask.decode())
        return int(np.median(xs)), int(np.median(ys))
    if part.prompt.box_xyxy is not None:
        left, top, right, bottom = part.prompt.box_xyxy
        return (left + right) // 2, (top + bottom) // 2
    [(x, y)] = part.prompt.points_xy.tolist()
    return x, y


def test_an_adapter_that_keeps_the_rules_has_no_problem() -> None:
    assert list(check_volumes(Levels())) == []


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("swaps", "a bright ball is not found on the prompt slice: Dice 0.0"),
        ("ignores", "two distant objects get the same masks (slice-box)"),
        ("wavers", "the same question gets another answer (slice-box)"),
        ("floats", "masks are float64 of shape (12, 64, 96), expected bool of (12, 64, 96)"),
        ("one slice", "masks are bool of shape (64, 96), expected bool of (12, 64, 96)"),
    ],
)
def test_a_broken_rule_is_named(fault: str, text: str) -> None:
    problems = list(check_volumes(Levels(fault, volume_prompts=("slice-box",))))
    assert problems[0].startswith(text)
