"""On a device the integers are the same: tested on CPU tensors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from cosmos_board.core.errors import InputError  # noqa: E402
from cosmos_board.core.scores import Scores  # noqa: E402
from cosmos_board.metrics.device import boundaries, selections  # noqa: E402
from cosmos_board.metrics.device import references as device_references  # noqa: E402
from cosmos_board.metrics.device.references import (  # noqa: E402
    DeviceReferences,
    upload_references,
)
from cosmos_board.metrics.device.selections import (  # noqa: E402
    DeviceSelection,
    measure_batch,
    score_selections,
)
from cosmos_board.metrics.overlap import count_candidates  # noqa: E402
from cosmos_board.metrics.reference import prepare_reference  # noqa: E402
from cosmos_board.metrics.score import score  # noqa: E402
from tests.masks import draw  # noqa: E402
from tests.metrics.pairs import real_pairs  # noqa: E402
from tests.shared import needs_shared  # noqa: E402

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 14), st.integers(1, 14))
STACKS = SHAPES.flatmap(lambda shape: arrays(np.bool_, (2, *shape)))


def score_batch(
    predictions: Tensor,
    references: DeviceReferences,
    which: list[int],
    *,
    capacity: int | None = None,
) -> list[Scores]:
    """Return the scores of predictions that are the only candidates of their prompts."""
    alone, rated = list(predictions[:, None]), [0] * len(predictions)
    found = score_selections(alone, rated, references, which, capacity=capacity)
    assert all(one.oracle == 0 and one.oracle_scores == one.predicted_scores for one in found)
    return [one.predicted_scores for one in found]


CANDIDATES = SHAPES.flatmap(
    lambda shape: st.tuples(
        arrays(np.bool_, (shape[0], 3, *shape[1:])), arrays(np.bool_, (2, *shape[1:]))
    )
)


@given(drawn=CANDIDATES, data=st.data())
def test_both_selections_take_what_they_take_on_the_host(
    drawn: tuple[NDArray[np.bool_], NDArray[np.bool_]], data: st.DataObject
) -> None:
    """The best Dice, the lower index on a tie; and whichever the model rates best."""
    candidates, masks = drawn
    assume(masks.any(axis=(1, 2)).all())
    prepared = [prepare_reference(mask) for mask in masks]
    count = len(candidates)
    which, rated = (
        data.draw(st.lists(st.integers(0, most), min_size=count, max_size=count)) for most in (1, 2)
    )

    found = score_selections(
        list(torch.from_numpy(candidates)), rated, upload_references(prepared, "cpu"), which
    )

    for one, masks_of_one, place, best in zip(found, candidates, which, rated, strict=True):
        dices = [counts.dice for counts in count_candidates(masks_of_one, prepared[place])]
        oracle = dices.index(max(dices))
        assert one == DeviceSelection(
            oracle,
            score(masks_of_one[oracle], prepared[place]),
            score(masks_of_one[best], prepared[place]),
        )


def test_prompts_in_parts_are_scored_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    candidates = list(torch.from_numpy(rng.random((5, 3, 20, 30)) < 0.3))
    references = upload_references([prepare_reference(rng.random((20, 30)) < 0.3)], "cpu")
    whole = score_selections(candidates, [0] * 5, references, [0] * 5)

    monkeypatch.setattr(selections, "_PIXELS_AT_ONCE", 3 * 20 * 30)

    assert score_selections(candidates, [0] * 5, references, [0] * 5) == whole


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_counts_what_the_cpu_counts_and_is_waited_for_nowhere() -> None:
    rng = np.random.default_rng(0)
    candidates, masks = rng.random((8, 40, 50)) < 0.3, rng.random((8, 40, 50)) < 0.3
    prepared = [prepare_reference(mask) for mask in masks]
    references, which = upload_references(prepared, "cuda"), torch.arange(8, device="cuda")
    predictions = torch.from_numpy(candidates).cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        rows = measure_batch(predictions, references, which, 2000)
    finally:
        torch.cuda.set_sync_debug_mode("default")

    on_cpu = upload_references(prepared, "cpu")
    expected = measure_batch(torch.from_numpy(candidates), on_cpu, torch.arange(8), 2000)
    assert rows.tolist() == expected.tolist()


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


def test_a_precision_that_is_set_by_its_newer_name_does_not_matter() -> None:
    """Torch then refuses to say what the older name would be."""
    before = torch.backends.cuda.matmul.fp32_precision
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    try:
        points = boundaries.list_points(torch.ones(1, 5, 7, dtype=torch.bool), 32)
        there, _ = boundaries.measure_distances(points, points)
    finally:
        torch.backends.cuda.matmul.fp32_precision = before

    assert there[:, : int(points.count)].tolist() == [20 * [0]]


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
    monkeypatch.setattr(boundaries, "_MATRIX_BYTES", 8 * 300 * 7)

    scores = score_batch(torch.from_numpy(stack[3:]), upload_references(prepared, "cpu"), [0, 1, 2])

    expected = [score(mask, held) for mask, held in zip(stack[3:], prepared, strict=True)]
    assert scores == expected


def test_a_reference_with_a_very_long_boundary_is_scored_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_references, "CAPACITY_LIMIT", 4)
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
