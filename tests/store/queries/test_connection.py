from __future__ import annotations

import duckdb

from cosmos_board.store.queries.connection import fetch_row, iterate_columns


def test_a_row_is_read_to_its_end_so_that_other_questions_can_follow() -> None:
    with duckdb.connect() as connection:
        first = fetch_row(connection, "SELECT range FROM range(5000)")
        batches = list(iterate_columns(connection, "SELECT range AS n FROM range(3)"))

    assert first == (0,)
    assert [batch["n"].tolist() for batch in batches] == [[0, 1, 2]]
