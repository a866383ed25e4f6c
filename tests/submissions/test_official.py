from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cosmos_board.store.board import open_board

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".venv").is_dir(), reason="the script wants its own environment")
def test_the_official_path_ends_in_a_right_submission(phantom_pack: Path, tmp_path: Path) -> None:
    """With a model that needs no weights in the place of SAM."""
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "official"), str(phantom_pack)],
        env={**os.environ, "MODELS": "grabcut", "FETCH": "no", "OUT": str(tmp_path / "out")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with open_board(tmp_path / "out" / "board.duckdb") as connection:
        studies = connection.execute("SELECT DISTINCT study FROM runs ORDER BY study").fetchall()
    assert studies == [("clicks",), ("jitter",), ("main",)]
    folder = tmp_path / "out" / "submissions" / "grabcut"
    assert sorted(path.name for path in folder.iterdir()) == [
        "predictions.parquet",
        "submission.yaml",
    ]
