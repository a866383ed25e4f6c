from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from cosmos_board.phantoms.scene import make_phantom
from cosmos_board.prompts import freeze_prompts
from cosmos_board.training.sampling import SHARES, draw_kind, draw_prompt

MASKS = [mask for seed in range(6) for _, mask in make_phantom(seed, 96)[1]]


def rng(key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=key))


@pytest.mark.parametrize("kind", SHARES)
def test_positive_points_are_inside_and_negative_ones_outside(kind: str) -> None:
    for key, mask in enumerate(MASKS):
        prompt = draw_prompt(mask, kind, rng(key))
        for (x, y), label in zip(prompt.points_xy, prompt.labels, strict=True):
            assert mask[y, x] == (label == 1)


@pytest.mark.parametrize("kind", SHARES)
def test_the_protocols_own_prompt_is_drawn_often(kind: str) -> None:
    """What the board asks must not be strange to the model."""
    mask = MASKS[0]
    frozen = freeze_prompts(mask)[kind]

    same = sum(draw_prompt(mask, kind, rng(key)) == frozen for key in range(60))

    assert 10 <= same <= 50


def test_boxes_stay_in_the_image_and_keep_an_inside() -> None:
    for key, mask in enumerate(MASKS * 4):
        box = draw_prompt(mask, "box", rng(key)).box_xyxy
        assert box is not None
        assert 0 <= box[0] < box[2] < mask.shape[1]
        assert 0 <= box[1] < box[3] < mask.shape[0]


def test_kinds_come_by_their_shares() -> None:
    source = rng(0)
    counts = Counter(draw_kind(source) for _ in range(2000))

    for kind, share in SHARES.items():
        assert counts[kind] / 2000 == pytest.approx(share, abs=0.04)
    assert sum(SHARES.values()) == pytest.approx(1)
