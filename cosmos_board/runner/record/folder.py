"""The run folder: its lock, its run record, and which shards are complete.

RUN/run.json              settings, provenance and entries (one per model and pack)
RUN/index/…               what each entry was asked to score, so that a run needs no pack
RUN/scores/NAME.parquet   the rows of one shard; NAME.json beside it: sha256, rows, timings
RUN/predictions/…         with --save-masks
RUN/quarantine.parquet    images that could not be read
RUN/stray/…               files among the shards that are not part of this run

run.json and the sidecars carry the hash of what they say, sidecars also those of their shard's
files and its name, run.json those of the index.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from cosmos_board.core.errors import (
    CosmosBoardError,
    InputError,
    describe_os_error,
    find_machine_failure,
)
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.processes import hold_lock
from cosmos_board.core.run_record import RunRecord, RunSettings, ShardRecord
from cosmos_board.runner.record.shards import Shard
from cosmos_board.store.files import clear_leftovers, write_bytes
from cosmos_board.store.records import (
    RUN_RECORD,
    read_run_record,
    read_shard_record,
    write_run_record,
)

_PARTS = ("scores", "index", "predictions")


class RunFolder:
    """Reads and writes one run folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """Make what is missing of the folders."""
        for name in _PARTS:
            (self.path / name).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other processes out while the block runs; make the folders first.

        Raises:
            InUseError: If another process holds the folder.
            StorageError: If the folder cannot be written.
        """
        try:
            self.make()
        except OSError as error:
            raise describe_os_error(self.path, "write", error) from error
        with hold_lock(
            self.path / ".lock", f"{self.path}: another run writes here ({self._owner()})"
        ):
            owner = {"pid": os.getpid(), "host": socket.gethostname()}
            write_bytes(self.path / ".owner.json", json.dumps(owner).encode())
            self._clear_leftovers()
            yield

    def _owner(self) -> str:
        try:
            owner = json.loads((self.path / ".owner.json").read_text())
            return f"pid {owner['pid']} on {owner['host']}"
        except (OSError, ValueError, KeyError):
            return "owner unknown"

    def _clear_leftovers(self) -> None:
        for folder in (self.path, *(self.path / name for name in _PARTS)):
            clear_leftovers(folder)

    def read_record(self) -> RunRecord | None:
        """Return run.json, or None where the run has not begun.

        Raises:
            DamagedError: If it is damaged.
            InputError: If it is newer than this program.
        """
        return read_run_record(self.path) if (self.path / RUN_RECORD).exists() else None

    def write_record(self, record: RunRecord) -> None:
        """Write run.json, whole or not at all."""
        write_run_record(self.path, record)

    def set_strays_aside(self, run_id: str, shards: Iterable[Shard]) -> list[Path]:
        """Move files of an entry that belong to none of its shards to `stray`; return them."""
        names = {shard.name for shard in shards}
        strays = [
            path
            for part in ("scores", "predictions")
            for path in sorted((self.path / part).glob(f"{run_id}-*"))
            if path.stem not in names
        ]
        for path in strays:
            target = self.path / "stray" / path.relative_to(self.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        return strays

    def refuse_other_settings(self, record: RunRecord, settings: RunSettings) -> None:
        """Refuse to mix two kinds of run in one folder.

        Raises:
            InputError: If the folder was begun with other settings.
        """
        begun, wanted = (json.loads(json.dumps(asdict(s))) for s in (record.settings, settings))
        for name, value in wanted.items():
            if begun[name] != value:
                text = "differs from how this run began; take another --out"
                raise InputError(self.path, name, text, got=value, want=begun[name])

    def scores_path(self, shard: Shard) -> Path:
        """Return where the rows of a shard lie."""
        return self.path / "scores" / f"{shard.name}.parquet"

    def sidecar_path(self, shard: Shard) -> Path:
        """Return where the facts of a finished shard lie; it is written last."""
        return self.path / "scores" / f"{shard.name}.json"

    def predictions_path(self, shard: Shard) -> Path:
        """Return where the candidates of a shard lie."""
        return self.path / "predictions" / f"{shard.name}.parquet"

    def paths(self, shard: Shard) -> tuple[Path, Path, Path]:
        """Return where all files of a shard lie, the sidecar last."""
        return self.predictions_path(shard), self.scores_path(shard), self.sidecar_path(shard)

    def finished_scores(self, run_id: str) -> list[Path]:
        """Return where the rows of the finished shards of an entry lie, in order."""
        paths = sorted((self.path / "scores").glob(f"{run_id}-*.parquet"))
        return [path for path in paths if path.with_suffix(".json").exists()]

    def iter_sidecars(self, run_id: str) -> Iterator[ShardRecord]:
        """Yield what the sidecars of the finished shards of an entry say, in order."""
        for path in self.finished_scores(run_id):
            yield read_shard_record(path.with_suffix(".json"))

    def read_sidecar(self, shard: Shard) -> ShardRecord | None:
        """Return the sidecar of a shard, or None unless the shard is whole and unaltered."""
        try:
            record = read_shard_record(self.sidecar_path(shard))
            whole = record.shard in ("", shard.name)
            whole &= hash_file(self.scores_path(shard)) == record.sha256
            if masks := record.predictions_sha256:
                whole &= hash_file(self.predictions_path(shard)) == masks
        except (CosmosBoardError, OSError) as error:
            if failure := find_machine_failure(error):
                raise describe_os_error(self.path, "read", failure) from error
            return None
        return record if whole else None
