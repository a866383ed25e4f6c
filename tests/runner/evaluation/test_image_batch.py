"""Images that share calls of the model: the rows of one by one, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="extra `sam` is not installed")
pytest.importorskip("segment_anything", reason="extra `sam` is not installed")

from cosmos_board.core.masks import encode_mask  # noqa: E402
from cosmos_board.core.run_record import RunSettings  # noqa: E402
from cosmos_board.core.scores import ScoreRow  # noqa: E402
from cosmos_board.data.pack import PackItem, open_pack  # noqa: E402
from cosmos_board.metrics.reference import prepare_reference  # noqa: E402
from cosmos_board.models.devices import prepare_device  # noqa: E402
from cosmos_board.models.sam.everything_grid import EverythingSettings  # noqa: E402
from cosmos_board.models.sam.segmenter import SamSegmenter  # noqa: E402
from cosmos_board.runner.evaluation.evaluate import predict_image  # noqa: E402
from cosmos_board.runner.evaluation.image_batch import predict_images  # noqa: E402
from cosmos_board.runner.evaluation.image_session import ImageSession  # noqa: E402
from cosmos_board.runner.evaluation.model_calls import BatchSizeBackoff  # noqa: E402
from tests.models.tiny_sam import CARD, build_small_sam  # noqa: E402
from tests.simulated_cuda import simulate_gpus  # noqa: E402

PROMPTS = ("everything", "point", "points-5-5", "box")
GRID = EverythingSettings(points_per_side=3, predicted_iou=0, stability=0.5)


class Counting(SamSegmenter):
    """Counts the images of each encoder call; some may raise."""

    def __init__(self, device: str = "cpu", *, fails_over: int = 99) -> None:
        super().__init__(
            build_small_sam(),
            card=CARD,
            device=prepare_device(device),
            prompts_per_call=16,
            everything=GRID,
        )
        self.calls: list[int] = []
        self.error: Exception = ValueError("too many")
        self._fails_over = fails_over

    def embed_many(self, images: Sequence[Any]) -> Any:  # noqa: ANN401 (handed on)
        self.calls.append(len(images))
        if len(images) > self._fails_over:
            raise self.error
        return super().embed_many(images)


@pytest.fixture(scope="module")
def items(phantom_pack: Path) -> list[PackItem]:
    """Three images, of which the second is cut to another size."""
    first, second, third = open_pack(phantom_pack).iter_items(0, 3)
    return [first, _cut(second), third]


def _cut(item: PackItem) -> PackItem:
    """Return an image without its last rows, and with references and prompts that remain."""
    rows = item.image.height - 8
    references = tuple(
        replace(reference, rle=encode_mask(reference.mask()[:rows]))
        for reference in item.references
        if reference.box_xyxy[3] < rows and reference.mask()[:rows].any()
    )
    kept = {reference.reference_id for reference in references}
    prompts = {name: given for name, given in item.prompts.items() if name in kept}
    image = replace(item.image, pixels=np.ascontiguousarray(item.image.pixels[:rows]))
    return replace(item, image=image, references=references, prompts=prompts)


def _sessions(
    segmenter: SamSegmenter,
    items: Sequence[PackItem],
    **settings: Any,  # noqa: ANN401
) -> list[ImageSession]:
    backoff = BatchSizeBackoff()
    asked = RunSettings(**{"prompts": PROMPTS, **settings})
    return [
        ImageSession(segmenter, item, asked, backoff=backoff, score_on="device") for item in items
    ]


def _rows_of_each(sessions: Sequence[ImageSession]) -> list[ScoreRow]:
    return [row for one in sessions for deferred in predict_image(one) for row in deferred().rows]


def _rows_together(sessions: Sequence[ImageSession]) -> list[ScoreRow]:
    return [
        row for scores in predict_images(sessions) for deferred in scores for row in deferred().rows
    ]


def _without_estimates(rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    return [replace(row, predicted_iou=None) for row in rows]


@pytest.mark.parametrize("study", ["main", "jitter"])
def test_images_that_share_calls_have_the_rows_of_images_one_by_one(
    study: str, items: list[PackItem]
) -> None:
    """Of two sizes, and in the same order; an estimate may differ in its last bits."""
    segmenter, limited = Counting(), ("box",) if study == "jitter" else PROMPTS

    together = _rows_together(_sessions(segmenter, items, study=study, prompts=limited))
    alone = _rows_of_each(_sessions(Counting(), items, study=study, prompts=limited))

    assert segmenter.calls == [3]
    assert len({row.reference_id for row in together}) == sum(len(i.references) for i in items)
    assert _without_estimates(together) == _without_estimates(alone)
    seen, expected = (
        np.array([row.predicted_iou for row in rows], np.float64) for rows in (together, alone)
    )
    np.testing.assert_allclose(seen, expected, atol=1e-5)


def test_a_gpu_is_waited_for_no_more_often_for_three_images_than_for_one(
    items: list[PackItem],
) -> None:
    def count_fetches(images: Sequence[PackItem]) -> tuple[int, int]:
        with simulate_gpus() as gpus:
            _rows_together(_sessions(Counting("cuda"), images, prompts=("point", "box")))
        assert gpus.hidden_waits() == []
        return len(gpus.fetches()), gpus.launches[0]

    one, three = count_fetches(items[:1]), count_fetches([items[0], items[2], items[0]])

    assert three[0] == one[0]
    assert three[1] < 2 * one[1]


def test_images_that_do_not_fit_together_are_halved_and_the_run_learns_it(
    items: list[PackItem],
) -> None:
    segmenter = Counting(fails_over=1)
    segmenter.error = RuntimeError("CUDA error: out of memory")
    sessions = _sessions(segmenter, items[:2], prompts=("box",))

    rows = _rows_together(sessions)

    assert segmenter.calls == [2, 1, 1]
    assert sessions[0].backoff.most_images == 1
    assert rows == _rows_of_each(_sessions(Counting(), items[:2], prompts=("box",)))


def test_a_model_that_fails_with_several_images_is_asked_about_each(
    items: list[PackItem],
) -> None:
    segmenter = Counting(fails_over=1)

    rows = _rows_together(_sessions(segmenter, items, prompts=("box",)))

    assert segmenter.calls == [3, 1, 1, 1]
    assert {row.scores.status.partition(":")[0] for row in rows} <= {"ok", "penalised"}


def test_scoring_that_does_not_fit_for_all_images_is_done_for_each(
    items: list[PackItem],
) -> None:
    with simulate_gpus() as gpus:
        gpus.within, gpus.most_elements = "device_scorer.py:_score_sizes", 50_000
        rows = _rows_together(_sessions(Counting("cuda"), items, prompts=("box",)))

    assert gpus.refused
    assert _without_estimates(rows) == _without_estimates(
        _rows_of_each(_sessions(Counting(), items, prompts=("box",)))
    )


def test_the_boundary_of_a_reference_is_that_of_its_whole_mask(items: list[PackItem]) -> None:
    """It is looked for in the tight box alone, also where that touches the image's edge."""
    touching = np.zeros((9, 12), np.bool_)
    touching[0:4, 3:12] = touching[8, 0] = True
    masks = [touching, *(reference.mask() for reference in items[0].references)]

    for mask in masks:
        padded = np.pad(mask, 1)
        inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        expected = np.argwhere(mask & ~inside)

        reference = prepare_reference(mask)

        np.testing.assert_array_equal(reference.boundary_yx, expected)
        assert reference.boundary_px == len(expected)
