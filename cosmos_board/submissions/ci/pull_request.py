"""The check of a pull request: the code of main on the objects of its head, which are data.

`python -I -m cosmos_board.submissions.ci.pull_request --head SHA --fetched SHA --author ID
--base-ref NAME --default-branch NAME --pack PACK … --summary FILE` judges what a merge into the
commit that is checked out would change, and writes the whole report.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import CosmosBoardError, ExitCode, StorageError
from cosmos_board.data.pack import Pack, open_pack
from cosmos_board.submissions.checks.check import Context, find_copied, inspect_submission
from cosmos_board.submissions.checks.copies import check_submitter
from cosmos_board.submissions.checks.pack_index import list_known
from cosmos_board.submissions.checks.sample import index_pack
from cosmos_board.submissions.files.external import Fetch, fetch_pinned, gather_external
from cosmos_board.submissions.format.manifest import MANIFEST, read_track
from cosmos_board.submissions.history.changes import Merge, check_changes, find_merge
from cosmos_board.submissions.history.rebuild import rebuild_board
from cosmos_board.submissions.history.versions import (
    FOLDER,
    Version,
    read_claim,
    read_history,
    write_files,
)
from cosmos_board.submissions.problems import Disposition, Problem, is_refused, make_ascii
from cosmos_board.submissions.scoring.score import Scored, score_checked

MOST_LINES = 300


@dataclass(slots=True)
class Report:
    """Everything that is to be said of a pull request."""

    problems: list[Problem] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    """What the figures are, then where the model would rank, with interval."""

    coverage: str = ""
    about: str = "No submission in this request."

    def find_lines(self, disposition: Disposition) -> list[str]:
        """Return the lines of one disposition, each once."""
        found = (str(one) for one in self.problems if one.disposition == disposition)
        return list(dict.fromkeys(found))[:MOST_LINES]

    @property
    def passes(self) -> bool:
        """Whether the check is green: nothing is refused and nothing held."""
        return all(one.disposition == "noted" for one in self.problems)

    def write(self) -> str:
        """Return the job's summary in Markdown; every foreign word of it is inside a fence."""
        refused, held = self.find_lines("refused"), self.find_lines("held")
        verdict = "Everything is right." if self.passes else "Refused as it is."
        if held and not refused:
            verdict = "Held: a maintainer looks first. To merge it all the same is a decision."
        parts = [f"**{self.about} {verdict}**"]
        for title, lines in (
            ("Problems", refused),
            ("Held, and why", held),
            ("Notes", self.find_lines("noted")),
            ("Where it would stand", self.standing[:MOST_LINES]),
            ("Coverage", [self.coverage] if self.coverage else []),
        ):
            if lines:
                body = "\n".join(make_ascii(line, 400).replace("`", "'") for line in lines)
                parts.append(f"{title}\n\n```text\n{body}\n```")
        return "\n\n".join(parts) + "\n"


def judge(
    repo: Path,
    head: str,
    author: int,
    packs: Sequence[Pack],
    *,
    main: str = "HEAD",
    external: Path | None = None,
    fetch: Fetch = fetch_pinned,
    now: datetime | None = None,
) -> Report:
    """Return everything that is to be said of a pull request; none of it is raised.

    Args:
        repo: A clone of main with its whole history, and the objects of the request's head.
        head: The request's last commit.
        author: Numeric GitHub id of whoever opened it.
        packs: The core track's packs.
        main: What it would be merged into.
        external: Folder for the files that entries pin elsewhere; None for one that is dropped.
        fetch: How one of those is fetched.
        now: The time; None for the clock's.

    Raises:
        StorageError: If the disk fails.
    """
    report = Report()
    try:
        merge = find_merge(read_history(repo, main), head, author, now or datetime.now(UTC))
        slug, report.problems = check_changes(merge)
        if slug is not None:
            report.about = f"Submission {make_ascii(slug, 60).replace('`', ' ')}."
            if not is_refused(report.problems):
                with TemporaryDirectory(prefix="cosmos-board-") as work:
                    _Judge(merge, slug, packs, Path(work), external, fetch).run(report)
    except StorageError:
        raise
    except CosmosBoardError as error:
        report.problems.append(Problem("", "", str(error)))
    return report


