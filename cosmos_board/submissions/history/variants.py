"""How many submissions one owner has on a track, and what the best of them gains by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cosmos_board.stats.extremes import expected_maximum
from cosmos_board.submissions.format.fields import PROJECT_ID
from cosmos_board.submissions.format.manifest import Manifest, read_manifest
from cosmos_board.submissions.history.versions import FOLDER, Claim, History, parse_claim
from cosmos_board.submissions.problems import Problem

MANY_VARIANTS = 5
"""Submissions of one owner on one track and protocol from which on a maintainer is told.

Every version counts: whoever sends several and keeps the best keeps its luck too. The best of 5
equal ones stands 1.16 standard errors above what it is worth, the best of 20 1.87.
"""


def note_variants(
    slug: str,
    claim: Claim,
    history: History | None,
    *,
    root: Path | None = None,
    error: float | None = None,
) -> Iterator[Problem]:
    """Yield a note where the owner of a submission has many on its track and protocol.

    Args:
        slug: Of the submission.
        claim: What its manifest says.
        history: What landed; None where that is not known.
        root: Folder of submissions, in which others may lie that have not landed; None for none.
        error: Standard error of its mean Dice; None where it was not scored.
    """
    owners = claim.owners - {PROJECT_ID}
    if not owners:
        return
    count = 1 + sum(
        bool(other.owners & owners)
        and (other.track, other.protocol) == (claim.track, claim.protocol)
        for (name, version), other in _list_claims(history, root).items()
        if (name, version) != (slug, claim.version)
    )
    if count < MANY_VARIANTS:
        return
    factor = expected_maximum(count)
    dice = "" if error is None else f" (up to {factor * error:.4f} Dice)"
    text = f"owner {min(owners)} has {count} submissions on track {claim.track}, this one included"
    gain = f"the best of so many equal ones stands {factor:.2f} standard errors{dice} too high"
    place = f"{FOLDER}/{slug}"
    yield Problem(place, "", text, "noted")
    yield Problem(place, "", f"{gain} by chance", "noted")


def read_folder(folder: Path) -> Claim:
    """Return what the manifest in a submission's folder claims; nothing where it is unreadable."""
    try:
        return parse_claim(read_manifest(folder))
    except OSError:
        return Claim()


def make_claim(manifest: Manifest) -> Claim:
    """Return what a manifest that was checked claims."""
    model, track = manifest.model.name, manifest.track
    return Claim(manifest.version, manifest.author_ids, model, track, manifest.protocol)


def _list_claims(history: History | None, root: Path | None) -> Mapping[tuple[str, int], Claim]:
    """Return what each submission claims, by slug and version."""
    claims: dict[tuple[str, int], Claim] = {}
    for folder in sorted(root.iterdir()) if root and root.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith("_"):
            claim = read_folder(folder)
            claims[folder.name, claim.version] = claim
    for entry in history.entries.values() if history else ():
        for version in entry.versions:
            claims[entry.slug, version.claim.version] = version.claim
    return claims
