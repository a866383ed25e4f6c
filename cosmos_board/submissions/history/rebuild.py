"""The board database, rebuilt from the history of main: each entry is checked and scored anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cosmos_board.core.errors import CosmosBoardError, StorageError
from cosmos_board.core.tracks import CORE, SUBMITTED
from cosmos_board.data.catalog.load import list_shared_cases
from cosmos_board.store.board import open_board_to_write
from cosmos_board.store.ingest import ingest
from cosmos_board.store.listing import fix_lists
from cosmos_board.store.queries.submissions import (
    LEFT_OUT,
    SHOWN,
    LedgerRow,
    LedgerTable,
    write_ledger_table,
)
from cosmos_board.submissions.checks.check import inspect_submission
from cosmos_board.submissions.checks.packs import Listing, benchmark_version, index_pack
from cosmos_board.submissions.checks.predictions import Fingerprint
from cosmos_board.submissions.checks.submission import (
    Accepted,
    CheckedSubmission,
    CheckInputs,
    CountsFile,
)
from cosmos_board.submissions.files.external import Fetch, fetch_external, fetch_pinned
from cosmos_board.submissions.files.folder import locate
from cosmos_board.submissions.format.fields import COUNTS
from cosmos_board.submissions.format.manifest import read_track
from cosmos_board.submissions.history.decisions import Word
from cosmos_board.submissions.history.versions import (
    FOLDER,
    History,
    LandedSubmission,
    Version,
    write_files,
)
from cosmos_board.submissions.problems import Problem
from cosmos_board.submissions.scoring.lists import list_tracks
from cosmos_board.submissions.scoring.score import score_checked

HELD = "held"
_TAKEN_DOWN = "taken-down"


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild found."""

    db: Path
    rows: list[LedgerRow] = field(default_factory=list)
    """What the board says of each entry, ranked or not."""

    accepted: list[Accepted] = field(default_factory=list)
    """What later entries are compared with, whatever became of them."""

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
        table = LedgerTable(tuple(self.rows), self.benchmark, tuple(frozen))
        with open_board_to_write(self.db) as connection:
            write_ledger_table(connection, table)


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
    does not pass leaves the one before on the board. Tracks rank on the references of `packs`,
    whoever answers which. `external` keeps the files that entries pin elsewhere, by default in
    `out`; `track`, `core` or `counts`, leaves the other's entries out.

    Raises:
        StorageError: If the disk fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    version = benchmark_version([index_pack(pack) for pack in packs])
    result = Rebuilt(out / "board.duckdb", benchmark=version)
    result.db.unlink(missing_ok=True)
    rebuild = _Rebuild(history, packs, out, external or out / "external", fetch, track, result)
    runs = [run for entry in history.entries.values() if (run := rebuild.add(entry))]
    with TemporaryDirectory(prefix="cosmos-board-") as lists:
        tracks = [track] if track else SUBMITTED
        fix_lists(result.db, list_tracks(packs, Path(lists), tracks))
    ingest(runs, result.db, replace=True, shared_cases=list_shared_cases())
    result.rows.sort(key=lambda row: row.slug)
    result.write_table()
    return result


