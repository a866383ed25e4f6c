"""Scores of a pair: by hand, at the edges, as laws, and against four other implementations."""

from __future__ import annotations

import sys
import warnings
from math import hypot

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.core.scores import Counts, Scores
from cosmos_board.metrics import plain
from cosmos_board.metrics import score as score_module
from cosmos_board.metrics.reference import prepare_reference
from cosmos_board.metrics.score import penalise, score
from tests.masks import draw
from tests.metrics.pairs import real_pairs
from tests.second_opinions import assert_close, transform_scores
from tests.shared import needs_shared


def score_pictures(prediction: str, reference: str) -> Scores:
    return score(draw(prediction), prepare_reference(draw(reference)))


# --- counted by hand ---


def test_identical_masks_are_at_no_distance() -> None:
    scores = score_pictures(".... .##. .##. ....", ".... .##. .##. ....")

    assert scores == Scores(Counts(4, 0, 0), 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, "ok")


def test_two_pixels_apart_by_three_and_four() -> None:
    """One pixel each, 4 columns and 3 rows apart: every distance is 5."""
    scores = score_pictures("#.... ..... ..... .....", "..... ..... ..... ....#")

    assert scores == Scores(Counts(0, 1, 1), 5.0, 5.0, 5.0, 0.0, 0.0, 0.0, "ok")


def test_the_larger_direction_counts_for_both_maxima() -> None:
    """From the reference's pixels to the prediction's: 0 and 5; the other way: 0."""
    scores = score_pictures("#..... ......", "#....# ......")

    assert scores.hd_px == 5.0
    assert scores.hd95_px == pytest.approx(0.95 * 5)
    assert scores.assd_px == pytest.approx((0 + 5 + 0) / 3)
    assert scores.nsd == pytest.approx(2 / 3)


def test_two_pixels_away_is_found_and_three_is_not() -> None:
    assert score_pictures("#...", "..#.").nsd == 1.0
    assert score_pictures("#...", "...#").nsd == 0.0


def test_a_small_reference_is_matched_within_one_pixel() -> None:
    """5 % of the diameter of one pixel is next to nothing, so that 1 px counts."""
    assert score_pictures("#...", ".#..").nsd_rel == 1.0
    assert score_pictures("#...", "..#.").nsd_rel == 0.0
    assert score_pictures("##. ##. ...", "... ##. ##.").nsd_rel == 1.0


@pytest.mark.parametrize(
    ("area_px", "whole_px"), [(35**2, 1), (36**2, 2), (53**2, 2), (54**2, 3), (213**2, 12)]
)
def test_the_relative_tolerance_grows_with_the_area_of_the_reference(
    area_px: int, whole_px: int
) -> None:
    """A disc of 36² pixels is 40.6 px wide, of which 5 % are 2.03; of 35² pixels they are 1.97.

    The reference is a line, and the prediction the pixel after its end: this pixel is matched, and
    so are the pixels of the line up to the tolerance.
    """
    line = np.ones((1, area_px + 1), np.bool_)
    line[0, -1] = False

    scores = score(~line, prepare_reference(line))

    assert scores.nsd_rel == (1 + whole_px) / (area_px + 1)
    assert scores.nsd == (1 + 2) / (area_px + 1)


def test_distances_are_taken_between_boundaries_and_not_within_masks() -> None:
    """The reference's centre pixel is 3 from the prediction's ring but on no boundary."""
    disc = np.ones((7, 7), np.bool_)
    ring = disc.copy()
    ring[1:6, 1:6] = False

    scores = score(ring, prepare_reference(disc))

    # The ring's inner edge is its outer one: both boundaries are the frame of 24 pixels.
    assert (scores.hd_px, scores.nsd) == (0.0, 1.0)
    assert scores.counts == Counts(24, 0, 25)


def test_beyond_the_image_is_outside() -> None:
    """A mask that fills its image has the frame for a boundary, and two pixels of band."""
    full = np.ones((7, 9), np.bool_)
    reference = prepare_reference(full)

    assert len(reference.boundary_yx) == 2 * 9 + 2 * 5
    assert reference.band_px == 7 * 9 - 3 * 5
    assert score(full, reference).boundary_iou == 1.0


def test_bands_are_two_pixels_wide() -> None:
    """8×8 against its middle 6×6: bands of 48 and 32 pixels share the ring of 20."""
    outer = np.zeros((12, 12), np.bool_)
    outer[2:10, 2:10] = True
    inner = np.zeros((12, 12), np.bool_)
    inner[3:9, 3:9] = True

    assert score(inner, prepare_reference(outer)).boundary_iou == 20 / (48 + 32 - 20)


def test_a_corner_touching_pixel_is_boundary_for_four_neighbours_only() -> None:
    """Only 4-neighbours decide: a missing diagonal neighbour leaves the centre inside."""
    reference = prepare_reference(draw("##. ### ###"))

    assert [1, 1] not in reference.boundary_yx.tolist()
    assert len(reference.boundary_yx) == 7


