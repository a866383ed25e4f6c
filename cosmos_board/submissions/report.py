"""What the untrusted check says, read by the trusted job that comments: a stranger's file again."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cosmos_board.submissions.problems import LONGEST_LINE, Problem, make_ascii

REPORT = "report.json"
LARGEST_BYTES = 1 << 20
_PLACE = "report artifact"

_Line = Annotated[str, Field(max_length=LONGEST_LINE)]
_Lines = Annotated[list[_Line], Field(max_length=500)]


class Report(BaseModel):
    """What a check found."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    schema_version: Annotated[int, Field(ge=1, le=1)]
    head: Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]
    slug: Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9-]*$")] = ""
    refused: _Lines = []
    held: _Lines = []
    noted: _Lines = []
    standing: _Lines = []
    """What the figures are, then where the model would rank, with interval."""

    moves: _Lines = []
    """Which other models would move."""

    coverage: Annotated[str, Field(max_length=LONGEST_LINE)] = ""

    @property
    def state(self) -> str:
        """Return the commit status: `success`, `pending` a maintainer, or `failure`."""
        return "failure" if self.refused else "pending" if self.held else "success"


def write_report(path: Path, report: Report) -> None:
    """Write a report as JSON."""
    path.write_text(json.dumps(report.model_dump(), indent=1, ensure_ascii=True), "utf-8")


def read_report(folder: Path, head: str) -> Report | Problem:
    """Return the report in a downloaded artifact, or why it is unreadable.

    Args:
        folder: Where the artifact was unpacked; must hold exactly one regular file.
        head: The commit that the platform says was checked.
    """
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    path = folder / REPORT
    if names != [REPORT] or not stat.S_ISREG(path.lstat().st_mode):
        return Problem(_PLACE, "", f"want exactly one regular file {REPORT}")
    if (size := path.lstat().st_size) > LARGEST_BYTES:
        return Problem(_PLACE, "", f"{size} bytes, limit {LARGEST_BYTES}")
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(handle, "rb") as file:
        data = file.read(LARGEST_BYTES)
    try:
        report = Report.model_validate_json(data)
    except (ValidationError, ValueError, RecursionError):
        return Problem(_PLACE, "", "is no report")
    if report.head != head:
        return Problem(_PLACE, "", "head sha does not match the workflow run")
    return report


def make_comment(report: Report | Problem) -> str:
    """Return the comment for a pull request; every foreign word of it is inside a fence."""
    if isinstance(report, Problem):
        return _fence("The check left no readable report.", [str(report)])
    heads = {
        "success": "The submission is right.",
        "pending": "The submission is right as far as can be checked here; a maintainer looks.",
        "failure": "The submission is refused as it is.",
    }
    parts = [f"**{heads[report.state]}**"]
    for title, lines in (
        ("Problems", report.refused),
        ("For a maintainer", report.held),
        ("Notes", report.noted),
        ("Where it would stand", report.standing),
        ("What would move", report.moves),
        ("Coverage", [report.coverage] if report.coverage else []),
    ):
        if lines:
            parts.append(_fence(title, lines))
    return "\n\n".join(parts) + "\n"


def _fence(title: str, lines: list[str]) -> str:
    body = "\n".join(make_ascii(line, LONGEST_LINE) for line in lines)
    longest = run = 0
    for sign in body:
        run = run + 1 if sign == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    return f"{title}\n\n{fence}text\n{body}\n{fence}"
