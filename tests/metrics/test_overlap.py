"""Overlap is counted in whole pixels, whichever way the masks are held."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pycocotools import mask as coco

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.scores import Counts
from cosmos_board.metrics.overlap import (
    count_candidates,
    count_overlap,
    tabulate_rles,
)
from cosmos_board.metrics.reference import prepare_reference
from tests.masks import draw
from tests.metrics.pairs import real_pairs
from tests.shared import needs_shared


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        pytest.param("##. ...", "##. ...", Counts(2, 0, 0), id="identical"),
        pytest.param("##. ...", ".## ...", Counts(1, 1, 1), id="half shared"),
        pytest.param("#.. ...", "... ..#", Counts(0, 1, 1), id="disjoint"),
        pytest.param("### ###", "#.. ...", Counts(1, 5, 0), id="everything drawn"),
        pytest.param("... ...", "##. ...", Counts(0, 0, 2), id="nothing drawn"),
    ],
)
def test_counts_match_a_count_by_hand(prediction: str, reference: str, expected: Counts) -> None:
    assert count_overlap(draw(prediction), draw(reference)) == expected


def test_dice_and_iou_of_a_half_shared_pair() -> None:
    counts = count_overlap(draw("##. ..."), draw(".## ..."))

    assert (counts.dice, counts.iou) == (0.5, 1 / 3)


def test_masks_of_different_size_are_refused() -> None:
    with pytest.raises(InputError, match=r"size.*\(got \(1, 2\), want \(2, 1\)\)"):
        count_overlap(draw("##"), draw("# #"))


def test_candidates_of_another_size_are_refused() -> None:
    with pytest.raises(InputError, match="size"):
        count_candidates(np.ones((1, 2, 2), np.bool_), prepare_reference(draw("###")))


def test_candidates_may_be_held_column_by_column() -> None:
    """As decoded run lengths are."""
    rng = np.random.default_rng(0)
    prediction, reference = rng.random((2, 11, 17)) < 0.5

    counts = count_candidates(
        np.asfortranarray(prediction)[None], prepare_reference(np.asfortranarray(reference))
    )

    assert counts == [count_overlap(prediction, reference)]


def test_no_candidates_make_an_empty_table() -> None:
    table = tabulate_rles([], [encode_mask(draw("#"))])

    assert table.shared_px.shape == (0, 1)
    with pytest.raises(InputError, match="candidates"):
        table.find_best()


def test_no_references_make_an_empty_table() -> None:
    assert tabulate_rles([encode_mask(draw("#"))], []).shared_px.shape == (1, 0)


def test_an_empty_candidate_shares_nothing() -> None:
    table = tabulate_rles([encode_mask(draw(".."))], [encode_mask(draw("#."))])

    assert table.counts(0, 0) == Counts(0, 0, 1)


def test_the_lower_index_wins_a_tie_in_dice() -> None:
    reference = encode_mask(draw("##.. ...."))
    halves = [encode_mask(draw(picture)) for picture in (".... ..##", ".##. ....", "#..# ....")]

    assert tabulate_rles(halves, [reference]).find_best().tolist() == [1]


SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 13), st.integers(1, 13))
STACKS = SHAPES.flatmap(lambda shape: arrays(np.bool_, (2, *shape)))


@given(stacks=STACKS)
def test_every_way_of_counting_agrees(stacks: NDArray[np.bool_]) -> None:
    """Bytes and run lengths give the same whole numbers for any masks."""
    candidates, references = stacks
    by_runs = tabulate_rles(
        [encode_mask(mask) for mask in candidates], [encode_mask(mask) for mask in references]
    )

    for j, reference in enumerate(references):
        by_bytes = [count_overlap(mask, reference) for mask in candidates]
        assert [by_runs.counts(i, j) for i in range(len(candidates))] == by_bytes
        if reference.any():
            assert count_candidates(candidates, prepare_reference(reference)) == by_bytes


@given(stack=arrays(np.bool_, (2, 4, 5)).filter(lambda stack: bool(stack[1].any())))
def test_dice_and_iou_rank_alike(stack: NDArray[np.bool_]) -> None:
    """For any two masks, Dice is 2 IoU / (1 + IoU), and swapping the masks changes neither."""
    counts = count_overlap(stack[0], stack[1])
    swapped = count_overlap(stack[1], stack[0])

    assert counts.dice == pytest.approx(2 * counts.iou / (1 + counts.iou))
    assert (swapped.dice, swapped.iou) == (counts.dice, counts.iou)


def test_run_lengths_stay_exact_on_large_masks() -> None:
    """The quotient that pycocotools returns must give back the whole number it came from."""
    rng = np.random.default_rng(0)
    ys, xs = np.ogrid[:1500, :1500]
    masks = np.stack(
        [
            (ys - y) ** 2 + (xs - x) ** 2 < r * r
            for y, x, r in zip(*rng.uniform(0, 1500, (2, 6)), rng.uniform(100, 900, 6), strict=True)
        ]
    )
    rles = [encode_mask(mask) for mask in masks]

    table = tabulate_rles(rles, rles)

    flat = masks.reshape(6, -1).astype(np.int64)
    np.testing.assert_array_equal(table.shared_px, flat @ flat.T)


@needs_shared
def test_overlap_equals_that_of_pycocotools_on_real_pairs() -> None:
    """Tolerance: 1e-12, the rounding of one division."""
    pairs = real_pairs()
    assert len(pairs) >= 50
    for prediction, reference in pairs:
        counts = count_overlap(prediction, reference)
        runs = encode_mask(prediction).as_coco(), encode_mask(reference).as_coco()
        iou = float(coco.iou([runs[0]], [runs[1]], [0])[0, 0])

        assert counts.iou == pytest.approx(iou, abs=1e-12)
        assert counts.dice == pytest.approx(2 * iou / (1 + iou), abs=1e-12)
