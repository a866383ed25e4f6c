"""The index of a run: what each entry was asked to score, so that a run needs no pack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from cosmos_board.core.hashes import hash_file
from cosmos_board.core.scores import Study
from cosmos_board.data.pack import Pack
from cosmos_board.data.pack.volumes import PackVolumes
from cosmos_board.store.parquet import Row, write_rows
from cosmos_board.store.run_tables import IMAGE_TABLES, VOLUME_TABLES, find_tables

_ROWS_HELD = 2048
"""Rows are written in groups of so many, so that a large pack takes no more memory than a small."""


def hash_index(out: Path, run_id: str) -> dict[str, str]:
    """Return the sha256 of the files that list what an entry is asked, by kind.

    Those that are absent are left out.
    """
    kinds = (*IMAGE_TABLES.index, *VOLUME_TABLES.index)
    paths = {kind: _locate(out, run_id, kind) for kind in kinds}
    return {kind: hash_file(path) for kind, path in paths.items() if path.is_file()}


def write_index(out: Path, run_id: str, pack: Pack, study: Study, units: int) -> dict[str, str]:
    """List the first `units` images or volumes of a pack and their references, without masks.

    Returns:
        What `hash_index` finds of them.
    """
    tables = find_tables(study)
    asked: set[str] = set()
    if study == "volumes":
        volumes = PackVolumes(pack)
        unit_rows: Iterable[Row] = volumes.iter_rows()
        reference_rows = map(_describe_volume_reference, volumes.iter_reference_rows())
    else:
        unit_rows, reference_rows = pack.iter_image_rows(), map(dict, pack.iter_reference_rows())

    def first_rows() -> Iterator[Row]:
        for row in islice(unit_rows, units):
            asked.add(row[tables.unit_id])
            yield row

    asked_rows = (row for row in reference_rows if row[tables.unit_id] in asked)
    for kind, rows in ((tables.units, first_rows()), (tables.references, asked_rows)):
        schema = tables.index[kind]
        chosen = ({name: row[name] for name in schema.names} for row in rows)
        write_rows(_locate(out, run_id, kind), schema, chosen, rows_per_group=_ROWS_HELD)
    return hash_index(out, run_id)


def _describe_volume_reference(row: Row) -> Row:
    return {**row, "slices": len(row["slice_indices"])}


def _locate(out: Path, run_id: str, kind: str) -> Path:
    return out / "index" / f"{run_id}.{kind}.parquet"
