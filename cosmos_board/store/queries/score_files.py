"""Questions to the Parquet files of a run folder, before their rows are in a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from cosmos_board.core.errors import InputError
from cosmos_board.store.queries.connection import Connection, fetch_row, fetch_rows
from cosmos_board.store.queries.scores import DICE, FAILED, STEP, in_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCounts:
    """What a model answered to one prompt.

    Every score row is an answer: each prompt, trial and click counts under each selection.
    """

    prompt: str
    propagation: str
    """Of the volume study; empty in the others."""

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


_OUTCOMES = f"""count(*) AS answers, count(*) FILTER ({FAILED}) AS failed,
    count(*) FILTER (status = 'penalised') AS empty,
    regexp_replace(min(status) FILTER ({FAILED}), '^failed: ', '') AS reason"""


def count_answers(paths: Sequence[Path]) -> tuple[PromptCounts, ...]:
    """Return what the score rows in Parquet files come to, in order of prompt.

    Raises:
        InputError: If one cannot be read.
    """
    means = ", ".join(
        f"""sum({in_steps(DICE)}) FILTER (selection = '{selection}')::DOUBLE * {STEP}
            / count(*) FILTER (selection = '{selection}') AS {selection}"""
        for selection in ("predicted", "oracle")
    )
    return _read_counts(
        paths,
        f"""
        SELECT prompt, '' AS propagation, {means}, {_OUTCOMES}
        FROM read_parquet(?) s GROUP BY prompt ORDER BY prompt""",
    )


def count_volume_answers(paths: Sequence[Path]) -> tuple[PromptCounts, ...]:
    """Return the same of score rows of the volume study, by prompt and propagation.

    Raises:
        InputError: If one cannot be read.
    """
    return _read_counts(
        paths,
        f"""
        SELECT prompt, propagation, sum({in_steps(DICE)})::DOUBLE * {STEP} / count(*) AS predicted,
               NULL AS oracle, {_OUTCOMES}
        FROM read_parquet(?) s GROUP BY prompt, propagation ORDER BY prompt, propagation""",
    )


def _read_counts(paths: Sequence[Path], query: str) -> tuple[PromptCounts, ...]:
    if not paths:
        return ()
    try:
        with duckdb.connect() as connection:
            return fetch_rows(connection, PromptCounts, query, [[str(path) for path in paths]])
    except duckdb.Error as error:
        raise InputError(paths[0].parent, "", f"cannot be read: {error}") from error


def find_twin(
    connection: Connection, scores: Sequence[str], answer: Sequence[str]
) -> tuple[str, str] | None:
    """Return the reference id and prompt of a row that comes twice, None where none does.

    `answer` names the columns in which no two rows agree: first the reference, then the prompt.
    """
    keys = ", ".join(answer)
    different = fetch_row(
        connection,
        f"SELECT count(*) = count(DISTINCT hash({keys})) FROM read_parquet(?)",
        [scores],
    )
    if different == (True,):
        return None
    row = fetch_row(
        connection,
        f"SELECT {answer[0]}, {answer[1]} FROM read_parquet(?) GROUP BY {keys}"
        " HAVING count(*) > 1 ORDER BY ALL LIMIT 1",
        [scores],
    )
    return None if row is None else (row[0], row[1])


def find_other_dataset(connection: Connection, images: str, dataset: str) -> str | None:
    """Return another dataset than `dataset` that the index of images names, None where none is."""
    query = "SELECT dataset FROM read_parquet(?) WHERE dataset <> ? LIMIT 1"
    row = fetch_row(connection, query, [images, dataset])
    return None if row is None else str(row[0])


def find_stranger(
    connection: Connection, key: str, rows: str | Sequence[str], index: str
) -> str | None:
    """Return a value of `key` in the files `rows` that `index` lacks, None where it has all."""
    row = fetch_row(
        connection,
        f"SELECT r.{key} FROM read_parquet(?) r ANTI JOIN read_parquet(?) i USING ({key}) LIMIT 1",
        [rows, index],
    )
    return None if row is None else str(row[0])
