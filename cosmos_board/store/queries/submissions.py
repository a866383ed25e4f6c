"""What the board database says of submissions, those without a rank included."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from cosmos_board.store.queries.connection import Connection, fetch_rows, has_table, read_meta

SHOWN = "shown"
LEFT_OUT = "left-out"
_KEY = "benchmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One submission and where it stands."""

    slug: str
    name: str
    version: int
    state: str
    """`shown`, `left-out`, `held`, `withdrawn` or `taken-down`."""

    tier: str
    track: str
    """`core` or `counts`."""

    benchmark: str
    """Version of prompts, references and metrics that it was accepted under."""

    accepted_utc: str
    reason: str
    """Why it is not ranked; empty where it is."""


@dataclass(frozen=True, slots=True)
class LedgerTable:
    """Every submission, and the benchmark that the database ranks under."""

    rows: tuple[LedgerRow, ...] = ()
    benchmark: str = ""
    frozen: tuple[str, ...] = ()
    """Earlier versions whose boards are kept, oldest first."""


def write_ledger_table(connection: Connection, table: LedgerTable) -> None:
    """Put `table` in the place of what a database opened to write said of submissions."""
    facts = json.dumps({"version": table.benchmark, "frozen": table.frozen})
    connection.execute("BEGIN")
    connection.execute("DELETE FROM ledger")
    for row in table.rows:
        connection.execute(f"INSERT INTO ledger VALUES ({', '.join('?' * 9)})", astuple(row))
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [_KEY, facts])
    connection.execute("COMMIT")


def read_ledger_table(connection: Connection) -> LedgerTable:
    """Return what a database says of submissions; nothing where it has no such table."""
    if not has_table(connection, "ledger"):
        return LedgerTable()
    rows = fetch_rows(connection, LedgerRow, "SELECT * FROM ledger ORDER BY slug")
    facts = json.loads(read_meta(connection).get(_KEY, '{"version": "", "frozen": []}'))
    return LedgerTable(rows, str(facts["version"]), tuple(facts["frozen"]))
