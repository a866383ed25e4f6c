"""Run folders as `ingest` reads them: every file is checked before its rows are used."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.run_record import RunEntry, RunRecord, ShardRecord
from cosmos_board.store.parquet import count_rows_of
from cosmos_board.store.queries.score_files import find_other_dataset, find_stranger, find_twin
from cosmos_board.store.records import (
    RUN_RECORD,
    DamagedError,
    read_run_record,
    read_shard_record,
)
from cosmos_board.store.run_tables import RunTables, find_tables

_MEND = "the same `eval` again, or a new copy of the folder"


@dataclass(frozen=True, slots=True)
class RunPart:
    """What one folder holds of a run: a run may be spread over several."""

    folder: Path
    run_id: str
    entry: RunEntry
    record: RunRecord

    @property
    def failures(self) -> list[str]:
        """A line for each model of which answers failed."""
        return [
            f"{name}: {failed.failed} of {failed.answers} answers failed: {failed.reason}"
            for name, failed in self.record.failures.items()
        ]

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.entry.dataset.name

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.entry.model.name

    @property
    def tables(self) -> RunTables:
        """Which tables it has."""
        return find_tables(self.record.settings.study)

    @property
    def index_paths(self) -> tuple[Path, Path]:
        """Where the lists of its units and of its references lie."""
        return self.index_path(self.tables.units), self.index_path(self.tables.references)

    def index_path(self, kind: str) -> Path:
        """Return where the list of one kind lies, such as its `images` or `references`."""
        return self.folder / "index" / f"{self.run_id}.{kind}.parquet"


@dataclass(frozen=True, slots=True)
class WholeShard:
    """A shard whose rows are as they were written."""

    path: Path
    record: ShardRecord

    @property
    def name(self) -> str:
        """Its name, under which the database knows it."""
        return self.path.stem


def read_parts(folder: Path) -> list[RunPart]:
    """Return the entries of a run folder, of which the index is whole.

    Raises:
        InputError: If it is no run folder, newer than this program, or damaged.
        StorageError: If it cannot be read.
    """
    record = read_run_record(folder)
    for check in record.device_checks:
        if check.after not in (None, check.before):
            raise InputError(
                folder / RUN_RECORD,
                f"device check of {check.model}",
                "changed during the run: its device failed",
            )
    parts = [
        RunPart(folder, run_id, entry, record) for run_id, entry in sorted(record.entries.items())
    ]
    for part in parts:
        _check_index(part)
    return parts


def _check_index(part: RunPart) -> None:
    hashes = part.entry.index_sha256
    for kind, schema in part.tables.index.items():
        path = part.index_path(kind)
        count_rows_of(path, schema)
        if kind in hashes and _hash(path) != hashes[kind]:
            raise DamagedError(path, "sha256", "is not that of what was written", want=_MEND)


def find_shards(members: Sequence[RunPart], known: Collection[str]) -> list[WholeShard]:
    """Return the shards of a run that are not known yet, in order, each whole and in its place.

    Args:
        members: The parts of the run, which may lie in several folders.
        known: Names of those that are in the database.

    Raises:
        InputError: If a shard is damaged or missing, or there are too many.
        StorageError: If one cannot be read.
    """
    fresh: dict[str, WholeShard] = {}
    first = members[0]
    for part in members:
        for path in _list_shards(part):
            if path.stem in known:
                continue
            shard = _read_shard(path, part.tables.scores_schema)
            twin = fresh.setdefault(shard.name, shard)
            if twin.record.sha256 != shard.record.sha256:
                raise InputError(path, "", f"has other rows than {twin.path}")
    here, wanted = len(fresh.keys() | set(known)), first.entry.shards
    if here != wanted:
        what = "is not finished: shards are missing" if here < wanted else "has too many shards"
        raise InputError(
            first.folder, f"{first.model} on {first.dataset}", what, got=here, want=wanted
        )
    return [shard for _, shard in sorted(fresh.items())]


def _list_shards(part: RunPart) -> list[Path]:
    paths = (part.folder / "scores").glob(f"{part.run_id}-*")
    kinds = (".parquet", ".json")
    return sorted({path.with_suffix(".parquet") for path in paths if path.suffix in kinds})


def _read_shard(path: Path, schema: pa.Schema) -> WholeShard:
    """Return a shard, whose rows must be those that were written under its name."""
    sidecar = path.with_suffix(".json")
    if not sidecar.exists():
        raise DamagedError(sidecar, "", "does not exist", want=_MEND)
    record = read_shard_record(sidecar)
    if (name := record.shard or path.stem) != path.stem:
        raise DamagedError(path, "", "is a copy of another shard", got=name, want=path.stem)
    if not path.is_file():
        what = "is a folder where a file belongs" if path.is_dir() else "does not exist"
        raise DamagedError(path, "", what, want=_MEND)
    if _hash(path) != record.sha256:
        raise DamagedError(path, "sha256", "is not that of the rows that were written", want=_MEND)
    if (rows := count_rows_of(path, schema)) != record.rows:
        raise DamagedError(path, "rows", "are not all there", got=rows, want=record.rows)
    return WholeShard(path, record)


def refuse_loose_rows(
    connection: duckdb.DuckDBPyConnection, part: RunPart, scores: Sequence[str]
) -> None:
    """Refuse duplicate rows, and rows or references that are not in the index of the run.

    Raises:
        InputError: With the first of them.
    """
    tables = part.tables
    units, references = map(str, part.index_paths)
    if twin := find_twin(connection, scores, tables.answer):
        raise InputError(part.folder, f"reference {twin[0]}, {twin[1]}", "has its row twice")
    if other := find_other_dataset(connection, units, part.dataset):
        raise InputError(units, other, f"is of another dataset than {part.dataset}", want=_MEND)
    for key, rows, index, what in (
        (tables.unit_id, references, units, "references"),
        (tables.reference_id, scores, references, "scores"),
    ):
        if stranger := find_stranger(connection, key, rows, index):
            raise InputError(index, stranger, f"is not there, and has {what}", want=_MEND)


@contextmanager
def refusing_misfits(part: RunPart) -> Iterator[None]:
    """Turn what DuckDB says of a run's files into one line that names the folder.

    Raises:
        InputError: If a value is missing or does not fit its column.
    """
    try:
        yield
    except (
        duckdb.ConversionException,
        duckdb.ConstraintException,
        duckdb.InvalidInputException,
    ) as error:
        said = str(error).splitlines()[0]
        raise InputError(part.folder, "run.json", f"does not fit a board: {said}") from error


def _hash(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError as error:
        raise describe_os_error(path, "read", error) from error
