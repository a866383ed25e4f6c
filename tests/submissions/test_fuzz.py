"""Changed Parquet files: the reader may die, the parent never, and nothing wrong is taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cosmos_board.submissions.checks.predictions import iter_predictions
from cosmos_board.submissions.files.layouts import ParquetError
from cosmos_board.submissions.files.parquet import copy_checked
from tests.submissions.hostile_files import to_bytes
from tests.submissions.samples import Sample


def change(data: bytes, rng: np.random.Generator) -> bytes:
    """Flip, cut or repeat some bytes, mostly of the footer, where the dangerous ones are."""
    found = bytearray(data)
    footer = int.from_bytes(data[-8:-4], "little") + 8
    for _ in range(int(rng.integers(1, 5))):
        first = len(found) - footer if rng.random() < 0.7 else 0
        found[int(rng.integers(max(first, 0), len(found)))] = int(rng.integers(256))
    if rng.random() < 0.1:
        at = int(rng.integers(len(found)))
        del found[at : at + int(rng.integers(1, 9))]
    return bytes(found)


def fuzz(sample: Sample, folder: Path, seconds: float) -> dict[str, int]:
    rng = np.random.default_rng(0)
    seed = to_bytes(sample.table, write_page_checksum=True)
    (folder / "seed").write_bytes(seed)
    copy_checked(folder / "seed", folder / "copy", layout="predictions.parquet")
    right = list(iter_predictions(folder / "copy"))
    until = time.monotonic() + seconds
    found = {"refused": 0, "died": 0, "same": 0, "other": 0}
    while time.monotonic() < until:
        (folder / "mutant").write_bytes(change(seed, rng))
        try:
            copy_checked(folder / "mutant", folder / "copy", layout="predictions.parquet")
        except ParquetError as error:
            found["died" if "process" in str(error) else "refused"] += 1
            continue
        # Other rows than were written are no wonder; the manifest's sha256 refuses the file.
        rows = list(iter_predictions(folder / "copy"))
        found["same" if rows == right else "other"] += 1
    return found


@pytest.mark.parametrize("seconds", [3, pytest.param(600, marks=pytest.mark.slow)])
def test_changed_files_do_no_harm(
    sample: Sample, tmp_path: Path, seconds: int, record_property: Callable[[str, object], None]
) -> None:
    found = fuzz(sample, tmp_path, seconds)
    record_property("mutants", found)
    assert found["refused"] + found["died"] > 0
    assert sum(found.values()) > seconds // 2
