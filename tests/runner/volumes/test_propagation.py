"""Models of known behaviour get what arithmetic says, in every column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.spatial.distance import cdist

from cosmos_board.core.volumes import VolumeMask
from cosmos_board.store.schema import VOLUME_PREDICTIONS
from tests.runner.volumes.blocks import (
    BLOCK,
    SHAPE,
    SPACING_MM,
    build_blocks,
    draw_block,
    evaluate,
    read_rows,
)


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_blocks(tmp_path_factory.mktemp("blocks") / "pack", 1)


def score(pack: Path, out: Path, model: str) -> dict[str, dict[str, Any]]:
    """Return the row of each prompt."""
    evaluate(pack, out, model)
    return {row["prompt"]: row for row in read_rows(out)}


def repeat(slices: range) -> VolumeMask:
    """Return the block's cross-section on some slices."""
    mask = np.zeros(SHAPE, np.bool_)
    mask[slices.start : slices.stop, BLOCK[1], BLOCK[2]] = True
    return mask


def drift() -> VolumeMask:
    """Return the block, moved by as many columns as slices away from its first."""
    moved = [np.roll(drawn, max(index - 5, 0), axis=1) for index, drawn in enumerate(draw_block())]
    return np.stack(moved)


@pytest.mark.parametrize(
    ("model", "drawn", "counts", "slices", "parts"),
    [
        pytest.param("Planted", draw_block(), (1000, 0, 0), (0, 0), [1, 1, 1, 1, 1], id="perfect"),
        pytest.param(
            "StopsAtOnce", repeat(range(5, 6)), (100, 0, 900), (0, 9), [0.5, 0, 0, 0, 0],
            id="stops at once",
        ),
        pytest.param(
            "NeverStops", repeat(range(20)), (1000, 1000, 0), (10, 0), [1, 1, 1, 1, 1],
            id="never stops",
        ),
        pytest.param(
            "Drifts", drift(), (550, 450, 450), (0, 0), [0.95, 0.75, 0.55, 0.35, 0.15],
            id="drifts by a pixel a slice",
        ),
    ],
)  # fmt: skip
def test_a_planted_propagator_gets_the_values_of_arithmetic(
    block: Path,
    tmp_path: Path,
    model: str,
    drawn: VolumeMask,
    counts: tuple[int, int, int],
    slices: tuple[int, int],
    parts: list[float],
) -> None:
    """Slices 0 and 1, 2 and 3 … away from the first of ten make the five parts of the way."""
    row = score(block, tmp_path, model)["slice-mask"]

    assert row["propagation"] == "native"
    assert (row["tp"], row["fp"], row["fn"]) == counts
    assert (row["overrun_slices"], row["missed_slices"]) == slices
    assert [row[f"dice_part_{part}"] for part in range(1, 6)] == pytest.approx(parts)
    assert (row["hd95_mm"], row["nsd_2mm"]) == pytest.approx(measure_surfaces(drawn), abs=1e-9)
    assert row["status"] == "ok"


def measure_surfaces(drawn: VolumeMask) -> tuple[float, float]:
    """Return HD95 in mm and NSD at 2 mm from all distances between all voxels of both surfaces."""
    surfaces = []
    for mask in (drawn, draw_block()):
        padded = np.pad(mask, 1)
        inside = [np.roll(padded, step, axis) for axis in range(3) for step in (-1, 1)]
        surface = padded & ~np.logical_and.reduce(inside)
        surfaces.append((np.argwhere(surface) - 1) * SPACING_MM)
    distances = cdist(surfaces[0], surfaces[1])
    nearest = distances.min(axis=1), distances.min(axis=0)
    within = np.concatenate(nearest) <= 2 + 1e-9
    return max(float(np.percentile(side, 95)) for side in nearest), float(within.mean())


def test_an_image_model_that_sees_the_object_follows_it_to_both_ends(
    block: Path, tmp_path: Path
) -> None:
    rows = score(block, tmp_path, "BrightInBox")

    assert {name: (row["tp"], row["fp"], row["fn"]) for name, row in rows.items()} == dict.fromkeys(
        ("slice-point", "slice-box", "slice-mask", "ends-box"), (1000, 0, 0)
    )
    assert {row["propagation"] for row in rows.values()} == {"chain"}


def test_a_chain_asks_with_the_last_box_grown_by_a_twentieth_and_at_least_a_pixel(
    block: Path, tmp_path: Path
) -> None:
    """A model that fills its box never stops; with two ends given nothing lies beyond them."""
    rows = score(block, tmp_path, "FillsBox")

    areas = [100, *follow_box(14)]
    before = follow_box(5)
    assert rows["slice-box"]["tp"] == 1000
    assert rows["slice-box"]["fp"] == sum(areas) + sum(before) - 1000
    assert rows["slice-box"]["overrun_slices"] == 10
    # Ends on slices 5 and 14: from the larger, the first on a tie, up to the box of the other.
    assert rows["ends-box"]["fp"] == sum([100, *follow_box(8), 100]) - 1000
    assert rows["ends-box"]["overrun_slices"] == 0


def follow_box(steps: int) -> list[int]:
    """Return the areas of a box from the block's on, slice by slice, clipped to the slice."""
    left, top, right, bottom = 8, 10, 17, 19
    areas = []
    for _ in range(steps):
        across, down = (
            max(1, int(0.05 * side + 0.5)) for side in (right - left + 1, bottom - top + 1)
        )
        left, right = max(left - across, 0), min(right + across, SHAPE[2] - 1)
        top, bottom = max(top - down, 0), min(bottom + down, SHAPE[1] - 1)
        areas.append((right - left + 1) * (bottom - top + 1))
    return areas


def test_a_model_that_remembers_is_asked_slice_by_slice_and_its_first_slice_is_timed(
    block: Path, tmp_path: Path
) -> None:
    evaluate(block, tmp_path, "Remembers")

    [row] = pq.read_table(next((tmp_path / "scores").glob("*.parquet"))).to_pylist()
    assert (row["propagation"], row["tp"], row["fp"], row["fn"]) == ("memory", 1000, 0, 0)
    assert 0 < row["first_slice_s"] <= row["volume_s"]
    assert row["peak_bytes"] > 1 << 20


def test_an_answer_of_another_shape_is_a_failed_row_and_the_run_goes_on(
    block: Path, tmp_path: Path
) -> None:
    report = evaluate(block, tmp_path, "Breaks", "Planted")

    rows = {row["status"]: row for row in read_rows(tmp_path)}
    reason = f"failed: masks are bool of shape (10, 32, 40), expected bool of {SHAPE}"
    assert set(rows) == {"ok", reason}
    assert (rows[reason]["tp"], rows[reason]["fn"], rows[reason]["missed_slices"]) == (0, 1000, 10)
    assert report.failed


def test_saved_masks_are_those_that_were_scored(block: Path, tmp_path: Path) -> None:
    evaluate(block, tmp_path, "StopsAtOnce", save_masks=True)

    table = pq.read_table(next((tmp_path / "predictions").glob("*.parquet")))
    assert table.schema.names == VOLUME_PREDICTIONS.names
    assert table["slice_index"].to_pylist() == [5]
