"""Prompts in batches that fit: halved when memory runs out, grown again when all is well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.errors import CosmosBoardError
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.runner.clock import Clock
from cosmos_board.runner.failure import (
    ModelFailureError,
    describe_failure,
    refuse_broken_device,
)

BATCH = 64
"""Prompts put at once; answers must not depend on it."""

GOOD_BATCHES = 200
"""Batches without trouble after which a shrunk batch is doubled again."""

_MASK_BYTES = 128 << 20
"""What the masks of one batch may take, three to a prompt, however large the image."""

Answer: TypeAlias = Candidates | ModelFailureError


@dataclass(slots=True)
class Throttle:
    """How many prompts are put at once; kept from image to image, so that memory is learnt once.

    Example:
        >>> throttle = Throttle(8)
        >>> throttle.shrink(8)
        >>> throttle.size
        4
    """

    limit: int = BATCH
    size: int = field(init=False)
    retries: int = field(init=False, default=0)
    """Batches that did not fit so far."""

    _good: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.size = max(self.limit, 1)

    def fit(self, embedding: Embedding) -> int:
        """Return how many prompts to put at once on an image."""
        return max(1, min(self.size, _MASK_BYTES // max(3 * embedding.height * embedding.width, 1)))

    def shrink(self, tried: int) -> None:
        """Note that `tried` prompts at once were too many."""
        self.size, self._good = max(tried // 2, 1), 0
        self.retries += 1

    def note_good(self) -> None:
        """Note that a batch went well."""
        self._good += 1
        if self._good >= GOOD_BATCHES and self.size < self.limit:
            self.size, self._good = min(2 * self.size, self.limit), 0


def predict_in_batches(
    segmenter: Segmenter,
    embedding: Embedding,
    prompts: Sequence[Prompt],
    clock: Clock,
    throttle: Throttle,
    logits: Sequence[NDArray[np.float32] | None] | None = None,
) -> Iterator[list[Answer]]:
    """Yield the answers to all prompts, in order, as they come; a failure where there is none.

    A batch that does not fit is put again in halves. One that fails otherwise is, too: only the
    prompt at fault is charged.

    Raises:
        DeviceError: If the device is broken.
    """
    done = 0
    size = throttle.fit(embedding)
    while done < len(prompts):
        part = slice(done, done + size)
        chunk = prompts[part]
        outcome = _predict(segmenter, embedding, chunk, clock, logits and logits[part])
        if isinstance(outcome, list):
            throttle.note_good()
        elif len(chunk) > 1:
            if outcome.is_memory:
                throttle.shrink(len(chunk))
                _release_memory(segmenter)
            size = len(chunk) // 2
            continue
        else:
            outcome = [outcome]
        yield outcome
        done += len(chunk)
        size = min(max(2 * size, 1), throttle.fit(embedding))


def _predict(
    segmenter: Segmenter,
    embedding: Embedding,
    chunk: Sequence[Prompt],
    clock: Clock,
    logits: Sequence[NDArray[np.float32] | None] | None,
) -> list[Answer] | ModelFailureError:
    # The exception is left behind before the retry: its traceback would keep tensors alive.
    try:
        with clock.time("prompt", len(chunk)):
            answers = (
                segmenter.predict(embedding, chunk)
                if logits is None
                else segmenter.predict(embedding, chunk, logits)
            )
    except CosmosBoardError:
        raise
    except Exception as error:
        refuse_broken_device(error)
        return ModelFailureError(describe_failure(error))
    if len(answers) != len(chunk):
        return ModelFailureError(f"{len(answers)} answers to {len(chunk)} prompts")
    return list(answers)


def _release_memory(segmenter: Segmenter) -> None:
    """Let a segmenter give back what it caches on its device, where it knows how."""
    release = getattr(segmenter, "release_memory", None)
    if release is not None:
        release()
