from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cosmos_board.models.sam.everything_grid import suppress_boxes


def _boxes(*boxes: tuple[int, int, int, int]) -> NDArray[np.float32]:
    return np.array(boxes, np.float32)


@pytest.mark.parametrize(
    ("boxes", "scores", "kept"),
    [
        pytest.param(_boxes((0, 0, 10, 10), (0, 0, 10, 8)), (0.8, 0.9), [1], id="the better stays"),
        pytest.param(_boxes((0, 0, 10, 10), (0, 0, 10, 10)), (0.9, 0.9), [0], id="or the earlier"),
        pytest.param(_boxes((0, 0, 10, 10), (0, 0, 10, 7)), (0.9, 0.8), [0, 1], id="at the limit"),
        pytest.param(_boxes((0, 0, 4, 4), (4, 0, 8, 4)), (0.8, 0.9), [1, 0], id="apart"),
        pytest.param(_boxes((3, 3, 3, 3), (3, 3, 3, 3)), (0.9, 0.8), [0, 1], id="without area"),
        pytest.param(
            _boxes((0, 0, 10, 10), (0, 2, 10, 12), (0, 4, 10, 14)),
            (0.9, 0.8, 0.7),
            [0, 1, 2],
            id="a chain",
        ),
    ],
)
def test_what_stays_is_what_stays_by_hand(
    boxes: NDArray[np.float32], scores: tuple[float, ...], kept: list[int]
) -> None:
    assert suppress_boxes(boxes, np.array(scores, np.float32), 0.7) == kept


SIDE = st.integers(0, 12)


@given(
    boxes=st.lists(st.tuples(SIDE, SIDE, SIDE, SIDE), min_size=1, max_size=30),
    limit=st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]),
    data=st.data(),
)
def test_torchvision_keeps_the_same_boxes_in_the_same_order(
    boxes: list[tuple[int, int, int, int]], limit: float, data: st.DataObject
) -> None:
    """Whole corners and few different scores: ties and overlaps at the very limit are common."""
    torch = pytest.importorskip("torch")
    nms = pytest.importorskip("torchvision.ops").nms
    given_boxes = np.array(
        [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in boxes], np.float32
    )
    drawn = data.draw(st.lists(st.integers(0, 4), min_size=len(boxes), max_size=len(boxes)))
    scores = np.array(drawn, np.float32) / np.float32(7)

    kept = suppress_boxes(given_boxes, scores, limit)

    assert kept == nms(torch.from_numpy(given_boxes), torch.from_numpy(scores), limit).tolist()


def test_no_boxes_are_none() -> None:
    assert suppress_boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.7) == []
