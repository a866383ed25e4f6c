"""The memory of `eval` does not grow with the number of images."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.memory_bench import measure_peak_mib
from cosmos_board.curation.phantom_pack import build_phantom_pack


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted as Linux does")
def test_ten_thousand_images_need_no_more_memory_than_a_thousand(tmp_path: Path) -> None:
    peaks = []
    for count in (1_000, 10_000):
        build_phantom_pack(tmp_path / f"{count}", count, side=48, workers=2)
        peaks.append(
            measure_peak_mib(tmp_path / f"{count}", "box-prior", tmp_path / f"run-{count}")
        )

    assert peaks[1] <= 1.1 * peaks[0], peaks
