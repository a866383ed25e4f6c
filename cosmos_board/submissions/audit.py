"""The audit of full-track counts: a sample of rows that nobody could foresee, scored again.

Which rows are looked at follows from the commit, the manifest and a public random value that is
younger than both, so a submitter cannot know it. A forgery in a share f of the rows goes unseen
by n rows with chance (1 − f)ⁿ: 5 % for f = 0.1 % and n = 3,000.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.scores import Counts
from cosmos_board.submissions.count_rows import CountTable

AUDIT_ROWS = 3000


@dataclass(frozen=True, slots=True)
class Audit:
    """What decides which rows are looked at."""

    head: str
    """The last commit of the pull request."""

    beacon: str
    """A random value drawn after the last push; the ledger keeps it, so that all can repeat."""

    rows: int = AUDIT_ROWS


def choose_rows(
    rows: int, count: int, *, head: str, manifest_sha256: str, beacon: str
) -> NDArray[np.int64]:
    """Return `count` different row numbers under `rows`, sorted; all of them where fewer exist.

    Args:
        rows: How many there are.
        count: How many to look at.
        head: The last commit of the pull request.
        manifest_sha256: Hash of `submission.yaml`.
        beacon: A public random value dated after the last push.

    Example:
        >>> choose_rows(9, 3, head="a", manifest_sha256="b", beacon="c").tolist()
        [4, 5, 6]
    """
    text = "\x1f".join(("audit", head, manifest_sha256, beacon)).encode()
    key = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")
    words = np.random.Philox(key=key).random_raw(rows)
    if count >= rows:
        return np.arange(rows)
    return np.sort(np.argpartition(words, count)[:count])  # the words of a key do not repeat


def audit_counts(
    claimed: CountTable,
    places: NDArray[np.int64],
    count_again: Callable[[str, str, int], Counts],
) -> list[str]:
    """Return a line for every row of `places` that is not what the prediction gives.

    Args:
        claimed: The counts as submitted.
        places: From `choose_rows`, over the flat grid of reference, prompt and selection.
        count_again: Called with reference id, prompt and selection number (0 is `oracle`).
    """
    shape = claimed.counts.shape[:3]
    found = []
    for place in places.tolist():
        row, prompt, selection = (int(part) for part in np.unravel_index(place, shape))
        want = claimed.counts[row, prompt, selection]
        if want[0] < 0:
            continue
        got = count_again(claimed.references[row], claimed.prompts[prompt], selection)
        if (got.tp, got.fp, got.fn) != tuple(want.tolist()):
            found.append(
                f"{claimed.references[row]}, {claimed.prompts[prompt]}: counts "
                f"{tuple(want.tolist())} claimed, {(got.tp, got.fp, got.fn)} found"
            )
    return found


def choose_places(table: CountTable, audit: Audit, manifest_sha256: str) -> NDArray[np.int64]:
    """Return which cells of the flat grid (reference, prompt, selection) are looked at."""
    there = np.flatnonzero(table.counts[..., 0].reshape(-1) >= 0)
    chosen = choose_rows(
        len(there),
        audit.rows,
        head=audit.head,
        manifest_sha256=manifest_sha256,
        beacon=audit.beacon,
    )
    return there[chosen]


def list_wanted(table: CountTable, places: NDArray[np.int64]) -> dict[str, Sequence[str]]:
    """Return the reference ids behind `places`, by prompt."""
    rows, prompts, _ = np.unravel_index(places, table.counts.shape[:3])
    return {
        prompt: [table.references[row] for row in np.unique(rows[prompts == number]).tolist()]
        for number, prompt in enumerate(table.prompts)
    }
