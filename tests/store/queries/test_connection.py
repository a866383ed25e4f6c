from __future__ import annotations

import duckdb

from cosmos_board.store.queries.connection import fetch_row, iterate_columns


def test_a_first_row_leaves_the_connection_free_for_the_next_question() -> None:
    with duckdb.connect() as connection:
        assert fetch_row(connection, "SELECT * FROM range(3)") == (0,)
        assert fetch_row(connection, "SELECT 1 WHERE false") is None

        (batch,) = iterate_columns(connection, "SELECT 7 AS seven")

    assert batch["seven"].tolist() == [7]
