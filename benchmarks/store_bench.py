"""Ten million score rows into Parquet and into the board database, beside the libraries alone.

Usage: python -m benchmarks.store_bench [FILE.json] [--rows 10000000]

Rows are planted: whole numbers that hardly repeat and floats that never do. The floors are pyarrow
writing the same table and DuckDB inserting the same files, with no check, no checksum of pages
and no fsync.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.inputs import BUILD
from benchmarks.timing import describe_machine
from cosmos_board.core.cards import PROTOCOL, DatasetCard, ModelCard
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.run_record import RunEntry, RunRecord, RunSettings, ShardRecord
from cosmos_board.core.scores import Counts, ScoreRow, Scores
from cosmos_board.runner.record.run_record import collect_provenance
from cosmos_board.store.board import open_board_to_write
from cosmos_board.store.ingest import ingest
from cosmos_board.store.parquet import write_table
from cosmos_board.store.records import write_run_record, write_shard_record
from cosmos_board.store.schema import RUN_IMAGES, RUN_REFERENCES, SCORES
from cosmos_board.store.tables import tabulate_scores

PER_REFERENCE = 2 * len(PROMPTS) - 1
REFERENCES_PER_SHARD = 6 * 512
"""Six references an image and 512 images, as a large pack is cut."""

RUN_ID = "0123456789abcdef"


def run(rows: int) -> dict[str, object]:
    """Write, ingest, and return rates in million rows a second."""
    folder = BUILD / "store"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "run/scores").mkdir(parents=True)
    (folder / "run/index").mkdir()
    references = rows // PER_REFERENCE
    starts = range(0, references, REFERENCES_PER_SHARD)
    shards = [make_shard(at, min(at + REFERENCES_PER_SHARD, references)) for at in starts]
    total = sum(table.num_rows for table in shards)
    whole = pa.concat_tables(shards)
    rates: dict[str, float] = {}

    def note(name: str, way: Callable[[], object], count: int = total) -> None:
        start = time.perf_counter()
        way()
        rates[name] = round(count / (time.perf_counter() - start) / 1e6, 3)
        print(f"{name}: {rates[name]} M rows/s", flush=True)

    paths = [folder / f"run/scores/{RUN_ID}-{number:08d}.parquet" for number in range(len(shards))]
    note(
        "pyarrow alone, one file", lambda: pq.write_table(
            whole, folder / "floor.parquet", compression="zstd", compression_level=1
        ),
    )  # fmt: skip
    note("Parquet, one file", lambda: write_table(folder / "one.parquet", whole))
    note(
        "Parquet, shards with fsync",
        lambda: write_shards(paths, shards),
    )
    some = make_rows(100_000)
    note("score rows into a table", lambda: tabulate_scores(some), len(some))
    write_facts(folder / "run", paths, shards, references)
    note("DuckDB alone, the same files", lambda: insert_alone(folder, paths))
    note("ingest", lambda: ingest([folder / "run"], folder / "board.duckdb"))
    with open_board_to_write(folder / "board.duckdb") as connection:
        counted = connection.execute("SELECT count(*) FROM scores").fetchone()
    assert counted == (total,), counted
    shutil.rmtree(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {
        "machine": describe_machine(),
        "rows": total,
        "shards": len(shards),
        "million_rows_per_second": rates,
        "peak_gib": round(peak, 2),
    }


def write_shards(paths: list[Path], shards: list[pa.Table]) -> None:
    """Write shards as a run does, each whole and on the disk before the next."""
    for path, table in zip(paths, shards, strict=True):
        write_table(path, table)


def make_shard(start: int, stop: int) -> pa.Table:
    """Return the planted rows of references `start` … `stop` − 1, as a run writes them."""
    count = (stop - start) * PER_REFERENCE
    rng = np.random.default_rng(start)
    names = [f"{number:016x}.object.{number % 6}" for number in range(start, stop)]
    pairs = [
        (prompt, selection)
        for prompt in PROMPTS
        for selection in (("oracle",) if prompt == "everything" else ("oracle", "predicted"))
    ]
    prompts, selections = (list(column) * (stop - start) for column in zip(*pairs, strict=True))
    tp = rng.integers(0, 60_000, count)
    columns: dict[str, object] = {
        "reference_id": np.repeat(names, PER_REFERENCE),
        "prompt": prompts,
        "study": ["main"] * count,
        "trial": np.zeros(count),
        "selection": selections,
        "tp": tp,
        "fp": rng.integers(0, 9_000, count),
        "fn": rng.integers(0, 9_000, count),
        "hd_px": np.sqrt(rng.integers(1, 90_000, count)),
        "hd95_px": np.sqrt(rng.integers(1, 40_000, count)),
        "assd_px": rng.gamma(1.0, 4.0, count),
        "nsd": rng.random(count),
        "nsd_rel": rng.random(count),
        "boundary_iou": rng.random(count),
        "predicted_iou": rng.random(count, np.float32),
        "status": ["ok"] * count,
    }
    arrays = [
        pa.array(columns[field.name]).cast(field.type)
        if field.name in columns
        else pa.nulls(count, field.type)
        for field in SCORES
    ]
    return pa.Table.from_arrays(arrays, schema=SCORES)


def make_rows(count: int) -> list[ScoreRow]:
    """Return rows as a run holds them before they become a table."""
    return [
        ScoreRow(
            reference_id=f"{number:016x}.object.0",
            prompt="box",
            selection="oracle",
            scores=Scores(Counts(number, 1, 2), 3.0, 2.0, 1.0 / (number + 1), 0.5, 0.4, 0.25),
            predicted_iou=0.5,
        )
        for number in range(count)
    ]


def write_facts(run_folder: Path, paths: list[Path], shards: list[pa.Table], count: int) -> None:
    """Write what a run says of itself: sidecars, index and run.json."""
    for path, table in zip(paths, shards, strict=True):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        facts = ShardRecord(shard=path.stem, sha256=digest, rows=table.num_rows, peak_bytes=0)
        write_shard_record(path.with_suffix(".json"), facts)
    ids = [f"{number:016x}" for number in range(count)]
    images = {
        "image_id": ids,
        "cluster_id": ids,
        "dataset": ["planted"] * count,
        "modality": ["ct"] * count,
        "height": [512] * count,
        "width": [512] * count,
    }
    references = {
        "reference_id": [f"{name}.object.{number % 6}" for number, name in enumerate(ids)],
        "image_id": ids,
        "object": ["object"] * count,
        "instance": [number % 6 for number in range(count)],
    }
    for kind, schema, columns in (
        ("images", RUN_IMAGES, images),
        ("references", RUN_REFERENCES, references),
    ):
        arrays = [
            pa.array(columns[field.name], field.type)
            if field.name in columns
            else pa.array(np.ones(count)).cast(field.type)
            for field in schema
        ]
        table = pa.Table.from_arrays(arrays, schema=schema)
        write_table(run_folder / f"index/{RUN_ID}.{kind}.parquet", table)
    card = ModelCard(
        name="planted", label="Planted", family="planted", kind="promptable", prompts=()
    )
    dataset = DatasetCard(
        version="1", licence="", citation="", source="",
        name="planted", label="Planted", cluster_unit="image", synthetic=True,
        normalisation="none",
    )  # fmt: skip
    entry = RunEntry(
        model=card, dataset=dataset, images=count, of_images=count, shards=len(paths),
        checkpoint_sha256=None, device="cpu",
    )  # fmt: skip
    record = RunRecord(
        settings=RunSettings(), protocol=PROTOCOL, provenance=collect_provenance(),
        started_utc="2026-01-01T00:00:00+00:00", entries={RUN_ID: entry},
    )  # fmt: skip
    write_run_record(run_folder, record)


def insert_alone(folder: Path, paths: list[Path]) -> None:
    """Insert the files into a table without keys, in one transaction."""
    with duckdb.connect(str(folder / "floor.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE scores AS SELECT 'run' AS run_id, 'planted' AS model, * "
            "FROM read_parquet(?)",
            [[str(path) for path in paths]],
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    document = run(options.rows)
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
