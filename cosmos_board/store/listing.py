"""The packs that a published board ranks submissions on, listed before any entry is added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cosmos_board.core.cards import DatasetCard
from cosmos_board.store.board import open_board_to_write
from cosmos_board.store.queries.board_references import fix_list, prepare_lists
from cosmos_board.store.queries.cards import DATASET_COLUMNS, write_expected_counts
from cosmos_board.store.queries.connection import Connection
from cosmos_board.store.run_tables import IMAGE_TABLES, RunTables


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackList:
    """The references of one pack that a track of pull requests ranks on."""

    track: str
    dataset: DatasetCard
    images: Path
    """Parquet file as `RUN_IMAGES`."""

    references: Path
    """Parquet file as `RUN_REFERENCES`."""


def fix_lists(db: Path, lists: Iterable[TrackList]) -> None:
    """Write what tracks rank on into a database, made where there is none; no run changes it.

    Raises:
        InputError: If `db` is no board database.
        InUseError: If it is open elsewhere.
        StorageError: If the disk fails.
    """
    with open_board_to_write(db) as connection:
        connection.execute("BEGIN")
        prepare_lists(connection)
        for one in lists:
            add_dataset(connection, one.dataset)
            add_units(connection, IMAGE_TABLES, str(one.images), str(one.references))
            fix_list(connection, one.track, one.dataset.name, str(one.references))
        connection.execute("COMMIT")


def add_dataset(connection: Connection, dataset: DatasetCard) -> None:
    """Add what is known of a dataset."""
    facts = {name: getattr(dataset, name) for name in DATASET_COLUMNS}
    facts |= {"dataset": dataset.name, "pack_sha256": dataset.content_sha256}
    replace_row(connection, "datasets", facts)
    write_expected_counts(connection, dataset)


def add_units(connection: Connection, tables: RunTables, units: str, references: str) -> None:
    """Add the images or volumes and their references that two files list."""
    placed = zip((tables.units, tables.reference_table), (units, references), strict=True)
    for (table, index), schema in zip(placed, tables.index.values(), strict=True):
        connection.execute(
            f"INSERT INTO {table} BY NAME SELECT {', '.join(schema.names)} FROM read_parquet(?)"
            " ON CONFLICT DO NOTHING",
            [index],
        )


def replace_row(connection: Connection, table: str, row: Mapping[str, object]) -> None:
    """Insert a row, in the place of the one with its key."""
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
    )
