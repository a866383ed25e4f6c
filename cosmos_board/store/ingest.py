"""From run folders into the board database: each shard exactly once, all or nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.run_record import ShardRecord
from cosmos_board.store.board import open_board_to_write
from cosmos_board.store.listing import add_dataset, add_units, replace_row
from cosmos_board.store.queries.board_references import (
    Gap,
    count_requested,
    find_gaps,
    note_requested,
    prepare_lists,
    write_lists,
)
from cosmos_board.store.queries.cards import (
    ALL_CLUSTERS,
    MODEL_COLUMNS,
    read_pack_hashes,
    write_seen_clusters,
)
from cosmos_board.store.queries.connection import Connection
from cosmos_board.store.queries.runs import find_rivals, find_shared_unit, read_shards
from cosmos_board.store.removal import delete_runs
from cosmos_board.store.run_folder import (
    RunPart,
    WholeShard,
    find_shards,
    read_parts,
    refuse_loose_rows,
    refusing_misfits,
)


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
    """A sentence for each run on other references than the board ranks on, and for each model
    without scores on a dataset of the board."""


def ingest(
    folders: Sequence[Path],
    db: Path,
    *,
    replace: bool = False,
    shared_cases: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> IngestReport:
    """Add finished runs to a board database.

    A run may be spread over several folders, as job arrays leave it. Either everything is
    added or nothing is.

    The database is made where there is none. With `replace` an earlier run of the same model,
    dataset, study and track is dropped, which is refused else. `shared_cases` has by name of a
    dataset those that hold some of its patients: a board counts a patient once, so a run on one
    is refused where another is on the board.

    Raises:
        InputError: If a run is unfinished, altered, contradicts the database, or is on cases that
            the board has from another dataset.
        InUseError: If the database is open elsewhere.
        StorageError: If the disk fails.
    """
    parts = [part for folder in folders for part in read_parts(folder)]
    runs: dict[str, list[RunPart]] = defaultdict(list)
    for part in parts:
        runs[part.run_id].append(part)
    with open_board_to_write(db) as connection:
        connection.execute("BEGIN")
        prepare_lists(connection)
        gaps = find_gaps(connection)
        known, added = 0, {}
        for run_id, members in sorted(runs.items()):
            stored = read_shards(connection, run_id)
            known += len(stored)
            with refusing_misfits(members[0]):
                added[run_id] = find_shards(members, stored)
                if added[run_id]:
                    _refuse_shared_cases(connection, members[0], shared_cases)
                    _add_run(connection, members[0], added[run_id], replace=replace)
        fresh = [runs[run_id][0] for run_id, shards in added.items() if shards]
        write_lists(connection, [part.run_id for part in fresh])
        notes = [note for part in fresh for note in _note_coverage(connection, part)]
        notes += _note_gaps(find_gaps(connection) - gaps)
        connection.execute("COMMIT")
    return IngestReport(
        len(runs),
        sum(len(shards) for shards in added.values()),
        sum(shard.record.rows for shards in added.values() for shard in shards),
        known,
        tuple(dict.fromkeys(line for part in parts for line in part.failures)),
        tuple(notes),
    )


def _note_coverage(connection: Connection, part: RunPart) -> list[str]:
    """Say where a main run was asked more or fewer references than its boards rank on."""
    if not part.record.is_main:
        return []
    requested, inside, listed = count_requested(connection, part.run_id)
    notes = []
    if inside < listed:
        notes.append(
            f"{part.model} on {part.dataset}: was asked {inside} of the {listed} references that "
            "this board ranks on, so it is listed as incomplete"
        )
    if requested > inside:
        others = f"{requested - inside} of its {requested} references"
        notes.append(
            f"{part.model} on {part.dataset}: {others} are not among those that this board ranks "
            "on and do not count; the first ingest of a dataset chose them, and --replace of all "
            "its runs at once chooses anew"
        )
    return notes


def _note_gaps(gaps: set[Gap]) -> list[str]:
    """Say which models are incomplete from now on for want of scores on a whole dataset."""
    prompts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for gap in sorted(gaps):
        prompts[gap.model, gap.dataset].append(gap.prompt)
    return [
        f"{model} on {dataset}: has no scores with {', '.join(names)}, so it is not ranked on "
        f"boards of {'this prompt' if len(names) == 1 else 'these prompts'} that count {dataset};"
        " --dataset of rank, compare, plan and advise names the datasets that these rest on"
        for (model, dataset), names in prompts.items()
    ]


def _add_run(
    connection: Connection, part: RunPart, shards: Sequence[WholeShard], *, replace: bool
) -> None:
    """Add what a run says of itself and the rows of its new shards."""
    paths = [str(shard.path) for shard in shards]
    refuse_loose_rows(connection, part, paths)
    _refuse_contradictions(connection, part, replace=replace)
    _add_facts(connection, part)
    _name_bases(connection)
    # By name: shards of an earlier program lack columns, in which their rows have no value.
    tables = part.tables
    connection.execute(
        f"""INSERT INTO {tables.scores} BY NAME
        SELECT ? AS run_id, ? AS model, COLUMNS('^({"|".join(tables.scores_schema.names)})$')
        FROM read_parquet(?, union_by_name = true)""",
        [part.run_id, part.model, paths],
    )
    connection.executemany(
        "INSERT INTO shards VALUES (?, ?, ?, ?)",
        [[part.run_id, shard.name, shard.record.sha256, shard.record.rows] for shard in shards],
    )
    _add_timings(connection, part, [shard.record for shard in shards])


def _refuse_contradictions(connection: Connection, part: RunPart, *, replace: bool) -> None:
    """Refuse another state of a dataset, or another run of a model unless it is to be replaced."""
    content = part.entry.dataset.content_sha256
    if (known := read_pack_hashes(connection).get(part.dataset, content)) != content:
        problem = "is another version than in the database"
        raise InputError(
            part.folder, f"dataset {part.dataset}", problem, got=content[:12], want=known[:12]
        )
    tables, (units, _) = part.tables, part.index_paths
    if shared := find_shared_unit(connection, tables.units, tables.unit_id, str(units)):
        kind = tables.unit_id.removesuffix("_id")
        problem = f"has {kind} {shared[0]} of {shared[1]}, which is on this board"
        want = "one of the two, or a board each"
        raise InputError(part.folder, part.dataset, problem, want=want)
    study, track = part.record.settings.study, part.record.track
    other_runs = find_rivals(connection, (part.model, part.dataset, study, track, part.run_id))
    if other_runs and not replace:
        where, problem = f"{part.model} on {part.dataset}", "is in the database from another run"
        problem += "; --replace drops that one"
        raise InputError(part.folder, where, problem, got=part.run_id, want=other_runs[0])
    delete_runs(connection, other_runs)


def _refuse_shared_cases(
    connection: Connection, part: RunPart, shared_cases: Mapping[str, Collection[str]]
) -> None:
    """Refuse a dataset with patients of another one that is on the board.

    Their files differ, so equal images do not tell.
    """
    here = read_pack_hashes(connection).keys()
    if others := sorted(here & set(shared_cases.get(part.dataset, ()))):
        problem = f"has cases of {others[0]}, which is on this board"
        raise InputError(part.folder, part.dataset, problem, want="one of the two, or a board each")


def _find_seen(connection: Connection, model: ModelCard) -> list[tuple[str, str]]:
    """Return the (dataset, cluster id) that a fine-tuned model saw.

    Ids are numbered by content: those of another state of a dataset's pack mean nothing here.
    """
    here = read_pack_hashes(connection)
    try:
        states = dict(pack.split("@", 1) for pack in model.seen_packs)
        pairs = [tuple(name.split("/", 1)) for name in model.seen_clusters]
        others = {name for name, _ in pairs if states.get(name) != here.get(name, states.get(name))}
    except ValueError as error:
        raise InputError(model.name, "seen_clusters", "are no dataset/cluster_id") from error
    seen = [(dataset, cluster) for dataset, cluster in pairs if dataset not in others]
    return [*seen, *((dataset, ALL_CLUSTERS) for dataset in sorted(others))]


def _add_facts(connection: Connection, part: RunPart) -> None:
    """Add what a run says of its model and dataset, what it was asked, and the run itself."""
    model, dataset, record = part.entry.model, part.entry.dataset, part.record
    facts = {name: getattr(model, name) for name in MODEL_COLUMNS}
    replace_row(connection, "models", {"model": model.name, **facts})
    units, references = map(str, part.index_paths)
    add_dataset(connection, dataset)
    add_units(connection, part.tables, units, references)
    write_seen_clusters(connection, model.name, _find_seen(connection, model))
    if record.is_main:
        note_requested(connection, part.run_id, references)
    provenance = asdict(record.provenance)
    if record.submission is not None:
        provenance |= asdict(record.submission)
        provenance["submission"] = provenance.pop("slug")
    run = {
        "run_id": part.run_id,
        "model": model.name,
        "dataset": dataset.name,
        "study": record.settings.study,
        "protocol": record.protocol,
        "prompts_sha256": dataset.prompts_sha256,
        "checkpoint_sha256": part.entry.checkpoint_sha256,
        "device": part.entry.device,
        "seed": record.provenance.seed,
        "track": record.track,
        "tier": record.tier,
        "started_utc": record.started_utc,
        "provenance": json.dumps(provenance, sort_keys=True),
    }
    replace_row(connection, "runs", run)


def _name_bases(connection: Connection) -> None:
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


def _add_timings(connection: Connection, part: RunPart, shards: list[ShardRecord]) -> None:
    """Add the timings of a run; those of different kinds of GPU are different devices."""
    stages: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for shard in shards:
        device = part.entry.device
        if shard.card:
            device = f"{device} ({shard.card.name})"
        for stage, timing in shard.timings.items():
            stages[device, stage].append(timing)
    peak = max(shard.peak_bytes for shard in shards)
    for (device, stage), samples in sorted(stages.items()):
        items, seconds = zip(*samples, strict=True)
        connection.execute(
            "INSERT INTO timings VALUES (?, ?, ?, ?, ?, ?, ?)",
            [part.run_id, part.model, device, stage, sum(items), median(seconds), peak],
        )
