"""Displaced prompts keep to their level, to the image, and to their seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_board.core.masks import Mask
from cosmos_board.prompts import freeze_prompts
from cosmos_board.prompts.jitter import (
    JitterCell,
    jitter_cells,
    jitter_prompt,
    random_words,
    to_unit,
)
from tests.masks import any_reference

GOLDEN_WORDS = [1136361584654245291, 18145576515176819634]


def _block() -> Mask:
    reference = np.zeros((200, 240), bool)
    reference[80:120, 90:150] = True
    return reference


@pytest.mark.parametrize("level", [0, 10, 20])
@pytest.mark.parametrize("trial", [0, 1, 2])
def test_a_point_moves_by_its_level(level: int, trial: int) -> None:
    base = freeze_prompts(_block())["points-5-5"]
    for reference_id in map(str, range(20)):
        moved = jitter_prompt(
            base,
            JitterCell(level, "all", trial),
            reference_id=reference_id,
            prompt_name="points-5-5",
            height=200,
            width=240,
        )
        length = np.hypot(*(moved.points_xy - base.points_xy).T)
        assert (length >= level - 0.75).all()
        assert (length <= level + 10.75).all()
        assert (moved.labels == base.labels).all()


def test_mode_first_moves_the_first_point_alone() -> None:
    base = freeze_prompts(_block())["points-5"]

    moved = jitter_prompt(
        base,
        JitterCell(20, "first", 0),
        reference_id="r",
        prompt_name="points-5",
        height=200,
        width=240,
    )

    assert (moved.points_xy[1:] == base.points_xy[1:]).all()
    assert (moved.points_xy[0] != base.points_xy[0]).any()


def test_levels_of_a_trial_share_their_direction() -> None:
    base = freeze_prompts(_block())["point"].points_xy[0]
    steps = [
        jitter_prompt(
            freeze_prompts(_block())["point"],
            JitterCell(level, "first", 1),
            reference_id="r",
            prompt_name="point",
            height=200,
            width=240,
        ).points_xy[0]
        - base
        for level in (10, 20)
    ]
    angles = [np.arctan2(step[1], step[0]) for step in steps]

    assert angles[0] == pytest.approx(angles[1], abs=0.15)


@given(
    reference=any_reference(),
    level=st.sampled_from([0, 10, 20]),
    trial=st.integers(0, 2),
    reference_id=st.text(max_size=4),
)
def test_a_displaced_prompt_stays_in_the_image_and_keeps_a_box(
    reference: Mask, level: int, trial: int, reference_id: str
) -> None:
    height, width = reference.shape
    for name, prompt in freeze_prompts(reference).items():
        for cell in (JitterCell(level, "first", trial), JitterCell(level, "all", trial)):
            moved = jitter_prompt(
                prompt,
                cell,
                reference_id=reference_id,
                prompt_name=name,
                height=height,
                width=width,
            )
            assert (moved.points_xy >= 0).all()
            assert (moved.points_xy < [width, height]).all()
            if moved.box_xyxy:
                min_x, min_y, max_x, max_y = moved.box_xyxy
                assert 0 <= min_x <= max_x < width
                assert 0 <= min_y <= max_y < height
                assert max_x > min_x or width == 1 or level == 0
                assert max_y > min_y or height == 1 or level == 0


def test_everything_is_not_displaced_and_one_point_has_one_mode() -> None:
    assert jitter_cells("everything") == []
    assert {cell.mode for cell in jitter_cells("point")} == {"first"}
    assert len(jitter_cells("points-5-5")) == 2 * 3 * 3


def test_random_words_are_those_of_the_protocol() -> None:
    """Golden values: whoever re-implements the protocol must get these words."""
    words = random_words(
        2, reference_id="reference-0", prompt="point", study="jitter", mode="first", trial=0
    )

    assert words.tolist() == GOLDEN_WORDS
    assert 0 <= to_unit(words).min() <= to_unit(words).max() < 1