def test_the_95th_percentile_is_interpolated_as_numpy_does() -> None:
    prediction = np.zeros((1, 60), np.bool_)
    prediction[0, 0] = True
    reference = np.zeros((1, 60), np.bool_)
    reference[0, [0, 7, 11, 30, 41, 59]] = True

    expected = np.percentile([0, 7, 11, 30, 41, 59], 95)
    assert score(prediction, prepare_reference(reference)).hd95_px == expected


# --- empty cases ---


def test_nothing_drawn_is_penalised_with_the_diagonal() -> None:
    scores = score(np.zeros((3, 4), np.bool_), prepare_reference(draw("#... .... ....")))

    assert scores == Scores(Counts(0, 0, 1), 5.0, 5.0, 5.0, 0.0, 0.0, 0.0, "penalised")


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(InputError, match="reference: mask: is empty"):
        prepare_reference(np.zeros((3, 3), np.bool_))


def test_a_failed_prediction_is_scored_as_an_empty_one_with_its_reason() -> None:
    scores = penalise(prepare_reference(draw("##")), "failed: out of memory")

    assert (scores.counts, scores.nsd, scores.status) == (
        Counts(0, 0, 2),
        0.0,
        "failed: out of memory",
    )


def test_masks_of_different_size_are_refused() -> None:
    with pytest.raises(InputError, match="size"):
        score(np.ones((2, 2), np.bool_), prepare_reference(draw("###")))


def test_a_stack_of_masks_is_no_reference() -> None:
    with pytest.raises(InputError, match="2-D"):
        prepare_reference(np.ones((1, 2, 2), np.bool_))


# --- laws for any masks ---

SHAPES = st.tuples(st.integers(1, 20), st.integers(1, 20))
PAIRS = SHAPES.flatmap(lambda shape: arrays(np.bool_, (2, *shape)))


@given(pair=PAIRS)
def test_both_backends_give_the_same_bytes(pair: NDArray[np.bool_]) -> None:
    compiled = pytest.importorskip("cosmos_board.metrics.compiled")
    assume(pair[1].any())
    reference = prepare_reference(pair[1])

    assert compiled.measure(pair[0], reference) == plain.measure(pair[0], reference)


@given(pair=PAIRS)
def test_swapping_the_masks_changes_no_score(pair: NDArray[np.bool_]) -> None:
    assume(pair[0].any() and pair[1].any())
    there = score(pair[0], prepare_reference(pair[1]))
    back = score(pair[1], prepare_reference(pair[0]))

    assert (there.hd_px, there.hd95_px, there.assd_px) == (back.hd_px, back.hd95_px, back.assd_px)
    assert (there.nsd, there.boundary_iou) == (back.nsd, back.boundary_iou)


@given(pair=PAIRS, turns=st.integers(0, 3), flipped=st.booleans())
def test_turning_and_mirroring_both_masks_changes_no_score(
    pair: NDArray[np.bool_], turns: int, flipped: bool
) -> None:
    assume(pair[1].any())
    turned = np.rot90(pair, turns, axes=(1, 2))[:, :, :: -1 if flipped else 1]

    straight = score(pair[0], prepare_reference(pair[1]))
    assert score(turned[0], prepare_reference(turned[1])) == straight


@given(pair=PAIRS, border=st.integers(1, 9))
def test_a_wider_image_moves_only_the_penalty(pair: NDArray[np.bool_], border: int) -> None:
    assume(pair[0].any() and pair[1].any())
    wide = np.pad(pair, ((0, 0), (border, border), (border, border)))

    tight = score(pair[0], prepare_reference(pair[1]))
    assert score(wide[0], prepare_reference(wide[1])) == tight


@given(pair=PAIRS)
def test_distances_are_ordered_and_shares_are_shares(pair: NDArray[np.bool_]) -> None:
    assume(pair[1].any())
    reference = prepare_reference(pair[1])
    scores = score(pair[0], reference)

    # assd_px is a sum of whole multiples of 2^-26 px: allow for their rounding.
    assert 0 <= scores.assd_px <= scores.hd_px + 1e-7
    assert 0 <= scores.hd95_px <= scores.hd_px <= reference.diagonal_px
    assert 0 <= scores.nsd <= 1
    assert 0 <= scores.nsd_rel <= 1
    assert 0 <= scores.boundary_iou <= 1


@given(mask=SHAPES.flatmap(lambda shape: arrays(np.bool_, shape)))
def test_a_mask_is_at_no_distance_from_itself(mask: Mask) -> None:
    assume(mask.any())
    scores = score(mask, prepare_reference(mask))

    assert (scores.hd_px, scores.hd95_px, scores.assd_px) == (0, 0, 0)
    assert (scores.nsd, scores.nsd_rel, scores.boundary_iou, scores.counts.dice) == (1, 1, 1, 1)


@given(pair=PAIRS)
def test_scores_equal_a_distance_transform_of_the_whole_image(pair: NDArray[np.bool_]) -> None:
    """A second implementation that crops nothing and keeps no run: 1e-7 px for the mean."""
    assume(pair[0].any() and pair[1].any())

    assert_close(score(pair[0], prepare_reference(pair[1])), transform_scores(pair[0], pair[1]))


