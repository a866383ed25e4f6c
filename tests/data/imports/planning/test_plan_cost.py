"""Planning a folder of 100,000 files takes at most 20 s and 500 MB."""

from __future__ import annotations

import pytest

from benchmarks.plan_bench import LAYOUTS, measure_alone

FULL = pytest.mark.slow
PER_SERIES = 200


@pytest.mark.parametrize(
    ("layout", "files"),
    [
        *((layout, 4_000) for layout in ("deep", "unknown", "zip")),
        *(pytest.param(layout, 100_000, marks=FULL) for layout in LAYOUTS),
    ],
)
def test_a_large_folder_is_planned_soon_and_in_little_memory(layout: str, files: int) -> None:
    measured = measure_alone(layout, files)

    images = {"unknown": 0, "series": files // 2 // PER_SERIES}.get(layout, files // 2)
    assert measured["images"] == images
    assert measured["unmatched"] == (files if layout == "unknown" else 0)
    assert float(str(measured["cpu_s"])) <= 20
    assert float(str(measured["peak_mib"])) <= 500 * 1e6 / 2**20
