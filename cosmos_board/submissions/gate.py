"""The check of a pull request, run by CI on untrusted data with the base's code.

`python -I -m cosmos_board.submissions.gate --repo PR --base SHA --head SHA --author ID
--accepted BASE/submissions --pack PACK … --external DIR --report report.json`
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import CosmosBoardError, ExitCode
from cosmos_board.data.pack import Pack, open_pack
from cosmos_board.submissions.accepted import read_accepted
from cosmos_board.submissions.audit import Audit
from cosmos_board.submissions.check import Context, inspect_submission
from cosmos_board.submissions.copies import check_submitter
from cosmos_board.submissions.external import Fetch, fetch_pinned, gather_counts, gather_external
from cosmos_board.submissions.ledger import read_ledger
from cosmos_board.submissions.manifest import MANIFEST, read_track
from cosmos_board.submissions.pack_index import list_known
from cosmos_board.submissions.problems import Disposition, Problem, is_refused
from cosmos_board.submissions.pull_request import check_changes, list_changes
from cosmos_board.submissions.rebuild import rebuild_board
from cosmos_board.submissions.report import Report, write_report
from cosmos_board.submissions.sample import Listing, index_pack
from cosmos_board.submissions.score import Scored, score_submission
from cosmos_board.submissions.standing import CAPTION, find_moves, find_standing

PROPOSED = "_proposed"
"""Folder of the proposed submission's own files among those of accepted ones; no slug has it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, write the report, print every problem; return the exit code."""
    options = _parse(arguments)
    packs = [open_pack(path) for path in options.pack]
    report = judge(
        options.repo,
        options.base,
        options.head,
        options.author,
        options.accepted,
        packs,
        external=options.external,
    )
    write_report(options.report, report)
    for line in (*report.refused, *report.held, *report.noted, *report.standing):
        print(line)  # noqa: T201 - the log of the job
    return int(ExitCode.REFUSED if report.refused else ExitCode.DONE)


def judge(
    repo: Path,
    base: str,
    head: str,
    author: int,
    accepted: Path,
    packs: Sequence[Pack],
    now: datetime | None = None,
    *,
    external: Path | None = None,
    fetch: Fetch = fetch_pinned,
) -> Report:
    """Return everything that is to be said of a pull request.

    Args:
        repo: A checkout of its head, with the base's history.
        base: Commit of the base.
        head: Commit of the head.
        author: Numeric GitHub id of who opened it.
        accepted: The base's submissions folder.
        packs: The core track's packs.
        now: The time; None for the clock's.
        external: Folder for the files that entries pin elsewhere, this one's below
            `PROPOSED`; None for one that is dropped afterwards.
        fetch: How one of those is fetched.
    """
    now = now or datetime.now(UTC)
    entries, problems = read_ledger(accepted)
    slug, found = check_changes(list_changes(repo, base, head), entries, author, now)
    problems += found
    standing: list[str] = []
    moves: list[str] = []
    coverage = ""
    if slug is not None and not is_refused(problems):
        with TemporaryDirectory(prefix="cosmos-board-") as work:
            known = list_known(packs, accepted)
            files = external or Path(work) / "external"
            folder = repo / "submissions" / slug
            problems += gather_external(folder, files / PROPOSED, fetch)
            if read_track(folder) == "full":
                problems += gather_counts(accepted, slug, files, fetch)
            context = Context(
                indices=[index_pack(one, track) for one in known for track in ("core", "full")],
                accepted=read_accepted(accepted, without=slug, external=files),
                external=files / PROPOSED,
                packs=packs,
                audit=Audit(head, secrets.token_hex(16)),
                now=now,
            )
            scored = _score(folder, known, Path(work), context, problems, author)
            if scored is not None:
                assert scored.checked.manifest is not None
                db = rebuild_board(
                    accepted,
                    known,
                    Path(work) / "base",
                    external=files,
                    fetch=fetch,
                    track=scored.checked.manifest.track,
                ).db
                standing = [CAPTION, *(one.line for one in find_standing(scored.run, slug, db))]
                moves = list(find_moves(scored.run, slug, db))
                coverage = _describe_coverage(scored)
    return Report(
        schema_version=1,
        head=head,
        slug=slug or "",
        refused=_list(problems, "refused"),
        held=_list(problems, "held"),
        noted=_list(problems, "noted"),
        standing=standing[:500],
        moves=moves[:500],
        coverage=coverage,
    )


def _list(problems: Sequence[Problem], disposition: Disposition) -> list[str]:
    return [str(one) for one in problems if one.disposition == disposition][:500]


def _describe_coverage(scored: Scored) -> str:
    manifest, audited = scored.checked.manifest, scored.checked.audited_rows
    if manifest is None or manifest.track == "core":
        return f"{scored.rows} scores, every reference of the core sample answered"
    text = f"{scored.rows} counts, every reference answered"
    return f"{text}; {audited} drawn at random and counted again from the predictions"


def _score(
    folder: Path,
    packs: Sequence[Listing],
    work: Path,
    context: Context,
    problems: list[Problem],
    author: int,
) -> Scored | None:
    work.joinpath("check").mkdir()
    checked = inspect_submission(folder, context, work / "check")
    if checked.manifest is not None:
        place = f"submissions/{folder.name}/{MANIFEST}"
        checked.problems += check_submitter(checked.manifest, author, place)
    if not checked.acceptable or checked.manifest is None or is_refused(problems):
        problems += checked.problems
        return None
    try:
        scored = score_submission(folder, packs, work / "run", context=context)
    except CosmosBoardError as error:
        problems += checked.problems
        problems.append(Problem(f"submissions/{folder.name}", "", str(error), "held"))
        return None
    problems += scored.checked.problems
    return scored


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gate", description=__doc__.split("\n")[0])
    for name in ("repo", "accepted", "report"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    for name in ("base", "head"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--author", required=True, type=int)
    parser.add_argument("--external", type=Path)
    parser.add_argument("--pack", action="append", default=[], type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
