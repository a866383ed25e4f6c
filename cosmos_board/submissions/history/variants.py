"""How many submissions one owner has on a track, and what the best of them gains by chance."""

from __future__ import annotations

from collections.abc import Iterator

from cosmos_board.stats.extremes import expected_maximum
from cosmos_board.submissions.format.fields import PROJECT_ID
from cosmos_board.submissions.history.versions import FOLDER, Claim, History
from cosmos_board.submissions.problems import Problem

MANY_VARIANTS = 5
"""Submissions of one owner on one track and protocol from which on a maintainer is told.

Every version counts: whoever sends several and keeps the best keeps its luck too. The best of 5
equal ones stands 1.16 standard errors above what it is worth, the best of 20 1.87.
"""


def note_variants(slug: str, claim: Claim, history: History) -> Iterator[Problem]:
    """Yield a note where the owner of a submission has many on its track and protocol.

    Args:
        slug: Of the submission.
        claim: What its manifest says.
        history: What landed.
    """
    owners = claim.owners - {PROJECT_ID}
    claims = {
        (slug, version.claim.version): version.claim
        for slug, entry in history.entries.items()
        for version in entry.versions
    }
    claims[slug, claim.version] = claim
    count = sum(
        bool(other.owners & owners)
        and (other.track, other.protocol) == (claim.track, claim.protocol)
        for other in claims.values()
    )
    if count < MANY_VARIANTS:
        return
    text = f"owner {min(owners)} has {count} submissions on track {claim.track}, this one included"
    gain = f"the best of so many equal ones stands {expected_maximum(count):.2f} standard errors"
    place = f"{FOLDER}/{slug}"
    yield Problem(place, "", text, "noted")
    yield Problem(place, "", f"{gain} too high by chance", "noted")