@dataclass(frozen=True, slots=True)
class _Judge:
    """Checks and scores one submission: alone first, then against everything on the board."""

    merge: Merge
    slug: str
    packs: Sequence[Pack]
    work: Path
    external: Path | None
    fetch: Fetch

    def run(self, report: Report) -> None:
        history, slug = self.merge.history, self.slug
        files = self.merge.find_files(slug)
        folder = write_files(history.repo, files, self.work / FOLDER / slug)
        known = list_known(self.packs, history.repo.path / FOLDER)
        elsewhere = self.work / "proposed"
        context = Context(
            indices=[index_pack(one, track) for one in known for track in ("core", "full")],
            accepted=history.list_accepted(without=slug),
            external=elsewhere,
            packs=self.packs,
            seed=secrets.token_hex(16),
            now=self.merge.now,
        )
        number, owners, name = read_claim(history.repo, files)
        version = Version(slug, number, name, owners, "", self.merge.now, files)
        report.problems += [
            *gather_external(folder, elsewhere, self.fetch), *history.check_rate(version)
        ]  # fmt: skip
        copies = self.work / "copies"
        copies.mkdir()
        checked = inspect_submission(folder, context, copies)
        report.problems += checked.problems
        if checked.manifest is not None:
            place = f"{FOLDER}/{slug}/{MANIFEST}"
            report.problems += check_submitter(checked.manifest, self.merge.acting, place)
        if is_refused(report.problems):
            return
        board = rebuild_board(
            history, known, self.work / "board",
            external=self.external, fetch=self.fetch, track=read_track(folder),
        )  # fmt: skip
        others = [one for one in board.accepted if one.slug != slug]
        report.problems += find_copied(checked, replace(context, accepted=others), copies)
        if is_refused(report.problems):
            return
        try:
            from cosmos_board.submissions.scoring.standing import CAPTION, find_standing  # is slow

            seen = len(checked.problems)
            scored = score_checked(checked, known, self.work / "run", copies)
            report.problems += checked.problems[seen:]
            standing = find_standing(scored.run, slug, board.db)
            report.standing = [CAPTION, *(one.line for one in standing)]
            report.coverage = _describe_coverage(scored)
        except CosmosBoardError as error:
            report.problems.append(Problem(f"{FOLDER}/{slug}", "", str(error), "held"))


def _describe_coverage(scored: Scored) -> str:
    manifest, audited = scored.checked.manifest, scored.checked.audited_rows
    if manifest is None or manifest.track == "core":
        return f"{scored.rows} scores, every reference of the core sample answered"
    text = f"{scored.rows} counts, every reference answered"
    return f"{text}; {audited} drawn at random and counted again from the predictions"


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, write the summary, print every line; return the exit code."""
    parser = argparse.ArgumentParser(prog="pull_request", description=__doc__.split("\n")[0])
    for name in ("head", "fetched", "base-ref", "default-branch"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--author", required=True, type=int)
    parser.add_argument("--pack", action="append", default=[], type=Path)
    parser.add_argument("--summary", required=True, type=Path)
    given = parser.parse_args(arguments)
    text = ""
    if given.base_ref != given.default_branch:
        text = f"goes to another branch; only requests to {given.default_branch} are judged"
    elif given.fetched != given.head:
        text = f"head moved from {given.head[:7]} to {given.fetched[:7]}; the newer check decides"
    if text:
        report = Report([Problem("PR", "", text)])
    else:
        packs = [open_pack(path) for path in given.pack]
        report = judge(Path(), given.head, given.author, packs, external=Path("external"))
    with given.summary.open("a", encoding="utf-8") as file:
        file.write(report.write())
    print(report.write())  # noqa: T201 - the log of the job
    return int(ExitCode.DONE if report.passes else ExitCode.REFUSED)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CosmosBoardError as error:
        sys.exit(f"{error}")
