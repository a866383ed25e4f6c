"""Planted tables as finished run folders, which go into a database as every run does."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pandas as pd
import pyarrow as pa

from cosmos_board.core.cards import PROTOCOL, DatasetCard, ModelCard
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.run_record import (
    Provenance,
    RunEntry,
    RunRecord,
    RunSettings,
    ShardRecord,
)
from cosmos_board.core.scores import Study
from cosmos_board.store.ingest import ingest
from cosmos_board.store.parquet import write_table
from cosmos_board.store.records import write_run_record, write_shard_record
from cosmos_board.store.schema import RUN_IMAGES, RUN_REFERENCES, SCORES
from tests.study_boards import StudyBoard


def ingest_board(board: StudyBoard, folder: Path) -> Path:
    """Write a run folder for every model, study and dataset, add them, and return the database."""
    scores = pd.concat(board.scores)
    keys = ["model", "study", "dataset"]
    runs = [
        _write_run(board, folder, tuple(map(str, key)), rows) for key, rows in scores.groupby(keys)
    ]
    ingest(runs, folder / "ingested.duckdb")
    return folder / "ingested.duckdb"


def _write_run(board: StudyBoard, folder: Path, key: tuple[str, ...], rows: pd.DataFrame) -> Path:
    model, study, dataset = key
    run_id = "-".join(key)
    run = folder / run_id
    for name in ("index", "scores"):
        (run / name).mkdir(parents=True)
    asked = board.references[board.references["dataset"] == dataset]
    images = asked.drop_duplicates("image_id").assign(height=400, width=500)
    index = {
        kind: _write(run / "index" / f"{run_id}.{kind}.parquet", table, schema)
        for kind, table, schema in (
            ("images", images, RUN_IMAGES),
            ("references", asked, RUN_REFERENCES),
        )
    }
    shard = run / "scores" / f"{run_id}-00000.parquet"
    hashed = _write(shard, rows, SCORES)
    sidecar = ShardRecord(shard=shard.stem, sha256=hashed, rows=len(rows), peak_bytes=0)
    write_shard_record(shard.with_suffix(".json"), sidecar)
    entry = RunEntry(
        model=_card(board, model),
        dataset=_dataset(dataset),
        images=len(images),
        of_images=len(images),
        shards=1,
        checkpoint_sha256=None,
        device="cpu",
        index_sha256=index,
    )
    record = RunRecord(
        settings=RunSettings(study=cast("Study", study)),
        protocol=PROTOCOL,
        provenance=Provenance(python="", platform="", processors=None, packages={}, commit=None),
        started_utc="2026-01-01T00:00:00Z",
        entries={run_id: entry},
    )
    write_run_record(run, record)
    return run


def _write(path: Path, table: pd.DataFrame, schema: pa.Schema) -> str:
    write_table(path, pa.Table.from_pandas(table[schema.names], schema, preserve_index=False))
    return hash_file(path)


def _card(board: StudyBoard, name: str) -> ModelCard:
    facts = next(model for model in board.models if model["model"] == name)
    kept = {key: value for key, value in facts.items() if key not in ("model", "training_data")}
    return ModelCard(
        name=name, **kept | {"prompts": tuple(facts["prompts"])},
        training_data=tuple(facts["training_data"]),
    )  # fmt: skip


def _dataset(name: str) -> DatasetCard:
    return DatasetCard(
        name=name, label=name.title(), version="1", licence="CC0-1.0", source="", citation="",
        normalisation="percentile", cluster_unit="patient", content_sha256=name,
        prompts_sha256=name,
    )  # fmt: skip
