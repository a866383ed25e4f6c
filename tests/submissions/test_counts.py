from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cosmos_board.core.hashes import hash_file
from cosmos_board.core.scores import Counts
from cosmos_board.submissions.checks.audit import compare_counts
from cosmos_board.submissions.checks.copies import find_copied
from cosmos_board.submissions.checks.counts import CountTable, read_counts
from cosmos_board.submissions.checks.packs import IndexRow
from cosmos_board.submissions.checks.submission import Accepted, CountsFile
from cosmos_board.submissions.files.layouts import SAMPLED_PREDICTIONS
from cosmos_board.submissions.files.parquet import copy_checked
from tests.submissions.drafts import make_checked

PROMPTS = ("everything", "box")
SIX = ("everything", "point", "points-5", "points-5-5", "box", "box-point")
AREA, PIXELS_SIDE = 1000, 100
WHERE = "submissions/a/counts.parquet"
PREDICTIONS = pa.schema(
    [
        ("reference_id", pa.string()), ("prompt", pa.string()), ("candidate", pa.int32()),
        ("predicted_iou", pa.float64()), ("height", pa.int32()), ("width", pa.int32()),
        ("rle", pa.binary()),
    ]
)  # fmt: skip


def make_index(references: int) -> dict[str, IndexRow]:
    return {
        name: IndexRow(name, "i", "c", "ct", "liver", PIXELS_SIDE, PIXELS_SIDE, AREA)
        for name in (f"r{number:07}" for number in range(references))
    }


def make_rows(references: int, prompts: tuple[str, ...] = PROMPTS) -> pa.Table:
    """Everything has oracle only, the other prompts have both selections."""
    keys = [
        (prompt, selection)
        for prompt in prompts
        for selection in ("oracle", "predicted")
        if (prompt, selection) != ("everything", "predicted")
    ]
    count = references * len(keys)
    number = np.arange(count)
    tp = number % AREA
    return pa.table(
        {
            "reference_id": pa.array(np.char.mod("r%07d", number // len(keys))),
            "prompt": pa.array([key[0] for key in keys] * references),
            "selection": pa.array([key[1] for key in keys] * references),
            "tp": tp,
            "fp": number % 7,
            "fn": AREA - tp,
        }
    )


def check(table: pa.Table, tmp_path: Path, references: int = 30) -> tuple[CountTable, list[str]]:
    path, copy = tmp_path / "counts.parquet", tmp_path / "copy.parquet"
    pq.write_table(table, path)
    copy_checked(path, copy, layout="counts.parquet")
    found, problems = read_counts(copy, make_index(references), PROMPTS, WHERE)
    return found, [str(problem).removeprefix(f"{WHERE}: ") for problem in problems]


def changed(row: int, **values: Any) -> pa.Table:  # noqa: ANN401 - values of any column
    table = make_rows(30)
    rows = table.to_pylist()
    rows[row].update(values)
    return pa.Table.from_pylist(rows, table.schema)


def test_whole_counts_are_read_onto_the_grid(tmp_path: Path) -> None:
    found, lines = check(make_rows(30), tmp_path)
    assert lines == []
    assert found.counts.shape == (30, 2, 2, 3)
    assert found.counts[1, 1, 1].tolist() == [5, 5, 995]
    assert found.counts[1, 0, 1].tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tp": -5}, "row 17: tp: -5 below 0"),
        ({"tp": 900, "fn": 0}, "row 17: tp+fn: is 900, reference area is 1000"),
        ({"fp": 10_000}, "row 17: tp+fp+fn: more than the 10000 pixels of the image"),
        ({"tp": 2**62, "fp": 2**62}, "row 17: tp+fp+fn: more than the 10000 pixels of the image"),
        ({"reference_id": "r0000005 "}, "row 17: reference_id: 'r0000005 ' not in the index"),
        ({"prompt": "Box"}, "row 17: prompt: 'Box' unknown, want one of: everything, box"),
        ({"selection": "best"}, "row 17: selection: 'best' unknown"),
        ({"prompt": "everything"}, "row 17: selection: everything has oracle only"),
        ({"reference_id": "r0000004"}, "row 17: duplicate key (reference_id, prompt, selection)"),
    ],
)
def test_a_wrong_row_is_named(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    assert check(changed(17, **change), tmp_path)[1] == [says]


def test_rows_left_out_and_too_many_perfect_ones_are_seen(tmp_path: Path) -> None:
    _, lines = check(make_rows(30).slice(3), tmp_path)
    assert lines[0] == "rows: 1 of 30 references missing for prompt everything (track needs 100 %)"
    table = make_rows(30)
    perfect = table.set_column(3, "tp", pa.array([AREA] * 90))
    perfect = perfect.set_column(4, "fp", pa.array([0] * 90)).set_column(
        5, "fn", pa.array([0] * 90)
    )
    _, lines = check(perfect, tmp_path)
    assert lines[0] == "rows: 100.00 % of rows are perfect; held for review (limit 20 %)"


def test_an_audit_names_the_forged_row(tmp_path: Path) -> None:
    table, _ = check(make_rows(30), tmp_path)
    counted = {
        (name, prompt): [Counts(*cell) for cell in table.counts[row, column].tolist()]
        for row, name in enumerate(table.references)
        for column, prompt in enumerate(table.prompts)
    }
    places = np.flatnonzero(table.counts[..., 0].reshape(-1) >= 0)
    table.counts[7, ..., 0] += 1
    checked = make_checked(table)
    lines = [problem.text for problem in compare_counts(checked, places, counted)]
    assert len(lines) == 3
    assert all(line.startswith("r0000007, ") for line in lines)
    assert checked.audited_rows == 90


@pytest.mark.slow
def test_four_million_rows_take_a_minute_and_half_a_gigabyte(tmp_path: Path) -> None:
    """With a comparison of all of them with an accepted submission's."""
    references = 4_000_000 // 11
    pq.write_table(make_rows(references, SIX), tmp_path / "counts.parquet", row_group_size=500_000)
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from tests.submissions.test_counts import check_file\n"
        "check_file(Path(sys.argv[1]), int(sys.argv[2]))\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(references)],
        check=True, timeout=300, capture_output=True, text=True,
    )  # fmt: skip
    assert time.monotonic() - began < 60
    assert max(map(int, done.stdout.split())) < 512 << 10


