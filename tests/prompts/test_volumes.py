from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays

from cosmos_board.core.prompts import make_prompt
from cosmos_board.core.volumes import VOLUME_PROMPTS, SlicePrompt, VolumeMask
from cosmos_board.prompts import PromptsHash, freeze_prompts
from cosmos_board.prompts.volumes import add_volume_prompts, freeze_volume_prompts
from tests.core.volumes.test_volume import make_reference
from tests.second_opinions import find_prompts

GOLDEN = "17e629ae44168e42c6507a58d89fd4e02b16bd5f06e06ee4cb06903c03d7f999"
"""Of the prompts of a stretched cone: no platform, library or version may change it."""


def draw_cone() -> VolumeMask:
    """Return squares of side 3, 5, 9, 7 and 2 on slices 1 … 5 of 7, in a corner each."""
    mask = np.zeros((7, 12, 14), np.bool_)
    for index, side in enumerate((3, 5, 9, 7, 2), 1):
        mask[index, 1 : 1 + side, 2 : 2 + side] = True
    return mask


def test_each_prompt_lies_where_the_protocol_says() -> None:
    prompts = freeze_volume_prompts(make_reference(draw_cone()))

    assert list(prompts) == list(VOLUME_PROMPTS)
    assert prompts["slice-point"].slices == (SlicePrompt(3, make_prompt([(6, 5)])),)
    assert prompts["slice-box"].slices == (SlicePrompt(3, make_prompt(box_xyxy=(2, 1, 10, 9))),)
    boxes = [(part.slice_index, part.prompt.box_xyxy) for part in prompts["ends-box"].slices]
    assert boxes == [(1, (2, 1, 4, 3)), (3, (2, 1, 10, 9)), (5, (2, 1, 3, 2))]
    (given_mask,) = prompts["slice-mask"].slices
    assert given_mask.mask is not None
    np.testing.assert_array_equal(given_mask.mask.decode(), draw_cone()[3])


def test_boxes_on_every_slice_leave_out_the_small_ones() -> None:
    """81 pixels have a box, 49 have none."""
    mask = np.repeat(draw_cone()[3:5], [2, 1], axis=0)

    each = freeze_volume_prompts(make_reference(mask))["each-box"]

    assert [part.slice_index for part in each.slices] == [0, 1]


def test_effort_is_counted_in_clicks() -> None:
    mask = np.ones((5, 8, 8), np.bool_)
    mask[[0, 4], 4:] = False  # 32 pixels

    prompts = freeze_volume_prompts(make_reference(mask))

    clicks = {name: prompt.clicks for name, prompt in prompts.items()}
    assert clicks == {
        "slice-point": 1, "slice-box": 2, "slice-mask": None, "ends-box": 6, "each-box": 2 * 3,
    }  # fmt: skip
    assert list(clicks) == list(VOLUME_PROMPTS)


def test_ends_that_are_the_prompt_slice_have_one_box() -> None:
    mask = np.zeros((4, 8, 8), np.bool_)
    mask[2] = True

    ends = freeze_volume_prompts(make_reference(mask))["ends-box"]

    assert [part.slice_index for part in ends.slices] == [2]


@given(arrays(np.bool_, (3, 9, 9)).filter(lambda mask: bool(mask.any())))
def test_on_a_slice_prompts_are_those_of_the_2d_study(mask: VolumeMask) -> None:
    """By the 2-D study's own code, and by that of its second implementation."""
    reference = make_reference(mask)
    drawn = mask[reference.prompt_slice]

    prompts = freeze_volume_prompts(reference)

    flat, again = freeze_prompts(drawn), find_prompts(drawn)
    point, box = (prompts[name].slices[0].prompt for name in ("slice-point", "slice-box"))
    assert (point, box) == (flat["point"], flat["box"])
    assert (point.points_xy.tolist(), box.box_xyxy) == (again["point"][0], again["box"][2])


def take_hash(mask: VolumeMask) -> str:
    """Return the hash of all prompts of one reference."""
    digest = PromptsHash()
    frozen = freeze_volume_prompts(make_reference(mask))
    add_volume_prompts(digest, "v.organ.0", frozen.values())
    return digest.hexdigest()


def test_the_hash_of_prompts_stays() -> None:
    assert take_hash(np.repeat(draw_cone(), 2, axis=1)) == GOLDEN


def test_the_hash_tells_slices_apart() -> None:
    assert take_hash(draw_cone()) != take_hash(np.roll(draw_cone(), 1, axis=0))
