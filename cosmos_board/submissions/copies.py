"""Whose entry is it? Names that are taken, and predictions that somebody else submitted before."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_board.models.known import KNOWN
from cosmos_board.submissions.confusables import skeleton
from cosmos_board.submissions.fields import PROJECT_ID
from cosmos_board.submissions.manifest import Manifest
from cosmos_board.submissions.prediction_rows import Fingerprint
from cosmos_board.submissions.problems import Problem, quote

NEAR_COPY = 0.999
"""Share of equal masks from which on a person looks first."""

FEWEST_ROWS = 20
"""Under these a share says nothing."""


@dataclass(frozen=True, slots=True)
class CountsFile:
    """The counts of a full submission that is on the board, as they lie here."""

    path: Path
    sha256: str
    """What its accepted manifest pins; whether the file is that one is seen when it is read."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission that is on the board."""

    slug: str
    name: str
    owners: frozenset[int]
    """Numeric GitHub ids."""

    fingerprint: Fingerprint | None = None
    content_sha256: str = ""
    counts: CountsFile | None = None
    """None on the core track, and where they are not at hand."""

    track: str = "core"


def check_submitter(manifest: Manifest, acting: frozenset[int], place: str) -> Iterator[Problem]:
    """Yield what is wrong with who proposes it: one of its authors, and nobody in our name.

    Args:
        manifest: What the submission says.
        acting: Numeric GitHub ids that the submitter may act for.
        place: Path of the manifest, for messages.
    """
    authors = {author.github_id for author in manifest.authors}
    if not authors & acting:
        yield Problem(place, "authors", f"none has the submitter's github_id {max(acting)}")
    if PROJECT_ID in authors - acting:
        yield Problem(place, "authors", f"github_id {PROJECT_ID} stands for the project itself")


def list_reserved(manifest: Manifest) -> tuple[Accepted, ...]:
    """Return the names of every known model, which only the project submits."""
    if any(author.github_id == PROJECT_ID for author in manifest.authors):
        return ()
    owners = frozenset({PROJECT_ID})
    return tuple(Accepted(name, known.card.label, owners) for name, known in KNOWN.items())


def check_names(manifest: Manifest, accepted: Sequence[Accepted], place: str) -> Iterator[Problem]:
    """Yield what makes a name or slug be taken for somebody else's."""
    name = manifest.model.name
    reserved = list_reserved(manifest)
    if manifest.slug in {one.slug for one in reserved}:
        yield Problem(place, "slug", "is a known model, which only the project submits")
    for other in (*accepted, *reserved):
        if other.slug == manifest.slug:
            continue
        if _fold(other.name) == _fold(name):
            text = f"equals existing name {quote(other.name)} after case folding"
            yield Problem(place, "model.name", text)
        elif skeleton(name) in (skeleton(other.name), skeleton(other.slug)):
            owner = min(other.owners, default=0)
            text = f"looks like existing name {quote(other.name)} (owner id {owner})"
            yield Problem(place, "model.name", text)
        if skeleton(other.slug) == skeleton(manifest.slug):
            yield Problem(place, "slug", f"looks like existing slug {quote(other.slug)}")


def check_originality(
    manifest: Manifest, print_: Fingerprint, accepted: Sequence[Accepted], place: str
) -> Iterator[Problem]:
    """Yield the accepted submissions of which this one is a copy, exact or near."""
    if len(print_.rows) < FEWEST_ROWS:
        return
    for other in accepted:
        if other.slug == manifest.slug or other.fingerprint is None:
            continue
        share = print_.share_answered_alike(other.fingerprint)
        if print_.share_equal(other.fingerprint) == 1.0:
            text = f"same content as submissions/{other.slug} (sha256 of sorted rows)"
            yield Problem(place, "rows", text)
        elif share >= NEAR_COPY:
            text = f"{100 * share:.2f} % of answers equal submissions/{other.slug}; held for review"
            yield Problem(place, "rows", text, "held", other.slug)


def check_counts_original(
    manifest: Manifest, content_sha256: str, accepted: Sequence[Accepted], place: str
) -> Iterator[Problem]:
    """Yield the accepted submissions whose counts are these to the pixel."""
    for other in accepted:
        if other.slug != manifest.slug and other.content_sha256 == content_sha256:
            text = f"same content as submissions/{other.slug} (sha256 of sorted rows)"
            yield Problem(place, "rows", text)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
