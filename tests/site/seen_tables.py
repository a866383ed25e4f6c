"""Tables as a reader of the page sees them, for tests that hold them against the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path


@dataclass
class Seen:
    """One cell: its text without notes, and where it leads."""

    text: str = ""
    href: str = ""

    @property
    def number(self) -> float | None:
        """The number that the text is; None where it is none."""
        try:
            return float(
                self.text.strip().replace("\N{NARROW NO-BREAK SPACE}", "").replace("−", "-")
            )
        except ValueError:
            return None

    @property
    def name(self) -> str:
        """The last folder of the address, such as a model."""
        return self.href.rstrip("/").rpartition("/")[2]


@dataclass
class SeenTable:
    """One table: the keys of its columns and its rows."""

    keys: list[str] = field(default_factory=list)
    rows: list[list[Seen]] = field(default_factory=list)

    def records(self) -> list[dict[str, Seen]]:
        """Return the rows by key."""
        return [dict(zip(self.keys, row, strict=True)) for row in self.rows]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, SeenTable] = {}
        self._table: SeenTable | None = None
        self._notes = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "table":
            self._table = self.tables.setdefault(found.get("id", ""), SeenTable())
        table = self._table
        if table is None:
            return
        if tag == "tr":
            table.rows.append([])
        elif tag in {"td", "th"}:
            if "data-key" in found:
                table.keys.append(found["data-key"])
            table.rows[-1].append(Seen())
        elif tag == "a" and table.rows[-1] and "cb-help" not in found.get("class", ""):
            table.rows[-1][-1].href = found.get("href", "")
        self._notes += tag == "i"

    def handle_endtag(self, tag: str) -> None:
        self._notes -= tag == "i"
        if tag == "table" and self._table is not None:
            self._table.rows = self._table.rows[1:]  # the heading
            self._table = None

    def handle_data(self, data: str) -> None:
        if (
            self._table is not None
            and self._table.rows
            and self._table.rows[-1]
            and not self._notes
        ):
            self._table.rows[-1][-1].text += data


def read_tables(page: Path) -> dict[str, SeenTable]:
    """Return the tables of a page by id."""
    reader = _Reader()
    reader.feed(page.read_text("utf-8"))
    return reader.tables
