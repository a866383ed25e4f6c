"""Prompts in batches that fit: halved when memory runs out, grown again when all is well."""

from __future__ import annotations

from collections.abc import Sequence

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.errors import CosmosBoardError
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.runner.clock import Clock
from cosmos_board.runner.failure import ModelFailureError, describe_failure, is_out_of_memory

BATCH = 64
"""Prompts put at once; answers must not depend on it."""


def predict_in_batches(
    segmenter: Segmenter,
    embedding: Embedding,
    prompts: Sequence[Prompt],
    clock: Clock,
    batch: int = BATCH,
) -> list[Candidates | ModelFailureError]:
    """Return the answer to each prompt, in order; a failure stands where there is none."""
    answers: list[Candidates | ModelFailureError] = []
    size = max(batch, 1)
    while len(answers) < len(prompts):
        chunk = prompts[len(answers) : len(answers) + size]
        outcome = _predict(segmenter, embedding, chunk, clock)
        if isinstance(outcome, list):
            answers.extend(outcome)
            size = min(2 * size, batch)
        elif len(chunk) == 1:
            answers.append(outcome)
        else:
            size = len(chunk) // 2
    return answers


def _predict(
    segmenter: Segmenter, embedding: Embedding, chunk: Sequence[Prompt], clock: Clock
) -> list[Candidates] | ModelFailureError:
    # The exception is left behind before the retry: its traceback would keep tensors alive.
    try:
        with clock.time("prompt", len(chunk)):
            answers = segmenter.predict(embedding, chunk)
    except CosmosBoardError:
        raise
    except Exception as error:
        reason = "out of memory" if is_out_of_memory(error) else describe_failure(error)
        return ModelFailureError(reason)
    if len(answers) != len(chunk):
        return ModelFailureError(f"{len(answers)} answers to {len(chunk)} prompts")
    return answers
