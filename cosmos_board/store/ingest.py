"""From run folders into the board database: each shard exactly once, all or nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.run_record import RunRecord, ShardRecord
from cosmos_board.store.board import open_board_to_write
from cosmos_board.store.queries.board_references import (
    Gap,
    count_asked,
    find_gaps,
    note_asked,
    prepare_lists,
    write_lists,
)
from cosmos_board.store.queries.studies import ALL_CLUSTERS, write_seen_clusters
from cosmos_board.store.run_folder import (
    Part,
    find_shards,
    read_parts,
    refuse_loose_rows,
    refusing_misfits,
)
from cosmos_board.store.schema import RUN_IMAGES, RUN_REFERENCES, SCORES


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest added."""

    runs: int
    shards: int
    rows: int
    known_shards: int
    """Shards that had been there before."""

    failures: tuple[str, ...] = ()
    """A line for each model of which answers failed, as its run says."""
    notes: tuple[str, ...] = ()
    """Where a run was asked other references than the board ranks on, and which models of the board
    have no scores on a dataset that others brought: a sentence each."""


def ingest(folders: Sequence[Path], db: Path, *, replace: bool = False) -> IngestReport:
    """Add finished runs to a board database.

    A run may be spread over several folders, as job arrays leave it. Either everything is
    added or nothing is.

    Args:
        folders: Run folders.
        db: The database; made where there is none.
        replace: Drop an earlier run of the same model, dataset, study and track instead of
            refusing.

    Raises:
        InputError: If a run is unfinished, altered, or contradicts the database.
        InUseError: If the database is open elsewhere.
        StorageError: If the disk fails.
    """
    parts = [part for folder in folders for part in read_parts(folder)]
    runs: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        runs[part.run_id].append(part)
    with open_board_to_write(db) as connection:
        connection.execute("BEGIN")
        prepare_lists(connection)
        gaps = find_gaps(connection)
        added = []
        for _, members in sorted(runs.items()):
            with refusing_misfits(members[0]):
                added.append(_add_run(connection, members, replace=replace))
        fresh = [
            members[0]
            for (_, members), report in zip(sorted(runs.items()), added, strict=True)
            if report[0]
        ]
        write_lists(connection, [part.run_id for part in fresh])
        notes = [note for part in fresh for note in _note_coverage(connection, part)]
        notes += _note_gaps(find_gaps(connection) - gaps)
        connection.execute("COMMIT")
    return IngestReport(
        len(runs),
        sum(report[0] for report in added),
        sum(report[1] for report in added),
        sum(report[2] for report in added),
        tuple(dict.fromkeys(line for part in parts for line in part.failures)),
        tuple(notes),
    )


def _note_coverage(connection: duckdb.DuckDBPyConnection, part: Part) -> list[str]:
    """Say where a main run was asked more or fewer references than its boards rank on."""
    if not part.record.is_main:
        return []
    asked, inside, listed = count_asked(connection, part.run_id)
    found = []
    if inside < listed:
        found.append(
            f"{part.model} on {part.dataset}: was asked {inside} of the {listed} references that "
            "this board ranks on, so it is listed as incomplete"
        )
    if asked > inside:
        found.append(
            f"{part.model} on {part.dataset}: {asked - inside} of its {asked} references are not "
            "among those that this board ranks on and do not count; the first ingest of a dataset "
            "chose them, and --replace of all its runs at once chooses anew"
        )
    return found


def _note_gaps(gaps: set[Gap]) -> list[str]:
    """Say which models are incomplete from now on for want of scores on a whole dataset."""
    prompts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for gap in sorted(gaps):
        prompts[gap.model, gap.dataset].append(gap.prompt)
    return [
        f"{model} on {dataset}: has no scores with {', '.join(found)}, so it is not ranked on "
        f"boards of {'this prompt' if len(found) == 1 else 'these prompts'} that count {dataset}"
        for (model, dataset), found in prompts.items()
    ]


