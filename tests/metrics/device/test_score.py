"""On a device the integers are the same: tested on CPU tensors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from cosmos_board.core.errors import InputError  # noqa: E402
from cosmos_board.metrics.device import distances  # noqa: E402
from cosmos_board.metrics.device import score as device_score  # noqa: E402
from cosmos_board.metrics.device.score import (  # noqa: E402
    measure_batch,
    score_batch,
    upload_references,
)
from cosmos_board.metrics.reference import prepare_reference  # noqa: E402
from cosmos_board.metrics.surface import score  # noqa: E402
from tests.masks import draw  # noqa: E402
from tests.metrics.pairs import real_pairs  # noqa: E402
from tests.shared import needs_shared  # noqa: E402

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 14), st.integers(1, 14))
STACKS = SHAPES.flatmap(lambda shape: arrays(np.bool_, (2, *shape)))


@given(stacks=STACKS, capacity=st.sampled_from([None, 5]))
def test_a_batch_has_the_scores_of_its_pairs(
    stacks: NDArray[np.bool_], capacity: int | None
) -> None:
    """Byte for byte, also where a boundary does not fit its list."""
    predictions, masks = stacks
    assume(masks.any(axis=(1, 2)).all())
    prepared = [prepare_reference(mask) for mask in masks]
    which = list(range(len(masks)))[::-1]

    scores = score_batch(
        torch.from_numpy(predictions),
        upload_references(prepared, "cpu"),
        which,
        capacity=capacity,
    )

    assert scores == [
        score(prediction, prepared[place])
        for prediction, place in zip(predictions, which, strict=True)
    ]


@needs_shared
def test_real_pairs_have_the_scores_of_the_cpu() -> None:
    """Those of up to 600 boundary pixels, since a CPU is slow at the device's way."""
    pairs = [pair for pair in real_pairs() if len(prepare_reference(pair[1]).boundary_yx) < 600]
    for prediction, mask in pairs[::3]:
        reference = prepare_reference(mask)
        batch = torch.from_numpy(np.stack([prediction, mask, ~mask]))

        scores = score_batch(batch, upload_references([reference], "cpu"), [0, 0, 0])

        assert scores == [score(drawn, reference) for drawn in (prediction, mask, ~mask)]


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_the_precision_of_matrix_products_does_not_matter(precision: str) -> None:
    rng = np.random.default_rng(0)
    prediction, mask = rng.random((2, 300, 500)) < 0.02
    reference = prepare_reference(mask)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            scores = score_batch(
                torch.from_numpy(prediction[None]), upload_references([reference], "cpu"), [0]
            )
    finally:
        torch.set_float32_matmul_precision(before)

    assert scores == [score(prediction, reference)]


def test_opposite_corners_of_the_largest_image_are_counted_exactly() -> None:
    corner = np.zeros((2895, 2895), np.bool_)
    corner[0, 0] = True
    reference = prepare_reference(corner)
    prediction = torch.from_numpy(corner[::-1, ::-1].copy()[None])

    row = measure_batch(prediction, upload_references([reference], "cpu"), torch.tensor([0]), 1)

    assert row[0, 4].item() == 2 * 2894**2


def test_distances_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    stack = rng.random((6, 20, 30)) < 0.3
    prepared = [prepare_reference(mask) for mask in stack[:3]]
    monkeypatch.setattr(distances, "_MATRIX_BYTES", 8 * 300 * 7)

    scores = score_batch(torch.from_numpy(stack[3:]), upload_references(prepared, "cpu"), [0, 1, 2])

    expected = [score(mask, held) for mask, held in zip(stack[3:], prepared, strict=True)]
    assert scores == expected


def test_a_reference_with_a_very_long_boundary_is_scored_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_score, "CAPACITY_LIMIT", 4)
    references = upload_references([prepare_reference(draw("######"))], "cpu")

    scores = score_batch(torch.from_numpy(draw("#.....")[None]), references, [0])

    assert scores[0].hd_px == 5.0


def test_larger_images_are_refused() -> None:
    with pytest.raises(InputError, match="too large"):
        upload_references([prepare_reference(np.ones((1, 2896), np.bool_))], "cpu")


def test_no_references_are_refused() -> None:
    with pytest.raises(InputError, match="there are none"):
        upload_references([], "cpu")


def test_predictions_of_another_size_are_refused() -> None:
    references = upload_references([prepare_reference(draw("##"))], "cpu")

    with pytest.raises(InputError, match="size"):
        score_batch(torch.ones(1, 2, 2, dtype=torch.bool), references, [0])


def test_no_predictions_have_no_scores() -> None:
    references = upload_references([prepare_reference(draw("##"))], "cpu")

    assert score_batch(torch.ones(0, 1, 2, dtype=torch.bool), references, []) == []
