"""`submissions/ledger.jsonl`: every accepted version, each line chained to the one before.

A line holds the hash of the line before and its own, so that nothing accepted can be altered,
left out or moved without `verify_ledger` naming it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cosmos_board.store.files import write_bytes
from cosmos_board.submissions.listed_files import hash_file
from cosmos_board.submissions.problems import Problem, quote

LEDGER = "ledger.jsonl"
FIRST = "0" * 64
ACCEPTED = "accepted"
WITHDRAWN = "withdrawn"
RERUN = "re-run"
QUARANTINED = "quarantined"
RESTORED = "restored"
RENEWED = "renewed"

NOT_RANKED = (WITHDRAWN, QUARANTINED)
"""Events after which an entry is listed with its reason, and not ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: what was accepted, from whom, and what it consists of."""

    number: int
    event: str
    """`accepted`, `re-run`, `renewed`, `quarantined`, `restored` or `withdrawn`."""

    slug: str
    version: int
    name: str
    owners: tuple[int, ...]
    """Numeric GitHub ids that may submit further versions; the first is the submitter's."""

    tier: str
    benchmark: str
    """From `benchmark_version`: what the scores of this version are comparable with."""

    content_sha256: str
    files: tuple[tuple[str, str], ...]
    """Name and sha256 of each file in the folder."""

    pull_request: int
    head: str
    time_utc: str
    reason: str = ""
    """Why it was withdrawn or quarantined."""

    beacon: str = ""
    """What chose the rows of a full submission that were audited; a line has it if there is one."""

    before: str = FIRST
    """Hash of the line before."""

    sha256: str = field(default="")
    """Of all that stands before it in this line."""

    def seal(self) -> Entry:
        """Return the entry with its own hash."""
        facts = _list_facts(self)
        facts["sha256"] = ""
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return Entry(**{**facts, "files": self.files, "owners": self.owners, "sha256": digest})


def read_ledger(root: Path) -> tuple[tuple[Entry, ...], list[Problem]]:
    """Return the lines of the ledger of folder `root`, and what is wrong with the chain."""
    path = root / LEDGER
    if not path.exists():
        return (), []
    entries: list[Entry] = []
    problems: list[Problem] = []
    before = FIRST
    for number, line in enumerate(path.read_bytes().splitlines()):
        where = f"line {number + 1}"
        entry = _parse(line)
        if entry is None:
            problems.append(Problem(str(path), where, "is no entry"))
            before = ""
            continue
        if entry.seal().sha256 != entry.sha256 or dump_entry(entry) != line:
            problems.append(Problem(str(path), where, f"was altered ({quote(entry.slug)})"))
        elif before and entry.before != before:
            problems.append(Problem(str(path), where, "does not follow the line before"))
        elif entry.number != number:
            problems.append(Problem(str(path), where, f"has number {entry.number}"))
        before = entry.sha256
        entries.append(entry)
    return tuple(entries), problems


def verify_ledger(root: Path) -> list[Problem]:
    """Return everything in folder `root` that is not as it was accepted; empty when all is."""
    entries, problems = read_ledger(root)
    for entry in find_newest(entries):
        if entry.event == WITHDRAWN:  # its files may be taken down
            continue
        folder = root / entry.slug
        for name, digest in entry.files:
            path = folder / name
            if not path.is_file():
                problems.append(Problem(str(path), "", "is missing, though it was accepted"))
            elif hash_file(path) != digest:
                problems.append(Problem(str(path), "", "differs from what was accepted"))
        listed = {name for name, _ in entry.files}
        problems += [
            Problem(str(path), "", "was not there when the entry was accepted")
            for path in sorted(folder.glob("*"))
            if path.name not in listed
        ]
    return problems


def find_newest(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the newest line of each slug, in order of slug."""
    return tuple(entry for _, entry in sorted({entry.slug: entry for entry in entries}.items()))


def find_current(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the newest line of each slug that is in force, in order of slug."""
    return tuple(entry for entry in find_newest(entries) if entry.event not in NOT_RANKED)


def append_entry(root: Path, **facts: Any) -> Entry:  # noqa: ANN401 - fields of `Entry`
    """Write one more line and return it; `facts` are the fields but number, before and sha256."""
    entries, _ = read_ledger(root)
    before = entries[-1].sha256 if entries else FIRST
    entry = Entry(number=len(entries), before=before, **facts).seal()
    lines = b"".join(dump_entry(one) + b"\n" for one in (*entries, entry))
    write_bytes(root / LEDGER, lines)
    return entry


def dump_entry(entry: Entry) -> bytes:
    """Return the line of one entry."""
    return json.dumps(_list_facts(entry), ensure_ascii=True).encode()


def _list_facts(entry: Entry) -> dict[str, Any]:
    facts = asdict(entry)
    if not entry.beacon:
        del facts["beacon"]
    return facts


def count_recent(entries: Sequence[Entry], owner: int, since_utc: str) -> int:
    """Return how many new slugs `owner` brought since a time (ISO 8601, UTC)."""
    return sum(
        entry.owners[:1] == (owner,)
        and entry.event == ACCEPTED
        and entry.version == 1
        and entry.time_utc >= since_utc
        for entry in entries
    )


def _parse(line: bytes) -> Entry | None:
    try:
        facts = json.loads(line)
        facts["owners"] = tuple(facts["owners"])
        facts["files"] = tuple((str(name), str(digest)) for name, digest in facts["files"])
        return Entry(**facts)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
