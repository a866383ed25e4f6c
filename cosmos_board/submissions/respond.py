"""The trusted half: what status and comment a checked pull request gets.

`python -I -m cosmos_board.submissions.respond --artifact DIR --head SHA --pulls pulls.json
--files files.json --out DIR` writes `state`, `comment.md` and `number` into DIR. It runs the
default branch's code, never the pull request's, and takes nothing but text from the artifact.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_board.submissions.problems import Problem
from cosmos_board.submissions.pull_request import MOST_FILES, check_head
from cosmos_board.submissions.report import make_comment, read_report
from cosmos_board.submissions.text import check_slug


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    number: int
    state: str
    comment: str


def respond(
    artifact: Path,
    head: str,
    pulls: Sequence[Mapping[str, Any]],
    files: Sequence[Mapping[str, Any]],
) -> Answer | None:
    """Return the answer to a pull request, or None where no open one has this head.

    Args:
        artifact: Folder of the downloaded report.
        head: The commit that was checked, from the event.
        pulls: Pull requests of that commit, from the API.
        files: Changed files of the pull request, from the API; all of them.
    """
    open_ = [pull for pull in pulls if pull.get("state") == "open"]
    if not open_:
        return None
    pull = open_[0]
    problems = check_head(head, str(pull["head"]["sha"]))
    problems += check_files(pull, files)
    report = read_report(artifact, head)
    state = "failure" if isinstance(report, Problem) or problems else report.state
    comment = make_comment(problems[0]) if problems else make_comment(report)
    return Answer(int(pull["number"]), state, comment)


def check_files(pull: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Return what is wrong with the list of changed files that the API gives."""
    count = int(pull.get("changed_files", len(files)))
    if count > MOST_FILES:
        return [Problem("PR", "", f"{count} changed files, limit {MOST_FILES}")]
    if count != len(files):
        return [Problem("PR", "", f"{count} changed files, {len(files)} listed")]
    names = [str(file[key]) for file in files for key in ("filename", "previous_filename")
             if file.get(key)]  # fmt: skip
    slugs = {parts[1] for name in names if len(parts := name.split("/")) == 3}
    outside = [name for name in names if not _is_submitted(name)]
    if outside:
        return [Problem(outside[0], "", "path outside submissions/<slug>/")]
    if len(slugs) != 1:
        return [Problem("PR", "", f"{len(slugs)} slugs changed, want 1")]
    return []


def _is_submitted(name: str) -> bool:
    """Return whether a path is a file of some submission; what maintainers keep beside is not."""
    parts = name.split("/")
    try:
        check_slug(parts[1] if len(parts) == 3 else "")
    except ValueError:
        return False
    return parts[0] == "submissions"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the files, write the answer."""
    parser = argparse.ArgumentParser(prog="respond", description=__doc__.split("\n")[0])
    for name in ("artifact", "pulls", "files", "out"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--head", required=True)
    options = parser.parse_args(arguments)
    answer = respond(
        options.artifact,
        options.head,
        json.loads(options.pulls.read_bytes()),
        json.loads(options.files.read_bytes()),
    )
    if answer is None:
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("number", str(answer.number)),
        ("state", answer.state),
        ("comment.md", answer.comment),
    ):
        (options.out / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
