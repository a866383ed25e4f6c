"""The board database, rebuilt from accepted submissions alone: each is checked and scored anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cosmos_board.core.errors import CosmosBoardError, InputError, StorageError
from cosmos_board.data.pack import Pack
from cosmos_board.store.ingest import ingest
from cosmos_board.store.ledger_rows import (
    LEFT_OUT,
    SHOWN,
    LedgerRow,
    LedgerTable,
    write_ledger_table,
)
from cosmos_board.submissions.audit import Audit
from cosmos_board.submissions.check import Context
from cosmos_board.submissions.external import Fetch, fetch_pinned, gather_external
from cosmos_board.submissions.ledger import (
    NOT_RANKED,
    Entry,
    find_newest,
    read_ledger,
    verify_ledger,
)
from cosmos_board.submissions.listed_files import read_small
from cosmos_board.submissions.manifest import MANIFEST, parse_manifest, read_track
from cosmos_board.submissions.pack_uses import find_indices
from cosmos_board.submissions.problems import Problem
from cosmos_board.submissions.sample import (
    Listing,
    ReferenceIndex,
    benchmark_version,
    index_pack,
)
from cosmos_board.submissions.score import Scored, score_submission
from cosmos_board.submissions.vouching import find_statement


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild found."""

    db: Path
    entries: list[Entry] = field(default_factory=list)
    """The newest line of every slug."""

    shown: list[Entry] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Why an accepted entry has no rows, by slug: another benchmark version, or damage."""

    problems: list[Problem] = field(default_factory=list)
    """What is not as it was accepted."""


def rebuild_board(
    root: Path,
    packs: Sequence[Listing],
    out: Path,
    *,
    external: Path | None = None,
    fetch: Fetch = fetch_pinned,
    track: str | None = None,
) -> Rebuilt:
    """Write `out`/board.duckdb from the submissions folder `root`.

    An entry that no longer passes, because a pack, prompt or metric has a new version, leaves the
    ranking by itself and is listed with the reason. So does a full entry whose files do not come,
    or whose audit, repeated from the ledger's random value, finds another count.

    Args:
        root: Folder of submissions with its ledger.
        packs: What submissions are checked against; core predictions need the pack itself.
        out: Folder for the database and the scored runs.
        external: Folder that keeps the files which entries pin elsewhere; None for one in `out`.
        fetch: How one of those is fetched.
        track: Only entries of this track, `core` or `full`; None for all.

    Raises:
        StorageError: If the disk fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    result = Rebuilt(out / "board.duckdb", problems=verify_ledger(root))
    result.db.unlink(missing_ok=True)
    entries, _ = read_ledger(root)
    damaged = {Path(problem.path).parent.name for problem in result.problems}
    runs: list[Path] = []
    indices = [index_pack(pack, name) for pack in packs for name in ("core", "full")]
    for entry in find_newest(entries):
        if track is not None and read_track(root / entry.slug) != track:
            continue
        result.entries.append(entry)
        if entry.event in NOT_RANKED:
            continue
        if entry.slug in damaged or (root.name in damaged):
            result.left_out[entry.slug] = "is not as it was accepted"
            continue
        files = (external or out / "external") / entry.slug
        run = out / "runs" / entry.slug
        try:
            _refuse(gather_external(root / entry.slug, files, fetch))
            context = Context(
                packs=[pack for pack in packs if isinstance(pack, Pack)],
                external=files,
                audit=Audit(entry.head, entry.beacon) if entry.beacon else None,
                now=datetime.now(UTC),
            )
            scored = score_submission(
                root / entry.slug, packs, run, tier=entry.tier, context=context
            )
            _refuse_unvouched(root, entry, scored)
            _refuse_other_benchmark(root / entry.slug, entry, indices)
        except StorageError:
            raise  # our own disk is no fault of an entry
        except CosmosBoardError as error:
            result.left_out[entry.slug] = str(error)
            continue
        runs.append(run)
        result.shown.append(entry)
    ingest(runs, result.db, replace=True)
    write_ledger_table(result.db, make_ledger_table(root, result, packs))
    return result


def make_ledger_table(
    root: Path, rebuilt: Rebuilt, packs: Sequence[Listing], frozen: Sequence[str] = ()
) -> LedgerTable:
    """Return what the board says of every submission, ranked or not.

    Args:
        root: Folder of submissions with its ledger.
        rebuilt: What became of them.
        packs: Those of the board.
        frozen: Earlier benchmark versions whose boards are kept.
    """
    version = benchmark_version([index_pack(pack) for pack in packs])
    rows = (_make_row(root, entry, rebuilt.left_out) for entry in rebuilt.entries)
    return LedgerTable(tuple(rows), version, tuple(frozen))


def _make_row(root: Path, entry: Entry, left_out: Mapping[str, str]) -> LedgerRow:
    state, reason = SHOWN, ""
    if entry.event in NOT_RANKED:
        state, reason = entry.event, entry.reason
    elif entry.slug in left_out:
        state, reason = LEFT_OUT, left_out[entry.slug]
    return LedgerRow(
        slug=entry.slug,
        name=entry.name,
        version=entry.version,
        state=state,
        tier=entry.tier,
        track=read_track(root / entry.slug) or "core",
        benchmark=entry.benchmark,
        accepted_utc=entry.time_utc,
        reason=reason,
    )


def _refuse_unvouched(root: Path, entry: Entry, scored: Scored) -> None:
    """Refuse an audited full entry that is neither audited here in full nor by a signature."""
    unseen = any(problem.field == "audit" for problem in scored.checked.problems)
    if entry.tier != "self-reported" and unseen and find_statement(root, scored.checked) is None:
        raise InputError(root / entry.slug, "tier", "has no signed audit", got=entry.tier)


def _refuse_other_benchmark(folder: Path, entry: Entry, indices: Sequence[ReferenceIndex]) -> None:
    """Refuse an entry of other prompts, references, metrics or tolerance than the board's."""
    manifest, _ = parse_manifest(read_small(folder / MANIFEST), str(folder / MANIFEST))
    assert manifest is not None
    version = benchmark_version(find_indices(manifest, indices))
    if entry.benchmark != version:
        raise InputError("benchmark", "version", "is another", got=entry.benchmark, want=version)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise InputError("", "", str(problems[0]))
