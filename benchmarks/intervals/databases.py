"""Board databases with scores of known expectation, made as a user makes them: runs, ingested."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.intervals.distributions import Floats, Ints
from benchmarks.intervals.layouts import Layout
from cosmos_board.core.cards import PROTOCOL, DatasetCard, ModelCard
from cosmos_board.core.run_record import RunEntry, RunRecord, RunSettings, ShardRecord
from cosmos_board.runner.record.run_record import collect_provenance
from cosmos_board.store.ingest import ingest
from cosmos_board.store.records import write_run_record, write_shard_record
from cosmos_board.store.schema import RUN_IMAGES, RUN_REFERENCES, SCORES

SIZE_PX = 10_000
"""Pixels of every reference and every prediction: a Dice is planted to 1/SIZE_PX."""

SELECTIONS = ("oracle", "predicted")

Scores = Mapping[str, Mapping[str, Floats]]
"""Unit scores by model and prompt, shape (units,) each."""


def write_database(folder: Path, layout: Layout, scores: Scores) -> Path:
    """Write runs of all models, ingest them, and return the database.

    Args:
        folder: Where it is made; must be empty.
        layout: Which clusters and datasets there are. Targets are `ct.object-0`, `ct.object-1`, ….
        scores: Of every model under every prompt, for all units.
    """
    run = folder / "run"
    for part in ("scores", "index"):
        (run / part).mkdir(parents=True)
    place = list_references(layout)
    dataset_of = layout.dataset[place["unit"]]
    prompts = tuple(next(iter(scores.values())))
    entries = {}
    for model, by_prompt in scores.items():
        for dataset in np.unique(layout.dataset):
            chosen = {name: column[dataset_of == dataset] for name, column in place.items()}
            dice = {
                prompt: spread_over_references(values, chosen, layout)
                for prompt, values in by_prompt.items()
            }
            run_id = hashlib.sha256(f"{model}/{dataset}".encode()).hexdigest()[:16]
            _write_index(run, run_id, int(dataset), chosen)
            _write_scores(run, run_id, chosen, dice)
            entries[run_id] = _describe(model, int(dataset), prompts, len(chosen["unit"]))
    record = RunRecord(
        settings=RunSettings(prompts=prompts),
        protocol=PROTOCOL,
        provenance=collect_provenance(),
        started_utc="2026-01-01T00:00:00+00:00",
        entries=entries,
    )
    write_run_record(run, record)
    ingest([run], folder / "board.duckdb")
    return folder / "board.duckdb"


def list_references(layout: Layout) -> dict[str, Ints]:
    """Return for each reference its unit, target, cluster, and its number within the unit."""
    unit = np.repeat(np.arange(len(layout.references)), layout.references)
    first = np.cumsum(layout.references) - layout.references
    number = np.arange(len(unit)) - first[unit]
    return {
        "unit": unit,
        "target": layout.target[unit],
        "cluster": layout.cluster[unit],
        "number": number,
    }


def spread_over_references(scores: Floats, place: Mapping[str, Ints], layout: Layout) -> Floats:
    """Return a score for each reference, so that those of a unit average to its own.

    They lie in turn above and below it; the last of an odd number on it.
    """
    unit, number = place["unit"], place["number"]
    own = scores[unit]
    reach = np.minimum(np.minimum(own, 1.0 - own), 0.05)
    last = (number == layout.references[unit] - 1) & (layout.references[unit] % 2 == 1)
    sign = np.where(last, 0, np.where(number % 2 == 0, 1, -1))
    spread: Floats = own + sign * reach
    return spread


def _name(row: int, place: Mapping[str, Ints]) -> tuple[str, str]:
    """Return the names of a reference's image and of itself."""
    target, cluster, number = (int(place[key][row]) for key in ("target", "cluster", "number"))
    image = hashlib.sha256(f"{cluster}/{target}/{number}".encode()).hexdigest()[:16]
    return image, f"{image}.object-{target}.0"


def _write_index(run: Path, run_id: str, dataset: int, place: Mapping[str, Ints]) -> None:
    names = [_name(row, place) for row in range(len(place["unit"]))]
    count = len(names)
    images = {
        "image_id": [image for image, _ in names],
        "dataset": [f"data-{dataset}"] * count,
        "modality": ["ct"] * count,
        "cluster_id": [f"c{cluster:06}" for cluster in place["cluster"]],
        "height": [300] * count,
        "width": [400] * count,
    }
    references = {
        "reference_id": [reference for _, reference in names],
        "image_id": images["image_id"],
        "object": [f"object-{target}" for target in place["target"]],
        "instance": [0] * count,
        "size_px": [SIZE_PX] * count,
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
        pq.write_table(table, run / f"index/{run_id}.{kind}.parquet")


def _write_scores(
    run: Path, run_id: str, place: Mapping[str, Ints], by_prompt: Mapping[str, Floats]
) -> None:
    names = [_name(row, place)[1] for row in range(len(place["unit"]))]
    tables = []
    for prompt, dice in by_prompt.items():
        for selection in SELECTIONS:
            tables.append(_tabulate(names, prompt, selection, dice))
    table = pa.concat_tables(tables)
    path = run / f"scores/{run_id}-{0:08d}.parquet"
    pq.write_table(table, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    facts = ShardRecord(shard=path.stem, sha256=digest, rows=table.num_rows, peak_bytes=0)
    write_shard_record(path.with_suffix(".json"), facts)


def _tabulate(names: list[str], prompt: str, selection: str, dice: Floats) -> pa.Table:
    """Return score rows of references whose predictions are as large as they are, or empty."""
    tp = np.rint(dice * SIZE_PX).astype(np.int64)
    empty = tp == 0
    count = len(names)
    columns: dict[str, object] = {
        "reference_id": names,
        "prompt": [prompt] * count,
        "study": ["main"] * count,
        "trial": np.zeros(count),
        "selection": [selection] * count,
        "tp": tp,
        "fp": np.where(empty, 0, SIZE_PX - tp),
        "fn": SIZE_PX - tp,
        "hd_px": np.where(empty, 500.0, 3.0),
        "hd95_px": np.where(empty, 500.0, 2.0),
        "assd_px": np.where(empty, 500.0, 1.0),
        "nsd": tp / SIZE_PX,
        "boundary_iou": tp / SIZE_PX,
        "predicted_iou": np.full(count, 0.9, np.float32),
        "status": np.where(empty, "penalised", "ok").tolist(),
    }
    arrays = [
        pa.array(columns[field.name]).cast(field.type)
        if field.name in columns
        else pa.nulls(count, field.type)
        for field in SCORES
    ]
    return pa.Table.from_arrays(arrays, schema=SCORES)


def _describe(model: str, dataset: int, prompts: tuple[str, ...], images: int) -> RunEntry:
    return RunEntry(
        model=ModelCard(
            name=model,
            label=model,
            family="planted",
            kind="promptable",
            prompts=prompts,
            training_data=(),
        ),
        dataset=DatasetCard(
            name=f"data-{dataset}",
            label=f"data-{dataset}",
            version="1",
            licence="CC0-1.0",
            citation="",
            source=f"data-{dataset}",
            cluster_unit="patient",
            synthetic=False,
            normalisation="percentile",
        ),
        images=images,
        of_images=images,
        shards=1,
        checkpoint_sha256=None,
        device="cpu",
    )