def _add_run(
    connection: duckdb.DuckDBPyConnection, members: list[Part], *, replace: bool
) -> tuple[int, int, int]:
    """Add one run; return shards added, rows added, shards known before."""
    first = members[0]
    known = {
        name
        for (name,) in connection.execute(
            "SELECT shard FROM shards WHERE run_id = ?", [first.run_id]
        ).fetchall()
    }
    fresh = find_shards(members, known)
    if not fresh:
        return 0, 0, len(known)
    refuse_loose_rows(connection, first, [shard.path for shard in fresh])
    _refuse_contradictions(connection, first, replace=replace)
    _add_facts(connection, first)
    _name_bases(connection)
    connection.execute(
        f"INSERT INTO scores SELECT ?, ?, {', '.join(SCORES.names)} FROM read_parquet(?)",
        [first.run_id, first.model, [str(shard.path) for shard in fresh]],
    )
    connection.executemany(
        "INSERT INTO shards VALUES (?, ?, ?, ?)",
        [[first.run_id, shard.name, shard.record.sha256, shard.record.rows] for shard in fresh],
    )
    _add_timings(connection, first, [shard.record for shard in fresh])
    return len(fresh), sum(shard.record.rows for shard in fresh), len(known)


def _refuse_contradictions(
    connection: duckdb.DuckDBPyConnection, part: Part, *, replace: bool
) -> None:
    known = connection.execute(
        "SELECT pack_sha256 FROM datasets WHERE dataset = ?", [part.dataset]
    ).fetchone()
    wanted = part.entry.dataset.content_sha256
    if known is not None and known[0] != wanted:
        raise InputError(
            part.folder,
            f"dataset {part.dataset}",
            "is another version than in the database",
            got=wanted[:12],
            want=known[0][:12],
        )
    rivals = connection.execute(
        "SELECT DISTINCT run_id FROM runs WHERE model = ? AND dataset = ? AND study = ? "
        "AND track = ? AND run_id <> ?",
        [part.model, part.dataset, part.record.settings.study, part.record.track, part.run_id],
    ).fetchall()
    if rivals and not replace:
        raise InputError(
            part.folder,
            f"{part.model} on {part.dataset}",
            "is in the database from another run; --replace drops that one",
            got=part.run_id,
            want=rivals[0][0],
        )
    for (rival,) in rivals:
        for table in ("scores", "shards", "timings", "runs"):
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", [rival])


def _find_seen(connection: duckdb.DuckDBPyConnection, model: ModelCard) -> list[tuple[str, str]]:
    """Return the (dataset, cluster id) that a fine-tuned model saw.

    Ids are numbered by content: those of another state of a dataset's pack mean nothing here.
    """
    here = dict(connection.execute("SELECT dataset, pack_sha256 FROM datasets").fetchall())
    try:
        states = dict(pack.split("@", 1) for pack in model.seen_packs)
        pairs = [tuple(name.split("/", 1)) for name in model.seen_clusters]
        others = {name for name, _ in pairs if states.get(name) != here.get(name, states.get(name))}
    except ValueError as error:
        raise InputError(model.name, "seen_clusters", "are no dataset/cluster_id") from error
    seen = [(dataset, cluster) for dataset, cluster in pairs if dataset not in others]
    return [*seen, *((dataset, ALL_CLUSTERS) for dataset in sorted(others))]