# --- memory layouts a caller may hand in ---


@pytest.mark.parametrize(
    "lay_out",
    [
        pytest.param(np.asfortranarray, id="column-major"),
        pytest.param(lambda mask: np.repeat(mask, 2, axis=1)[:, ::2], id="strided"),
        pytest.param(lambda mask: np.pad(mask, 1)[1:-1, 1:-1], id="a window"),
        pytest.param(lambda mask: _unalign(mask), id="not aligned to words"),
        pytest.param(lambda mask: _freeze(mask), id="read-only"),
    ],
)
def test_memory_layout_does_not_matter(lay_out: object) -> None:
    rng = np.random.default_rng(1)
    prediction, reference = rng.random((2, 17, 23)) < 0.6
    assert callable(lay_out)

    expected = score(prediction, prepare_reference(reference))
    assert score(lay_out(prediction), prepare_reference(lay_out(reference))) == expected


def _unalign(mask: Mask) -> Mask:
    memory = np.zeros(mask.size + 1, np.bool_)
    memory[1:] = mask.reshape(-1)
    return memory[1:].reshape(mask.shape)


def _freeze(mask: Mask) -> Mask:
    frozen = mask.copy()
    frozen.flags.writeable = False
    return frozen


# --- real masks, against other people's implementations ---


@needs_shared
def test_real_pairs_equal_a_distance_transform_and_both_backends() -> None:
    compiled = pytest.importorskip("cosmos_board.metrics.compiled")
    for prediction, reference in real_pairs():
        prepared = prepare_reference(reference)

        assert compiled.measure(prediction, prepared) == plain.measure(prediction, prepared)
        assert_close(score(prediction, prepared), transform_scores(prediction, reference))


@needs_shared
def test_real_pairs_equal_monai() -> None:
    """MONAI's definitions are ours (symmetric ASSD). Tolerance 1e-3 px: it works in float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from monai import metrics as monai

        pairs = real_pairs()
        assert len(pairs) >= 50
        for prediction, reference in pairs:
            scores = score(prediction, prepare_reference(reference))
            batch = [torch.from_numpy(mask)[None, None] for mask in (prediction, reference)]
            whole = {"include_background": True}

            expected = (
                monai.compute_hausdorff_distance(*batch, **whole).item(),
                monai.compute_hausdorff_distance(*batch, **whole, percentile=95).item(),
                monai.compute_average_surface_distance(*batch, **whole, symmetric=True).item(),
                monai.compute_surface_dice(*batch, [2.0], **whole).item(),
                monai.compute_dice(*batch).item(),
                monai.compute_iou(*batch).item(),
            )
            ours = (
                scores.hd_px,
                scores.hd95_px,
                scores.assd_px,
                scores.nsd,
                scores.counts.dice,
                scores.counts.iou,
            )
            assert ours == pytest.approx(expected, abs=1e-3)


@needs_shared
def test_real_pairs_equal_medpy_where_definitions_agree() -> None:
    """HD and pooled ASSD to 1e-7 px; medpy's HD95 pools both directions and is another number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from medpy.metric import binary

        for prediction, reference in real_pairs():
            scores = score(prediction, prepare_reference(reference))

            assert scores.hd_px == pytest.approx(binary.hd(prediction, reference), abs=1e-9)
            assert scores.assd_px == pytest.approx(binary.assd(prediction, reference), abs=1e-7)
            assert scores.counts.dice == pytest.approx(binary.dc(prediction, reference), abs=1e-12)


@needs_shared
def test_real_pairs_lie_within_a_pixel_of_surface_distance() -> None:
    """Its boundary runs on a grid half a pixel off, so HD moves by up to 1 px; Dice is exact."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import surface_distance

        for prediction, reference in real_pairs():
            scores = score(prediction, prepare_reference(reference))
            spans = surface_distance.compute_surface_distances(reference, prediction, (1.0, 1.0))

            hausdorff = surface_distance.compute_robust_hausdorff(spans, 100)
            dice = surface_distance.compute_dice_coefficient(reference, prediction)
            assert scores.hd_px == pytest.approx(hausdorff, abs=1.0)
            assert scores.counts.dice == pytest.approx(dice, abs=1e-12)


# --- the choice of backend ---


def test_without_numba_the_plain_pass_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cosmos_board.metrics.compiled", None)
    score_module._get_measure.cache_clear()
    try:
        assert score_module._get_measure() is plain.measure
        assert score_pictures("#..", "..#").hd_px == 2.0
    finally:
        score_module._get_measure.cache_clear()


def test_known_counts_are_taken_as_they_are() -> None:
    reference = prepare_reference(draw("##. ..."))

    integers = plain.measure(draw(".## ..."), reference, Counts(1, 1, 1))

    assert integers is not None
    assert integers.counts == Counts(1, 1, 1)


def test_the_diagonal_is_that_of_the_image() -> None:
    assert prepare_reference(np.ones((3, 5), np.bool_)).diagonal_px == hypot(3, 5)
