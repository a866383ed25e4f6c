"""The board database, rebuilt from the history of main: each entry is checked and scored anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cosmos_board.core.errors import CosmosBoardError, StorageError
from cosmos_board.data.pack import Pack
from cosmos_board.store.ingest import ingest
from cosmos_board.store.ledger_rows import (
    LEFT_OUT,
    SHOWN,
    LedgerRow,
    LedgerTable,
    write_ledger_table,
)
from cosmos_board.submissions.check import Checked, Context, inspect_submission
from cosmos_board.submissions.copies import Accepted, CountsFile
from cosmos_board.submissions.external import Fetch, fetch_pinned, gather_external
from cosmos_board.submissions.fields import COUNTS
from cosmos_board.submissions.history import Entry, History, Version, write_files
from cosmos_board.submissions.listed_files import locate
from cosmos_board.submissions.manifest import read_track
from cosmos_board.submissions.pack_uses import find_indices
from cosmos_board.submissions.problems import Problem, find_refusal
from cosmos_board.submissions.sample import Listing, benchmark_version, index_pack
from cosmos_board.submissions.score import score_checked

HELD = "held"
_GONE = "taken-down"


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild found."""

    db: Path
    rows: list[LedgerRow] = field(default_factory=list)
    """What the board says of each entry, ranked or not."""

    accepted: list[Accepted] = field(default_factory=list)
    """What later entries are compared with, whatever became of it."""

    problems: list[Problem] = field(default_factory=list)
    """Why something that lies on main is not on the board."""

    held: list[Problem] = field(default_factory=list)
    """Why entries that are shown were held: their merge was the decision."""

    benchmark: str = ""
    """Version of prompts, references and metrics that the board ranks under."""

    @property
    def shown(self) -> list[LedgerRow]:
        """Return the entries that are ranked."""
        return [row for row in self.rows if row.state == SHOWN]

    @property
    def left_out(self) -> dict[str, str]:
        """Return why an entry is not ranked, by slug."""
        return {row.slug: row.reason for row in self.rows if row.state != SHOWN}

    def describe(self) -> dict[str, Any]:
        """Return what `entries.json` says."""
        return {
            "benchmark": self.benchmark,
            "shown": [asdict(row) for row in self.shown],
            "left_out": self.left_out,
            "problems": [str(problem) for problem in self.problems],
            "merged_although_held": [str(problem) for problem in self.held],
        }

    def write_table(self, frozen: Sequence[str] = ()) -> None:
        """Put the rows into the database, with the earlier versions whose boards are kept."""
        write_ledger_table(self.db, LedgerTable(tuple(self.rows), self.benchmark, tuple(frozen)))


