"""Random words that depend on what they are for, and on nothing else.

No global generator is drawn from, so order, batch, worker and resume cannot matter.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.prompts import PROTOCOL


def random_words(
    count: int, *, reference_id: str, prompt: str, study: str, mode: str, trial: int
) -> NDArray[np.uint64]:
    """Return `count` words of Philox keyed by BLAKE2b-128 of what they are for.

    Only `random_raw` is used: its words are defined by the algorithm, while the methods of
    NumPy's `Generator` may change between releases.
    """
    name = "\x1f".join((PROTOCOL, reference_id, prompt, study, mode, str(trial)))
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    words: NDArray[np.uint64] = np.random.Philox(key=int.from_bytes(digest, "little")).random_raw(
        count
    )
    return words


def to_unit(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return each 64-bit word as a double in [0, 1), from its upper 53 bits."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
