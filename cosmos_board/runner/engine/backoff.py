"""Prompts in batches that fit: halved when memory runs out, grown again when all is well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from cosmos_board.models.candidate_checks import AnswerError, Size, check_answer, list_answers
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.runner.engine.clock import Clock
from cosmos_board.runner.engine.failure import ModelFailureError, call_model

BATCH = 64
"""Prompts put at once; answers must not depend on it."""

GOOD_BATCHES = 200
"""Batches without trouble after which a shrunk batch is doubled again."""

_MASK_BYTES = 128 << 20
"""What the masks of one batch may take, three to a prompt, however large the image."""

_Answer = TypeVar("_Answer")


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

    first_failure: ModelFailureError | None = field(init=False, default=None)
    """The first that was charged since somebody last set this to None."""

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

    def note_failures(self, outcomes: Iterable[object]) -> None:
        """Note the first failure among what is charged."""
        if self.first_failure is None:
            failures = (one for one in outcomes if isinstance(one, ModelFailureError))
            self.first_failure = next(failures, None)


def ask_in_batches(
    ask: Callable[[slice], Sequence[_Answer]],
    prompts: int,
    segmenter: Segmenter,
    embedding: Embedding,
    clock: Clock,
    throttle: Throttle,
    *,
    keeps_logits: bool = False,
) -> Iterator[list[_Answer | ModelFailureError]]:
    """Yield the answers to all prompts, in order, as they come; a failure where there is none.

    What is yielded has the form that `check_answer` asks for.

    A batch that does not fit is put again in halves, and a single prompt once more. One that fails
    otherwise is halved, too: only the prompt at fault is charged.

    Args:
        ask: Puts a part of the prompts.
        prompts: How many there are.
        segmenter: Who is asked.
        embedding: Of the image.
        clock: Takes the timings.
        throttle: How many prompts are put at once; takes the failures.
        keeps_logits: Whether logits are fed back.

    Raises:
        DeviceError: If the device is broken.
    """

    def ask_part(part: slice) -> list[_Answer | ModelFailureError]:
        asked = part.stop - part.start
        with clock.time("prompt", asked):
            answers = ask(part)
            answers = list(answers) if isinstance(answers, Iterator) else answers
        size = (embedding.height, embedding.width)
        return [
            _check(answer, size, keeps_logits=keeps_logits)
            for answer in list_answers(answers, asked)
        ]

    done = released = 0
    size = throttle.fit(embedding)
    while done < prompts:
        part = slice(done, min(done + size, prompts))
        outcome, asked = call_model(partial(ask_part, part)), part.stop - part.start
        if not isinstance(outcome, ModelFailureError):
            throttle.note_good()
        elif asked > 1:
            if outcome.is_memory:
                throttle.shrink(asked)
                release_memory(segmenter)
            size = asked // 2
            continue
        elif outcome.is_memory and released <= done:
            release_memory(segmenter)
            released = done + 1
            continue
        else:
            outcome = [outcome]
        throttle.note_failures(outcome)
        yield outcome
        done += asked
        size = min(max(2 * size, 1), throttle.fit(embedding))


def _check(answer: object, size: Size, *, keeps_logits: bool) -> Any:  # noqa: ANN401
    try:
        return check_answer(answer, size, keeps_logits=keeps_logits)
    except AnswerError as error:
        return ModelFailureError(str(error))


def release_memory(segmenter: Segmenter) -> None:
    """Let a segmenter give back what it caches on its device, where it knows how."""
    release = getattr(segmenter, "release_memory", None)
    if release is not None:
        release()
