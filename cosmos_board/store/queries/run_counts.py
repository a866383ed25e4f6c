"""What the score rows of a run come to: answers, failures and mean Dice, prompt by prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from cosmos_board.core.errors import InputError

_STEP = 2.0**-32
"""Dice is summed as whole multiples of this, so that no order of rows changes a digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCounts:
    """What a model answered to one prompt.

    Every score row is an answer: each prompt, trial and click counts under each selection.
    """

    prompt: str
    predicted: float | None
    """Mean Dice over answers, in [0, 1], where the model chose; a failed answer counts 0."""

    oracle: float | None
    """The same of the best candidates."""

    answers: int
    failed: int
    """Answers that are none: the model raised, or returned something of another form."""

    empty: int
    """Answers that draw nothing."""

    reason: str | None
    """Of one of the failures; None where there is none."""


def count_answers(paths: Sequence[Path]) -> list[PromptCounts]:
    """Return what the rows in `paths` come to, in order of prompt.

    Args:
        paths: Parquet files of score rows.

    Raises:
        InputError: If one cannot be read.
    """
    if not paths:
        return []
    means = ", ".join(
        f"""sum(dice) FILTER (selection = '{selection}')::DOUBLE * {_STEP}
            / count(*) FILTER (selection = '{selection}')"""
        for selection in ("predicted", "oracle")
    )
    query = f"""
        SELECT prompt, {means}, count(*), count(*) FILTER (failed),
               count(*) FILTER (status = 'penalised'), min(status) FILTER (failed)
        FROM (SELECT prompt, selection, status, starts_with(status, 'failed') AS failed,
                     (CASE WHEN starts_with(status, 'failed') THEN 0
                      ELSE round(2.0 * tp / (2 * tp + fp + fn) / {_STEP}) END)::BIGINT AS dice
              FROM read_parquet(?))
        GROUP BY prompt ORDER BY prompt"""
    try:
        with duckdb.connect() as connection:
            found = connection.execute(query, [[str(path) for path in paths]]).fetchall()
    except duckdb.Error as error:
        raise InputError(paths[0].parent, "", f"cannot be read: {error}") from error
    return [
        PromptCounts(
            prompt=prompt,
            predicted=predicted,
            oracle=oracle,
            answers=answers,
            failed=failed,
            empty=empty,
            reason=None if status is None else status.removeprefix("failed: "),
        )
        for prompt, predicted, oracle, answers, failed, empty, status in found
    ]
