"""The check of a pull request: the code of main on the objects of its head, which are data."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import CosmosBoardError, StorageError
from cosmos_board.core.tracks import CORE
from cosmos_board.data.pack import Pack
from cosmos_board.submissions.checks.check import inspect_submission
from cosmos_board.submissions.checks.copies import find_copied
from cosmos_board.submissions.checks.names import check_submitter
from cosmos_board.submissions.checks.packs import Listing, list_known
from cosmos_board.submissions.checks.submission import CheckedSubmission, CheckInputs
from cosmos_board.submissions.files.external import Fetch, fetch_external, fetch_pinned
from cosmos_board.submissions.history.changes import Merge, check_changes, find_merge, note_set_up
from cosmos_board.submissions.history.rebuild import rebuild_board
from cosmos_board.submissions.history.variants import note_variants
from cosmos_board.submissions.history.versions import (
    FOLDER,
    Version,
    read_claim,
    read_history,
    write_files,
)
from cosmos_board.submissions.problems import Disposition, Problem, is_refused, make_ascii
from cosmos_board.submissions.scoring.score import score_checked

MOST_LINES = 300


@dataclass(slots=True)
class Report:
    """All results of the check of a pull request."""

    problems: list[Problem] = field(default_factory=list)
    ranks: list[str] = field(default_factory=list)
    """What the figures are, then where the model would rank, with interval."""

    coverage: str = ""
    about: str = "No submission in this request."

    def find_lines(self, disposition: Disposition) -> list[str]:
        """Return the lines of one disposition, each once."""
        lines = (str(problem) for problem in self.problems if problem.disposition == disposition)
        return list(dict.fromkeys(lines))[:MOST_LINES]

    @property
    def passes(self) -> bool:
        """Whether the check is green: nothing is refused and nothing held."""
        return all(problem.disposition == "noted" for problem in self.problems)

    def write(self) -> str:
        """Return the job's summary in Markdown; untrusted text is in code blocks."""
        refused, held = self.find_lines("refused"), self.find_lines("held")
        verdict = "No problems found." if self.passes else "Refused."
        if held and not refused:
            verdict = "Held: a maintainer looks first. It may be merged anyway."
        parts = [f"**{self.about} {verdict}**"]
        for title, lines in (
            ("Problems", refused),
            ("Held, and why", held),
            ("Notes", self.find_lines("noted")),
            ("Where it would rank", self.ranks[:MOST_LINES]),
            ("Coverage", [self.coverage] if self.coverage else []),
        ):
            if lines:
                body = "\n".join(make_ascii(line, 400).replace("`", "'") for line in lines)
                parts.append(f"{title}\n\n```text\n{body}\n```")
        return "\n\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What somebody asks to be merged."""

    repo: Path
    """A clone of main with its whole history, and the objects of the request's head."""

    head: str
    """Its last commit."""

    author: int
    """Numeric GitHub id of whoever opened it."""

    main: str = "HEAD"
    """What it would be merged into."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def check_pull_request(
    request: PullRequest,
    packs: Sequence[Pack],
    external: Path | None = None,
    fetch: Fetch = fetch_pinned,
) -> Report:
    """Return the report on a pull request; problems of the request are never raised.

    `external` keeps the files that entries pin elsewhere, which `fetch` gets; without it they go.

    Raises:
        StorageError: If the disk fails.
    """
    report = Report()
    try:
        history = read_history(request.repo, request.main)
        merge = find_merge(history, request.head, request.author, request.now)
        slug, problems = check_changes(merge)
        report.problems = [*problems, *note_set_up(history)]
        if slug is not None:
            report.about = f"Submission {make_ascii(slug, 60).replace('`', ' ')}."
            if not is_refused(report.problems):
                with TemporaryDirectory(prefix="cosmos-board-") as work:
                    known = list_known(packs, history.repo.path / FOLDER)
                    check = _Check(merge, slug, known, Path(work), external, fetch)
                    check.run(report)
    except StorageError:
        raise
    except CosmosBoardError as error:
        report.problems.append(Problem("", "", str(error)))
    return report


@dataclass(frozen=True, slots=True)
class _Check:
    """Checks and scores one submission: alone first, then against everything on the board."""

    merge: Merge
    slug: str
    packs: Sequence[Listing]
    work: Path
    external: Path | None
    fetch: Fetch

    def run(self, report: Report) -> None:
        checked = self._check_alone(report)
        if is_refused(report.problems):
            return
        board = rebuild_board(
            self.merge.history, self.packs, self.work / "board",
            external=self.external, fetch=self.fetch, track=checked.manifest.track,
        )  # fmt: skip
        others = [other for other in board.accepted
                  if other.slug != self.slug and self.slug not in other.copies]  # fmt: skip
        report.problems += find_copied(checked, others)
        if not is_refused(report.problems):
            self._score(report, checked, board.db)

    def _check_alone(self, report: Report) -> CheckedSubmission:
        merge, history = self.merge, self.merge.history
        files = merge.find_files(self.slug)
        folder = write_files(history.repo, files, self.work / FOLDER / self.slug)
        inputs = CheckInputs(
            packs=self.packs,
            accepted=history.list_accepted(without=self.slug),
            external=self.work / "proposed",
            seed=secrets.token_hex(16),
            now=merge.now,
        )
        version = Version(self.slug, read_claim(history.repo, files), "", merge.now, files)
        report.problems += [
            *fetch_external(folder, self.work / "proposed", self.fetch),
            *history.check_rate(version),
            *note_variants(self.slug, version.claim, history),
        ]
        copies = self.work / "copies"
        copies.mkdir()
        checked = inspect_submission(folder, inputs, copies)
        report.problems += checked.problems
        if checked.has_manifest:
            report.problems += check_submitter(checked.manifest, merge.acting, checked.place())
        return checked

    def _score(self, report: Report, checked: CheckedSubmission, db: Path) -> None:
        from cosmos_board.submissions.scoring.ranks import CAPTION, rank_run  # is slow

        try:
            seen = len(checked.problems)
            scored = score_checked(checked, self.work / "run")
            report.problems += checked.problems[seen:]
            ranks = rank_run(scored.run, self.slug, db)
            report.ranks = [CAPTION, *(rank.line for rank in ranks)]
            report.coverage = f"{scored.rows} scores, every reference of the core sample answered"
            if checked.manifest.track != CORE:
                report.coverage = (
                    f"{scored.rows} counts, every reference answered; {checked.audited_rows} drawn"
                    " at random and counted again from the predictions"
                )
        except CosmosBoardError as error:
            report.problems.append(Problem(f"{FOLDER}/{self.slug}", "", str(error), "held"))
