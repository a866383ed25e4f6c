"""What maintainers write into the ledger after an entry was accepted."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.accepted import read_accepted
from cosmos_board.submissions.check import Context, inspect_submission
from cosmos_board.submissions.ledger import (
    QUARANTINED,
    RENEWED,
    RERUN,
    RESTORED,
    WITHDRAWN,
    Entry,
    append_entry,
    find_current,
    find_newest,
    read_ledger,
)
from cosmos_board.submissions.pack_uses import find_indices
from cosmos_board.submissions.problems import find_refusal
from cosmos_board.submissions.sample import benchmark_version


def withdraw_submission(root: Path, slug: str, reason: str, now: datetime) -> Entry:
    """Write into the ledger that an entry leaves the ranking; it stays listed as withdrawn.

    Raises:
        InputError: If no entry of that slug is in force.
    """
    return _repeat(root, slug, now, event=WITHDRAWN, reason=reason)


def promote_submission(root: Path, slug: str, now: datetime) -> Entry:
    """Write into the ledger that maintainers ran the weights and got the submitted scores.

    Raises:
        InputError: If no entry of that slug is in force.
    """
    return _repeat(root, slug, now, event=RERUN, tier="re-run")


def quarantine_submission(root: Path, slug: str, reason: str, now: datetime) -> Entry:
    """Write into the ledger that an entry leaves the ranking while somebody looks into it.

    Raises:
        InputError: If no entry of that slug is in force.
    """
    return _repeat(root, slug, now, event=QUARANTINED, reason=reason)


def restore_submission(root: Path, slug: str, now: datetime) -> Entry:
    """Write into the ledger that a quarantined entry is ranked again.

    Raises:
        InputError: If the entry is not quarantined.
    """
    return _repeat(root, slug, now, of=QUARANTINED, event=RESTORED, reason="")


def renew_submission(root: Path, slug: str, context: Context) -> Entry:
    """Check an entry under the benchmark of today and write that it is ranked under it.

    It passes where predictions still answer what is asked, so after a change of metrics alone;
    core scores are computed anew in any case.

    Raises:
        InputError: If no entry of that slug is in force, or it no longer passes.
    """
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        full = replace(context, accepted=read_accepted(root, without=slug))
        checked = inspect_submission(root / slug, full, Path(work))
    if checked.manifest is None or not checked.acceptable:
        raise InputError("", "", str(find_refusal(checked.problems)))
    version = benchmark_version(find_indices(checked.manifest, context.indices))
    return _repeat(root, slug, context.now, event=RENEWED, benchmark=version)


def _repeat(root: Path, slug: str, now: datetime, of: str = "", **changes: str) -> Entry:
    """Write the newest line of a slug again with some facts changed.

    It must be in force or, where `of` names an event, come of that event.
    """
    entries, problems = read_ledger(root)
    if problems:
        raise InputError("", "", str(problems[0]))
    lines = (
        [entry for entry in find_newest(entries) if entry.event == of]
        if of
        else (find_current(entries))
    )
    current = {entry.slug: entry for entry in lines}
    if slug not in current:
        raise InputError(root, slug, f"is not {of or 'on the board'}")
    facts = {
        one.name: getattr(current[slug], one.name)
        for one in fields(Entry)
        if one.name not in ("number", "before", "sha256")
    }
    time_utc = now.astimezone(UTC).isoformat(timespec="seconds")
    return append_entry(root, **{**facts, **changes, "time_utc": time_utc})