def check_file(folder: Path, references: int) -> None:
    """Check a file on disk and compare it with an accepted one: what the measured process does."""
    path, copy, index = folder / "counts.parquet", folder / "copy.parquet", make_index(references)
    copy_checked(path, copy, layout="counts.parquet")
    table, problems = read_counts(copy, index, SIX, WHERE)
    assert problems == []
    checked = make_checked(table, folder)
    checked.rows = index
    file = CountsFile(path, hash_file(path))
    accepted = [Accepted("first", "First", frozenset({1}), None, "", file)]
    (held,) = find_copied(checked, accepted)
    assert held.text.startswith("100.00 %")


@pytest.mark.slow
def test_a_sample_of_four_million_predictions_takes_as_little(tmp_path: Path) -> None:
    """Masks that do not repeat, so that nothing a reader keeps between groups goes unseen."""
    path, group = tmp_path / "predictions.parquet", 32_768
    rng = np.random.default_rng(0)
    with pq.ParquetWriter(path, PREDICTIONS, use_dictionary=["reference_id", "prompt"]) as file:
        for start in range(0, 4_000_000, group):
            row = np.arange(start, min(start + group, 4_000_000))
            side = np.full(len(row), 100, np.int32)
            columns = [
                np.char.mod("r%07d", row // 18),
                np.array(SIX)[row // 3 % 6],
                (row % 3).astype(np.int32),
                rng.random(len(row)),
                side,
                side,
                [rng.bytes(60) for _ in row],
            ]
            arrays = [pa.array(column) for column in columns]
            file.write_table(pa.Table.from_arrays(arrays, schema=PREDICTIONS))
    wanted = {prompt: [f"r{number:07}" for number in range(0, 220_000, 440)] for prompt in SIX}
    began = time.monotonic()
    rows = copy_checked(path, tmp_path / "copy", layout=SAMPLED_PREDICTIONS, wanted=wanted)
    assert time.monotonic() - began < 60
    assert rows == 4_000_000
    assert pq.read_metadata(tmp_path / "copy").num_rows == 500 * 6 * 3
