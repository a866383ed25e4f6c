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
from cosmos_board.store.queries.submissions import (
    LEFT_OUT,
    SHOWN,
    LedgerRow,
    LedgerTable,
    write_ledger_table,
)
from cosmos_board.submissions.checks.check import Checked, Context, inspect_submission
from cosmos_board.submissions.checks.copies import Accepted, CountsFile
from cosmos_board.submissions.checks.pack_uses import find_indices
from cosmos_board.submissions.checks.sample import (
    Listing,
    ReferenceIndex,
    benchmark_version,
    index_pack,
)
from cosmos_board.submissions.files.external import Fetch, fetch_pinned, gather_external
from cosmos_board.submissions.files.listed_files import locate
from cosmos_board.submissions.format.fields import COUNTS
from cosmos_board.submissions.format.manifest import read_track
from cosmos_board.submissions.history.decisions import Decision
from cosmos_board.submissions.history.versions import Entry, History, Version, write_files
from cosmos_board.submissions.problems import Problem, find_refusal
from cosmos_board.submissions.scoring.score import score_checked

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
    make = _Rebuild(history, packs, out, external or out / "external", fetch, track, result)
    runs = [run for entry in history.entries.values() if (run := make.add(entry))]
    ingest(runs, result.db, replace=True)
    result.rows.sort(key=lambda row: row.slug)
    result.write_table()
    return result


@dataclass(frozen=True, slots=True)
class _Rebuild:
    """Takes in one entry after the other: the later of two is the copy."""

    history: History
    packs: Sequence[Listing]
    out: Path
    external: Path
    fetch: Fetch
    track: str | None
    result: Rebuilt

    def add(self, entry: Entry) -> Path | None:
        """Take in the newest version that passes and return its run, or say why none does."""
        said = self.history.decisions.find_state(entry.slug)
        self.result.problems += [] if said and said.word == _GONE else entry.problems
        newest: LedgerRow | None = None
        for version in reversed(entry.versions):
            run = self.out / "runs" / f"{entry.slug}-{version.number}"
            row = self._judge(entry, version, said, run)
            if row is None:
                return None
            newest = newest or row
            if row.state not in (LEFT_OUT, HELD):
                self.result.rows.append(row)
                return run if row.state == SHOWN else None
            text = f"version {row.version} is not on the board: {row.reason}"
            self.result.problems.append(Problem(f"submissions/{entry.slug}", "", text))
        self.result.rows += [newest] if newest else []
        return None

    def _judge(
        self, entry: Entry, version: Version, said: Decision | None, run: Path
    ) -> LedgerRow | None:
        """Check one version and score it into `run`; None where it is of another track."""
        row = LedgerRow(
            slug=entry.slug, name=entry.slug, version=version.number, state=SHOWN, tier="",
            track="core", benchmark="", accepted_utc=version.landed.isoformat(), reason="",
        )  # fmt: skip
        if said is not None and said.word == _GONE:
            return replace(row, state=said.word, reason=said.why)
        place = run.with_name(f"{run.name}-files") / "submissions" / entry.slug
        folder = write_files(self.history.repo, version.files, place)
        row = replace(row, track="full" if read_track(folder) == "full" else "core")
        if self.track not in (None, row.track):
            return None
        try:
            with TemporaryDirectory(prefix="cosmos-board-") as copies:
                checked = self._check(entry, version, folder, Path(copies))
                row = _describe(row, self.history, version, checked, self.indices)
                if said is not None:
                    return replace(row, state=said.word, reason=said.why)
                if row.state == SHOWN:
                    score_checked(checked, self.packs, run, Path(copies), tier=row.tier)
                    held = [one for one in checked.problems if one.disposition == "held"]
                    self.result.held += held
        except StorageError:
            raise  # our own disk is no fault of an entry
        except CosmosBoardError as error:
            row = replace(row, state=LEFT_OUT, reason=str(error))
        except Exception as error:  # one entry stops no other
            reason = f"could not be checked ({type(error).__name__})"
            row = replace(row, state=LEFT_OUT, reason=reason)
        return row

    @property
    def indices(self) -> list[ReferenceIndex]:
        """Return what each track asks of each pack."""
        return [index_pack(pack, name) for pack in self.packs for name in ("core", "full")]

    def _check(self, entry: Entry, version: Version, folder: Path, copies: Path) -> Checked:
        """Return what a check says; later entries are compared with this one in any case."""
        files = self.external / entry.slug
        lost = gather_external(folder, files, self.fetch)
        context = Context(
            indices=self.indices,
            accepted=self.result.accepted,
            packs=[pack for pack in self.packs if isinstance(pack, Pack)],
            external=files,
            seed=version.commit,
        )
        checked = inspect_submission(folder, context, copies)
        checked.problems = [*lost, *checked.problems, *self.history.check_rate(version)]
        self.result.accepted.append(_accept(entry, checked, folder, files))
        return checked


def _describe(
    row: LedgerRow,
    history: History,
    version: Version,
    checked: Checked,
    indices: Sequence[ReferenceIndex],
) -> LedgerRow:
    """Return what a check says of an entry: ranked, held or left out, and who vouches for it."""
    says = history.decisions.says
    if checked.manifest is not None:
        asked = find_indices(checked.manifest, indices)
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
