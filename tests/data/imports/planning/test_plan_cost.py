"""Planning a folder of 100,000 files takes at most 20 s and 500 MB."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

FULL = pytest.mark.slow


@pytest.mark.parametrize("files", [4_000, pytest.param(100_000, marks=FULL)])
@pytest.mark.parametrize(
    ("layout", "images", "lost"), [("pictures", 0.5, 0), ("series", 1 / 400, 0), ("unknown", 0, 1)]
)
def test_a_large_folder_is_planned_soon_and_in_little_memory(
    layout: str, images: float, lost: float, files: int
) -> None:
    command = [sys.executable, "-m", "benchmarks.plan_bench", "--layout", layout]
    answer = subprocess.run(
        [*command, "--files", str(files)], check=True, capture_output=True, text=True
    )
    measured = json.loads(answer.stdout)

    assert measured["images"] == files * images
    assert measured["unmatched"] == files * lost
    assert measured["seconds"] <= 20
    assert measured["peak_mib"] <= 500 * 1e6 / 2**20
