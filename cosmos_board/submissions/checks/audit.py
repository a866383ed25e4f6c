"""The audit of full-track counts: a sample of rows that nobody could foresee, scored again.

Which rows are looked at follows from the manifest and a value that is younger than it, so a
submitter cannot know it: a random one in a pull request, and afterwards the commit that it landed
with, so that everybody can count the same rows again. A forgery in a share f of the rows goes
unseen by n rows with chance (1 − f)ⁿ: 5 % for f = 0.1 % and n = 3,000.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.scores import Counts
from cosmos_board.submissions.files.count_rows import CountTable

AUDIT_ROWS = 3000


def choose_rows(rows: int, count: int, *, manifest_sha256: str, seed: str) -> NDArray[np.int64]:
    """Return `count` different row numbers under `rows`, sorted; all of them where fewer exist.

    Args:
        rows: How many there are.
        count: How many to look at.
        manifest_sha256: Hash of `submission.yaml`.
        seed: A value that nobody knew when the counts were made.

    Example:
        >>> choose_rows(9, 3, manifest_sha256="a", seed="b").tolist()
        [2, 4, 8]
    """
    text = "\x1f".join(("audit", manifest_sha256, seed)).encode()
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


def choose_places(table: CountTable, manifest_sha256: str, seed: str) -> NDArray[np.int64]:
    """Return which cells of the flat grid (reference, prompt, selection) are looked at."""
    there = np.flatnonzero(table.counts[..., 0].reshape(-1) >= 0)
    return there[choose_rows(len(there), AUDIT_ROWS, manifest_sha256=manifest_sha256, seed=seed)]


def list_wanted(table: CountTable, places: NDArray[np.int64]) -> dict[str, Sequence[str]]:
    """Return the reference ids behind `places`, by prompt."""
    rows, prompts, _ = np.unravel_index(places, table.counts.shape[:3])
    return {
        prompt: [table.references[row] for row in np.unique(rows[prompts == number]).tolist()]
        for number, prompt in enumerate(table.prompts)
    }