def rebuild_board(
    history: History,
    packs: Sequence[Listing],
    out: Path,
    *,
    external: Path | None = None,
    fetch: Fetch = fetch_pinned,
    track: str | None = None,
) -> Rebuilt:
    """Write `out`/board.duckdb from what landed on main.

    An entry that does not pass is listed with the reason and stops no other. A newer version that
    does not pass leaves the one before on the board.

    Args:
        history: What landed.
        packs: What submissions are checked against; core predictions need the pack itself.
        out: Folder for the database and the scored runs.
        external: Folder that keeps the files which entries pin elsewhere; None for one in `out`.
        fetch: How one of those is fetched.
        track: Only entries of this track, `core` or `full`; None for all.

    Raises:
        StorageError: If the disk fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    version = benchmark_version([index_pack(pack) for pack in packs])
    result = Rebuilt(out / "board.duckdb", benchmark=version)
    result.db.unlink(missing_ok=True)
    context = Context(
        indices=[index_pack(pack, name) for pack in packs for name in ("core", "full")],
        accepted=result.accepted,  # grows with each entry: the later of two is the copy
        packs=[pack for pack in packs if isinstance(pack, Pack)],
        external=external or out / "external",
    )
    runs: list[Path] = []
    for entry in history.entries.values():
        said = history.decisions.find_state(entry.slug)
        result.problems += [] if said and said.word == _GONE else entry.problems
        rows: list[LedgerRow] = []
        for landed in reversed(entry.versions):
            run = out / "runs" / f"{entry.slug}-{landed.number}"
            row = _judge(history, entry, landed, packs, context, run, fetch, track, result)
            if row is None:
                break
            rows.append(row)
            if row.state not in (LEFT_OUT, HELD):
                break
            text = f"version {row.version} is not on the board: {row.reason}"
            result.problems.append(Problem(f"submissions/{entry.slug}", "", text))
        if rows:
            shown = rows[-1].state == SHOWN
            result.rows.append(rows[-1] if shown else rows[0])
            runs += [out / "runs" / f"{entry.slug}-{rows[-1].version}"] if shown else []
    ingest(runs, result.db, replace=True)
    result.rows.sort(key=lambda row: row.slug)
    result.write_table()
    return result


def _judge(
    history: History,
    entry: Entry,
    version: Version,
    packs: Sequence[Listing],
    context: Context,
    run: Path,
    fetch: Fetch,
    track: str | None,
    result: Rebuilt,
) -> LedgerRow | None:
    """Check one version and score it into `run`; None where it is of another track."""
    row = LedgerRow(
        slug=entry.slug, name=entry.slug, version=version.number, state=SHOWN, tier="",
        track="core", benchmark="", accepted_utc=version.landed.isoformat(), reason="",
    )  # fmt: skip
    said = history.decisions.find_state(entry.slug)
    if said is not None and said.word == _GONE:
        return replace(row, state=said.word, reason=said.why)
    place = run.with_name(f"{run.name}-files") / "submissions" / entry.slug
    folder = write_files(history.repo, version.files, place)
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        row = replace(row, track=read_track(folder) if read_track(folder) == "full" else "core")
        if track not in (None, row.track):
            return None
        assert context.external is not None
        context = replace(context, external=context.external / entry.slug, seed=version.commit)
        try:
            lost = gather_external(folder, context.external, fetch)
            checked = inspect_submission(folder, context, _make(work, "copies"))
            checked.problems = [*lost, *checked.problems, *history.check_rate(version)]
            result.accepted.append(_accept(entry, checked, folder, context.external))
            row = _describe(row, history, version, checked, context)
            if said is not None:
                return replace(row, state=said.word, reason=said.why)
            if row.state == SHOWN:
                score_checked(checked, folder, packs, run, Path(work, "copies"), tier=row.tier)
                result.held += [one for one in checked.problems if one.disposition == "held"]
        except StorageError:
            raise  # our own disk is no fault of an entry
        except CosmosBoardError as error:
            row = replace(row, state=LEFT_OUT, reason=str(error))
        except Exception as error:  # one entry stops no other
            reason = f"could not be checked ({type(error).__name__})"
            row = replace(row, state=LEFT_OUT, reason=reason)
    return row


def _make(work: str, name: str) -> Path:
    folder = Path(work, name)
    folder.mkdir()
    return folder


def _describe(
    row: LedgerRow, history: History, version: Version, checked: Checked, context: Context
) -> LedgerRow:
    """Return what a check says of an entry: ranked, held or left out, and who vouches for it."""
    says = history.decisions.says
    if checked.manifest is not None:
        asked = find_indices(checked.manifest, context.indices)
        row = replace(row, name=checked.manifest.model.name, benchmark=benchmark_version(asked))
    if not checked.acceptable:
        return replace(row, state=LEFT_OUT, reason=str(find_refusal(checked.problems)))
    held = [one for one in checked.problems if one.disposition == "held" and one.about]
    if held and not says(version.slug, version.number, "released"):
        return replace(row, state=HELD, reason=str(held[0]))
    for word in ("re-run", "audited"):
        if says(version.slug, version.number, word):
            return replace(row, tier=word)
    unseen = row.track == "full" and (
        not checked.audited_rows or any(one.field == "audit" for one in checked.problems)
    )
    return replace(row, tier="self-reported" if unseen else "audited")


def _accept(entry: Entry, checked: Checked, folder: Path, external: Path) -> Accepted:
    manifest = checked.manifest
    counts = None
    for file in manifest.files if manifest else ():
        path = locate(file, folder, external) if file.path == COUNTS else None
        counts = CountsFile(path, file.sha256) if path else counts
    return Accepted(
        entry.slug,
        manifest.model.name if manifest else entry.slug,
        entry.owners,
        checked.fingerprint,
        checked.content_sha256,
        counts,
        manifest.track if manifest else "",
    )