def _add_facts(connection: duckdb.DuckDBPyConnection, part: Part) -> None:
    model, dataset, record = part.entry.model, part.entry.dataset, part.record
    _insert(
        connection,
        "models",
        {
            "model": model.name,
            **{
                name: getattr(model, name)
                for name in (
                    "label", "family", "kind", "prompts", "clicks", "parameters", "input_size_px",
                    "licence", "source", "training_data", "description",
                    "base_model",
                )
            },
        },
        replace=True,
    )  # fmt: skip
    _insert(
        connection,
        "datasets",
        {
            "dataset": dataset.name,
            **{
                name: getattr(dataset, name)
                for name in (
                    "label", "version", "licence", "citation", "source", "cluster_unit",
                    "synthetic", "protocol", "normalisation", "subsample", "prompts_sha256",
                    "permissions",
                )
            },
            "pack_sha256": dataset.content_sha256,
        },
        replace=True,
    )  # fmt: skip
    write_seen_clusters(connection, model.name, _find_seen(connection, model))
    _refuse_shared(connection, part, part.index_path("images"))
    for table, kind, schema in (
        ("images", "images", RUN_IMAGES), ("reference_masks", "references", RUN_REFERENCES),
    ):  # fmt: skip
        names = ", ".join(schema.names)
        connection.execute(
            f"INSERT INTO {table} BY NAME SELECT {names} FROM read_parquet(?)"
            " ON CONFLICT DO NOTHING",
            [str(part.index_path(kind))],
        )
        if kind == "references" and part.record.is_main:
            note_asked(connection, part.run_id, str(part.index_path(kind)))
    _insert(
        connection,
        "runs",
        {
            "run_id": part.run_id,
            "model": part.model,
            "dataset": part.dataset,
            "study": record.settings.study,
            "protocol": record.protocol,
            "prompts_sha256": dataset.prompts_sha256,
            "checkpoint_sha256": part.entry.checkpoint_sha256,
            "device": part.entry.device,
            "seed": record.provenance.seed,
            "track": record.track,
            "tier": record.tier,
            "started_utc": record.started_utc,
            "provenance": _describe_provenance(record),
        },
        replace=True,
    )


def _describe_provenance(record: RunRecord) -> str:
    """Return as JSON what a run was made with, and which submission it was scored from."""
    facts = asdict(record.provenance)
    if record.submission is not None:
        facts |= asdict(record.submission)
        facts["submission"] = facts.pop("slug")
    return json.dumps(facts, sort_keys=True)


def _name_bases(connection: duckdb.DuckDBPyConnection) -> None:
    """Say which model here has the weights that another was fine-tuned from.

    A tuned file names weights of one's own by their hash, since they had no name when it was made.
    """
    connection.execute("""
        UPDATE models SET base_model = base.model
        FROM (SELECT left(checkpoint_sha256, 12) AS start, min(model) AS model FROM runs
              WHERE checkpoint_sha256 IS NOT NULL GROUP BY ALL) base
        WHERE contains(base_model, '@') AND split_part(base_model, '@', 2) = base.start
          AND base.model <> models.model
    """)


def _refuse_shared(connection: duckdb.DuckDBPyConnection, part: Part, path: Path) -> None:
    """Refuse an image that another dataset of the board has: its scores would count twice."""
    shared = connection.execute(
        "SELECT i.image_id, i.dataset FROM images i JOIN read_parquet(?) n USING (image_id)"
        " WHERE i.dataset <> n.dataset ORDER BY ALL LIMIT 1",
        [str(path)],
    ).fetchone()
    if shared is not None:
        raise InputError(
            part.folder,
            part.dataset,
            f"has image {shared[0]} of {shared[1]}, which is on this board",
            want="one of the two, or a board each",
        )


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any], *, replace: bool
) -> None:
    verb = "INSERT OR REPLACE" if replace else "INSERT"
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"{verb} INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
    )


def _add_timings(
    connection: duckdb.DuckDBPyConnection, part: Part, shards: list[ShardRecord]
) -> None:
    stages: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for shard in shards:
        for stage, timing in shard.timings.items():
            stages[stage].append(timing)
    peak = max(shard.peak_bytes for shard in shards)
    for stage, samples in sorted(stages.items()):
        connection.execute(
            "INSERT INTO timings VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                part.run_id,
                part.model,
                part.entry.device,
                stage,
                sum(items for items, _ in samples),
                median(seconds for _, seconds in samples),
                peak,
            ],
        )
