from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.store.parquet import (
    count_rows,
    iter_batches,
    iter_rows,
    make_table,
    write_rows,
    write_table,
)
from cosmos_board.store.schema import PACK_IMAGES, PACK_REFERENCES, QUARANTINE, SCHEMA_VERSION

ROWS: list[dict[str, Any]] = [
    {"image_id": "a", "reference_id": None, "reason": "one"},
    {"image_id": "b", "reference_id": "b.x.0", "reason": "two"},
    {"image_id": "ü", "reference_id": "b.x.1", "reason": ""},
]


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_rows(tmp_path / "q.parquet", QUARANTINE, ROWS, rows_per_group=2)

    assert list(iter_rows(tmp_path / "q.parquet", QUARANTINE)) == ROWS
    assert list(iter_rows(tmp_path / "q.parquet", QUARANTINE, rows_per_batch=1)) == ROWS
    assert count_rows(tmp_path / "q.parquet", QUARANTINE) == (2, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["q.parquet"]


def test_a_table_without_rows_comes_back(tmp_path: Path) -> None:
    write_table(tmp_path / "q.parquet", make_table(PACK_REFERENCES, []))

    assert list(iter_rows(tmp_path / "q.parquet", PACK_REFERENCES)) == []


def test_some_columns_and_row_groups_can_be_read_alone(tmp_path: Path) -> None:
    write_rows(tmp_path / "q.parquet", QUARANTINE, ROWS, rows_per_group=1)

    batches = iter_batches(tmp_path / "q.parquet", QUARANTINE, ["reason"], row_groups=[2, 0])

    assert [row for batch in batches for row in batch.to_pylist()] == [
        {"reason": ""},
        {"reason": "one"},
    ]
    rows = list(iter_rows(tmp_path / "q.parquet", QUARANTINE, ["reason"]))
    assert rows == [{"reason": row["reason"]} for row in ROWS]


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.parquet"):
        write_table(tmp_path / name, make_table(QUARANTINE, ROWS))

    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_newer_file_is_refused_in_one_line(tmp_path: Path) -> None:
    newer = QUARANTINE.with_metadata({"schema_version": str(SCHEMA_VERSION + 1)})
    write_table(tmp_path / "q.parquet", make_table(newer, ROWS))

    with pytest.raises(InputError, match=r"schema_version: is newer .*\(got 3, want 2\)$"):
        list(iter_rows(tmp_path / "q.parquet", QUARANTINE))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        pytest.param(PACK_IMAGES, "columns: are not the expected ones", id="other columns"),
        pytest.param(QUARANTINE.remove_metadata(), "schema_version: is missing", id="no version"),
        pytest.param(
            QUARANTINE.set(2, QUARANTINE.field(2).with_type(PACK_IMAGES.field("height").type)),
            "reason: has another type",
            id="other type",
        ),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, schema: Any, words: str) -> None:  # noqa: ANN401
    write_table(tmp_path / "q.parquet", make_table(schema, []))

    with pytest.raises(InputError, match=words):
        list(iter_rows(tmp_path / "q.parquet", QUARANTINE))


def test_a_row_without_a_required_value_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="reason: has a row without a value"):
        write_rows(tmp_path / "q.parquet", QUARANTINE, [{**ROWS[0], "reason": None}])

    assert list(tmp_path.iterdir()) == []


def test_an_absent_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list(iter_rows(tmp_path / "none.parquet", QUARANTINE))
    with pytest.raises(InputError):
        list(iter_rows(tmp_path, QUARANTINE))


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_damage_never_ends_in_anything_but_our_error(
    tmp_path: Path, place: float, bit: int, cut: bool
) -> None:
    """One flipped bit or a cut anywhere: the file is refused, or its rows are all there."""
    path = tmp_path / "q.parquet"
    write_rows(path, QUARANTINE, ROWS)
    data = bytearray(path.read_bytes())
    at = int(place * len(data))
    data[at] ^= 1 << bit
    path.write_bytes(data[:at] if cut else data)

    with suppress(InputError):
        assert len(list(iter_rows(path, QUARANTINE))) == len(ROWS)


def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(StorageError, match=r"q\.parquet: write: no space left on the disk$"):
        write_table(tmp_path / "q.parquet", make_table(QUARANTINE, ROWS))
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_breaks_in_the_middle_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "q.parquet"
    write_rows(path, QUARANTINE, ROWS)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    many = ({**ROWS[0], "image_id": os.urandom(16).hex()} for _ in range(99_999))
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StorageError, match="the file would be larger than allowed"):
            write_rows(path, QUARANTINE, many, rows_per_group=1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert list(iter_rows(path, QUARANTINE)) == ROWS
    assert [p.name for p in tmp_path.iterdir()] == ["q.parquet"]


def test_rows_that_raise_leave_nothing_behind(tmp_path: Path) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield ROWS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_rows(tmp_path / "q.parquet", QUARANTINE, rows(), rows_per_group=1)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="the folder does not exist"):
        write_rows(tmp_path / "none" / "q.parquet", QUARANTINE, ROWS)
