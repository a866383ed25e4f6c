"""What is on the board already, and how a merged submission joins it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.audit import Audit
from cosmos_board.submissions.check import Context, inspect_submission
from cosmos_board.submissions.copies import Accepted, CountsFile, check_submitter
from cosmos_board.submissions.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.layouts import LAYOUTS
from cosmos_board.submissions.ledger import (
    ACCEPTED,
    Entry,
    append_entry,
    find_newest,
    read_ledger,
)
from cosmos_board.submissions.listed_files import hash_file, locate, read_small
from cosmos_board.submissions.manifest import MANIFEST, parse_manifest
from cosmos_board.submissions.pack_uses import find_indices
from cosmos_board.submissions.prediction_rows import Fingerprint, iter_predictions, mask_key
from cosmos_board.submissions.problems import find_refusal
from cosmos_board.submissions.sample import benchmark_version
from cosmos_board.submissions.vouching import find_statement, refuse_unaudited


def read_accepted(
    root: Path, *, without: str = "", external: Path | None = None
) -> tuple[Accepted, ...]:
    """Return every entry of the submissions folder `root`, withdrawn and quarantined ones too.

    A name stays its owner's, and a copy a copy, whatever became of the entry.

    Args:
        root: Folder of submissions with its ledger; without a ledger nothing is accepted.
        without: Slug that is left out: a submission does not compete with itself.
        external: Folder that keeps the files which entries pin elsewhere, by slug; None where
            they are not at hand.
    """
    entries, _ = read_ledger(root)
    return tuple(
        Accepted(
            entry.slug,
            entry.name,
            frozenset(entry.owners),
            _read_fingerprint(root, entry),
            entry.content_sha256,
            _find_counts(root, entry, external),
        )
        for entry in find_newest(entries)
        if entry.slug != without
    )


def accept_submission(
    root: Path,
    slug: str,
    context: Context,
    *,
    submitter: int,
    pull_request: int,
    head: str,
    tier: str = "audited",
    beacon: str | None = None,
) -> Entry:
    """Check a merged submission once more and write it into the ledger.

    Args:
        root: Folder of submissions.
        slug: Which of them.
        context: What it is checked against; `accepted` is read from the ledger.
        submitter: Numeric GitHub id of whoever opened the pull request.
        pull_request: Its number.
        head: Its last commit.
        tier: What a maintainer vouches for.
        beacon: Chooses the rows of a full submission that are audited; None to draw it now, so
            that no submitter can have known it.

    Raises:
        InputError: If it is refused, belongs to somebody else, its version is not the next, or
            it is to be more than self-reported and was not audited.
    """
    folder = root / slug
    beacon = beacon or secrets.token_hex(16)
    full = replace(context, accepted=read_accepted(root, without=slug), audit=Audit(head, beacon))
    entries, problems = read_ledger(root)
    if problems:
        raise InputError("", "", str(problems[0]))
    owners = find_owners(entries, slug)
    if owners and submitter not in owners:
        text = f"owner is user id {owners[0]}, submitter is {submitter}"
        raise InputError(f"submissions/{slug}", "", text)
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        checked = inspect_submission(folder, full, Path(work))
    manifest = checked.manifest
    if manifest is None or not checked.acceptable:
        raise InputError("", "", str(find_refusal(checked.problems)))
    for problem in check_submitter(manifest, submitter, f"submissions/{slug}/{MANIFEST}"):
        raise InputError("", "", str(problem))
    versions = [one.version for one in entries if one.slug == slug and one.event == ACCEPTED]
    if manifest.version != (wanted := max(versions, default=0) + 1):
        raise InputError(
            folder / MANIFEST, "version", "is not the next", got=manifest.version, want=wanted
        )
    statement = None
    if manifest.track == "full":
        statement = find_statement(root, checked)
        if statement is None:
            refuse_unaudited(checked, tier, folder)
    authors = [author.github_id for author in manifest.authors]
    return append_entry(
        root,
        event=ACCEPTED,
        slug=slug,
        version=manifest.version,
        name=manifest.model.name,
        owners=tuple(dict.fromkeys([*owners, submitter, *authors])),
        tier=tier,
        benchmark=benchmark_version(find_indices(manifest, context.indices)),
        content_sha256=checked.content_sha256,
        files=tuple((path.name, hash_file(path)) for path in sorted(folder.iterdir())),
        pull_request=pull_request,
        head=head,
        time_utc=context.now.astimezone(UTC).isoformat(timespec="seconds"),
        beacon=beacon if checked.audited_rows else statement.beacon if statement else "",
    )


def find_owners(entries: tuple[Entry, ...], slug: str) -> tuple[int, ...]:
    """Return who owns a slug, by numeric GitHub id; empty where it is free. Never freed again."""
    owners = [owner for entry in entries if entry.slug == slug for owner in entry.owners]
    return tuple(dict.fromkeys(owners))


def _read_fingerprint(root: Path, entry: Entry) -> Fingerprint | None:
    """Return what an accepted file holds; read directly, since it was checked when accepted."""
    path = root / entry.slug / PREDICTIONS
    if dict(entry.files).get(PREDICTIONS) is None or not path.is_file():
        return None
    if hash_file(path) != dict(entry.files)[PREDICTIONS]:
        return None
    print_ = Fingerprint()
    names = LAYOUTS[PREDICTIONS].columns
    for row in iter_predictions(path):
        reference_id, prompt, candidate, estimate, height, width, rle = (
            row[name] for name in names
        )
        print_.add(reference_id, prompt, candidate, estimate, mask_key(height, width, rle))
    return print_


def _find_counts(root: Path, entry: Entry, external: Path | None) -> CountsFile | None:
    """Return where the counts of an accepted full submission lie, by the manifest of the ledger."""
    folder = root / entry.slug
    path = folder / MANIFEST
    if not path.is_file() or hash_file(path) != dict(entry.files).get(MANIFEST):
        return None
    manifest, _ = parse_manifest(read_small(path), str(path))
    for file in manifest.files if manifest else ():
        if file.path == COUNTS:
            found = locate(file, folder, external and external / entry.slug)
            return None if found is None else CountsFile(found, file.sha256)
    return None
