"""Answers on a device are held to the same form as those in the memory of the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cosmos_board.core.candidates import Candidates, EverythingCandidates, find_best
from cosmos_board.core.masks import encode_mask
from cosmos_board.models.candidate_checks import CandidatesError, check_candidates, check_everything
from cosmos_board.models.segmenter import DeviceCandidates

torch = pytest.importorskip("torch", reason="extra `sam` is not installed")

SIZE = (4, 5)
GUESSES = np.array([0.5, 0.9], np.float32)


@pytest.mark.parametrize(
    ("masks", "guesses", "message"),
    [
        (torch.zeros(2, 4, 5), GUESSES, "masks are float32, expected bool"),
        (torch.zeros(2, 5, 4).bool(), GUESSES, r"shape \(2, 5, 4\), expected \(K, 4, 5\)"),
        (torch.zeros(0, 4, 5).bool(), GUESSES[:0], r"shape \(0, 4, 5\)"),
        (torch.zeros(2, 4, 5).bool(), GUESSES[:1], r"predicted_iou has shape \(1,\), expected"),
        (torch.zeros(2, 4, 5).bool(), np.nan * GUESSES, "NaN or infinite for every mask"),
        (torch.zeros(2, 4, 5).bool(), torch.zeros(2), "predicted_iou is Tensor, expected a numpy"),
    ],
)
def test_masks_on_a_device_are_checked_where_they_are(
    masks: Any,  # noqa: ANN401 (a tensor)
    guesses: Any,  # noqa: ANN401 (an array, or what is none)
    message: str,
) -> None:
    with pytest.raises(CandidatesError, match=message):
        check_candidates(DeviceCandidates(masks, guesses), SIZE, keeps_logits=False)


def test_sound_answers_pass_as_they_are() -> None:
    there = DeviceCandidates(torch.ones(2, 4, 5).bool(), GUESSES)
    here = Candidates(np.ones((2, 4, 5), bool), GUESSES, np.zeros((2, 2, 2), np.float32))

    assert check_candidates(there, SIZE, keeps_logits=False).masks is there.masks
    assert check_candidates(there, SIZE, keeps_logits=False).best == 1
    found = check_candidates(here, SIZE, keeps_logits=True)
    assert np.array_equal(found.masks, here.masks)
    assert not np.shares_memory(found.masks, here.masks)
    assert found.logits is not None
    assert check_candidates(here, SIZE, keeps_logits=False).logits is None


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int64])
def test_estimates_of_any_kind_of_number_keep_it(kind: type) -> None:
    answer = Candidates(np.ones((2, 4, 5), bool), np.array([1, 1]).astype(kind))

    assert check_candidates(answer, SIZE, keeps_logits=False).predicted_iou.dtype == kind


@pytest.mark.parametrize(
    ("estimates", "best"),
    [
        ([0.2, 0.9, 0.9], 1),
        ([np.nan, 0.1], 1),
        ([0.1, np.inf], 0),
        ([-np.inf, -2.0], 1),
        ([np.nan], 0),
        ([1.07, 0.5], 0),
    ],
)
def test_what_is_not_finite_is_chosen_last(estimates: list[float], best: int) -> None:
    assert find_best(np.array(estimates, np.float32)) == best


def test_everything_mode_may_find_nothing() -> None:
    assert check_everything(EverythingCandidates((), ()), SIZE) == EverythingCandidates((), ())
    rle = encode_mask(np.ones(SIZE, bool))
    found = EverythingCandidates([rle], [np.float32(0.5)])  # type: ignore[arg-type]
    assert check_everything(found, SIZE) == EverythingCandidates((rle,), (0.5,))
