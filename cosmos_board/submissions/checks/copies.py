"""Whose entry is it? Names that are taken, and predictions that somebody else submitted before."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_board.models.cards import KNOWN
from cosmos_board.submissions.checks.overlap import Likeness
from cosmos_board.submissions.files.prediction_rows import Fingerprint
from cosmos_board.submissions.format.confusables import skeleton
from cosmos_board.submissions.format.fields import PROJECT_ID
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.problems import Problem, quote

NEAR_COPY = {0: 0.3, 1: 0.8, 2: 0.9}
"""Share of answers that are alike, by tolerance in pixels, from which on a person looks first.

Alike are two masks of which 99 % lie within the tolerance of the other. On the demo packs, no two
of the project's own entries and the box prior reach more than 0.03, 0.49 and 0.75 under any prompt.
Masks whose edges were moved by independent smooth noise of 1 px, as two models of Dice 0.97 might
draw them, reach 0.03, 0.61 and 0.96; by 1.5 px (Dice 0.93), 0.00, 0.09 and 0.57. Copies reach 0.97
where two pixels of each mask were changed (tolerance 0), 0.89 and more where each was grown,
shrunk, moved or smoothed by a pixel (1), and 0.98 by two (2).
"""

MOST_UNCOMPARED = 0.5
"""Share of masks with too many runs to be compared from which on a person looks first."""

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
    if print_.count < FEWEST_ROWS:
        return
    outlines = print_.outlines
    if outlines.unlisted > MOST_UNCOMPARED * print_.count:
        text = f"{outlines.unlisted} of {print_.count} masks have too many runs to be compared"
        yield Problem(place, "rows", f"{text} with other entries; held for review", "held")
    for other in accepted:
        if other.slug == manifest.slug or other.fingerprint is None:
            continue
        if print_.masks_sha256 == other.fingerprint.masks_sha256:
            text = f"same content as submissions/{other.slug} (sha256 of sorted rows)"
            yield Problem(place, "rows", text)
        elif text := _find_alike(outlines.compare(other.fingerprint.outlines)):
            text = f"{text} submissions/{other.slug}"
            yield Problem(place, "rows", f"{text}; held for review", "held", other.slug)


def _find_alike(found: Mapping[str, Likeness]) -> str:
    """Return the first figures that are those of a copy, as words; empty where there are none."""
    for name, one in found.items():
        for tolerance, limit in NEAR_COPY.items():
            if one.answers >= FEWEST_ROWS and one.alike[tolerance] >= limit:
                share = f"{100 * one.alike[tolerance]:.2f} % of answers"
                of = "" if name == "all" else f" to {name}"
                within = f"within {tolerance} px of" if tolerance else "equal to"
                return f"{share}{of} (mean IoU {one.mean_iou:.3f}) are {within}"
    return ""


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