@dataclass(frozen=True, slots=True)
class _Rebuild:
    """Adds entries in the order of their first landing: of two equal ones the later is a copy."""

    history: History
    packs: Sequence[Listing]
    out: Path
    external: Path
    fetch: Fetch
    track: str | None
    result: Rebuilt

    def add(self, entry: LandedSubmission) -> Path | None:
        """Take in the newest version that passes and return its run, or say why none does."""
        said = self.history.decisions.find_state(entry.slug)
        self.result.problems += [] if said and said.word == _TAKEN_DOWN else entry.problems
        newest: LedgerRow | None = None
        for version in reversed(entry.versions):
            run = self.out / "runs" / f"{entry.slug}-{version.claim.version}"
            row = self._try(entry, version, run)
            if row is None:
                return None
            newest = newest or row
            if row.state not in (LEFT_OUT, HELD):
                self.result.rows.append(row)
                return run if row.state == SHOWN else None
            text = f"version {row.version} is not on the board: {row.reason}"
            self.result.problems.append(Problem(f"{FOLDER}/{entry.slug}", "", text))
        self.result.rows += [newest] if newest else []
        return None

    def _try(self, entry: LandedSubmission, version: Version, run: Path) -> LedgerRow | None:
        """Check one version and score it into `run`; None where it is of another track."""
        said = self.history.decisions.find_state(entry.slug)
        row = LedgerRow(
            slug=entry.slug, name=entry.slug, version=version.claim.version, state=SHOWN, tier="",
            track=CORE, benchmark="", accepted_utc=version.landed.isoformat(), reason="",
        )  # fmt: skip
        if said is not None and said.word == _TAKEN_DOWN:
            return replace(row, state=said.word, reason=said.why)
        place = run.with_name(f"{run.name}-files") / FOLDER / entry.slug
        folder = write_files(self.history.repo, version.files, place)
        row = replace(row, track=read_track(folder))
        if self.track not in (None, row.track):
            return None
        try:
            with TemporaryDirectory(prefix="cosmos-board-") as copies:
                checked = self._check(entry, version, folder, Path(copies))
                row = _describe(row, self.history, version, checked)
                if said is not None:
                    return replace(row, state=said.word, reason=said.why)
                if row.state == SHOWN:
                    score_checked(checked, run, row.tier)
                    self.result.held += checked.find("held")
        except StorageError:
            raise  # our own disk is no fault of an entry
        except Exception as error:  # one entry stops no other
            reason = f"could not be checked ({type(error).__name__})"
            known = isinstance(error, CosmosBoardError)
            row = replace(row, state=LEFT_OUT, reason=str(error) if known else reason)
        return row

    def _check(
        self, entry: LandedSubmission, version: Version, folder: Path, copies: Path
    ) -> CheckedSubmission:
        """Return what a check says; later entries are compared with this one in any case."""
        files = self.external / entry.slug
        lost = fetch_external(folder, files, self.fetch)
        inputs = CheckInputs(
            packs=self.packs,
            accepted=tuple(self.result.accepted),
            external=files,
            seed=version.commit,
        )
        checked = inspect_submission(folder, inputs, copies)
        checked.problems = [*lost, *checked.problems, *self.history.check_rate(version)]
        self.result.accepted.append(_accept(entry, checked))
        return checked


def _describe(
    row: LedgerRow, history: History, version: Version, checked: CheckedSubmission
) -> LedgerRow:
    """Return what a check says of an entry: ranked, held or left out, and who attests it."""

    def says(word: Word) -> bool:
        return history.decisions.says(version.slug, version.claim.version, word)

    if checked.has_manifest:
        name, benchmark = checked.manifest.model.name, benchmark_version(checked.indices)
        row = replace(row, name=name, benchmark=benchmark)
    if refused := checked.find("refused"):
        return replace(row, state=LEFT_OUT, reason=str(refused[0]))
    held = [problem for problem in checked.find("held") if problem.about]
    if held and not says("released"):
        return replace(row, state=HELD, reason=str(held[0]))
    for word in ("re-run", "audited"):
        if says(word):
            return replace(row, tier=word)
    unseen = row.track != CORE and (
        not checked.audited_rows or any(problem.field == "audit" for problem in checked.problems)
    )
    return replace(row, tier="self-reported" if unseen else "audited")


def _accept(entry: LandedSubmission, checked: CheckedSubmission) -> Accepted:
    copies = frozenset(problem.about for problem in checked.problems if problem.about)
    accepted = Accepted(entry.slug, entry.slug, entry.owners, track="", copies=copies)
    if not checked.has_manifest:
        return accepted
    manifest, content = checked.manifest, checked.content
    counts = None
    for file in manifest.files:
        path = locate(file, checked.folder, checked.inputs.external)
        if file.path == COUNTS and path is not None:
            counts = CountsFile(path, file.sha256)
    return replace(
        accepted, name=manifest.model.name, track=manifest.track, counts=counts,
        fingerprint=content if isinstance(content, Fingerprint) else None,
        content_sha256=checked.content_sha256,
    )  # fmt: skip
