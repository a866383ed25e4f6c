"""Tables as HTML: complete without a script, with attributes for the script that sorts them."""

from __future__ import annotations

import json
from functools import lru_cache
from html import escape

from markupsafe import Markup

from cosmos_board.board.export import round_floats, to_csv
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.table import Badge, Cell, Column, Mark, Raw, Row, Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.language.words import Words

HEATS = 20
"""Steps of shade; the style sheet has a class for each."""


def render_table(table: Table, root: str, words: Words) -> Markup:
    """Return `table` with its caption and links to its data; `root` leads to the site's root."""
    if not table.rows:
        return Markup('<p class="cb-empty">{}</p>').format(table.empty or words("No rows yet."))
    head = Markup("".join(_head(column, root, words) for column in table.columns))
    body = Markup("\n".join(_row(row, table.columns, root) for row in table.rows))
    return render("table.html", table=table, head=head, body=body, root=root, t=words)


def _head(column: Column, root: str, words: Words) -> str:
    arrow = {"high": " ↑", "low": " ↓", "": ""}[column.best]
    classes = " ".join(
        name for name, on in (("t", not column.numeric), ("fz", column.frozen)) if on
    )
    attributes = f' class="{classes}"' if classes else ""
    attributes += f' data-key="{escape(column.key)}"'
    attributes += f' data-best="{column.best}"' if column.best else ""
    attributes += " data-facet" if column.facet else ""
    attributes += " data-hidden" if column.hidden else ""
    attributes += "" if column.numeric else ' data-type="text"'
    question = ""
    if column.help:
        asks = escape(words("What is {label}?", label=column.label))
        question = (
            f' <a class="cb-help" href="{escape(root + column.help)}" aria-label="{asks}">?</a>'
        )
    label = escape(column.label + arrow)
    return f'<th scope="col"{attributes}><span class="cb-label">{label}</span>{question}</th>'


def _row(row: Row, columns: tuple[Column, ...], root: str) -> str:
    named = next((n for n, column in enumerate(columns) if not column.numeric), 0)
    cells = [
        _cell(cell, column, root, header=position == named)
        for position, (cell, column) in enumerate(zip(row.cells, columns, strict=True))
    ]
    opening = '<tr class="listed">' if row.listed else "<tr>"
    return opening + "".join(cells)


def _cell(cell: Cell, column: Column, root: str, *, header: bool) -> str:
    classes = ("" if column.numeric else " t") + " fz" * column.frozen + " w" * column.wrap
    classes += " best" * cell.strong + " off" * cell.muted
    if cell.heat is not None:
        classes += f" h{round(cell.heat * HEATS)}"
    raw = ""
    if cell.value is not None and column.numeric and not _reads_as_number(cell.text):
        value = f"{cell.value:.6g}" if isinstance(cell.value, float) else str(cell.value)
        raw = f' data-v="{_encode(value)}"'
    if cell.title:
        raw += f' title="{_encode(cell.title)}"'
    kind = f' class="{classes.lstrip()}"' if classes else ""
    text = _encode(cell.text)
    if cell.href:
        text = f'<a href="{_encode(root + cell.href)}">{text}</a>'
    elif cell.web:
        text = outside_link(cell.web, cell.text)
    if cell.mark is not None:
        text = _mark(cell.mark) + text
    if cell.title:
        text += f'<span class="cb-sr"> {_encode(cell.title)}</span>'
    text += "".join(f" {show_badge(badge)}" for badge in cell.badges)
    if cell.note:
        text += f" <i>{_encode(cell.note)}</i>"
    tag, scope = ("th", ' scope="row"') if header else ("td", "")
    return f"<{tag}{scope}{kind}{raw}>{text}"  # HTML closes cells and rows by itself


def show_badge(badge: Badge) -> str:
    """Return a badge as HTML."""
    title = f' title="{_encode(badge.title)}"' if badge.title else ""
    return f'<span class="cb-badge"{title}>{_encode(badge.text)}</span>'


@lru_cache(maxsize=65_536)
def _encode(text: str) -> str:
    """Return `text` safe in HTML and in quotes; cached, because tables repeat their texts."""
    return escape(text)


@lru_cache(maxsize=65_536)
def _reads_as_number(text: str) -> bool:
    """Return whether the text of a number sorts as the number does."""
    starts = text[:1].isdigit() or text[:1] in {"−", "+"}
    return starts and not text[-1:].isalpha()


def _mark(mark: Mark) -> str:
    if mark.low is None or mark.high is None:
        return f'<span class="iv" style="--m:{_share(mark.middle)}"></span>'
    low, middle, high = _share(mark.low), _share(mark.middle), _share(mark.high)
    return f'<span class="iv" style="--l:{low};--m:{middle};--r:{high}"><i></i></span>'


def _share(place: float) -> str:
    """Return a place on the axis in the fewest letters: a tenth of a pixel is enough."""
    return f"{place:.3f}".rstrip("0").rstrip(".").removeprefix("0") or "0"


SCHEMA_VERSION = 1
"""Version of the JSON written beside every table."""


def table_files(table: Table, path: str, version: str) -> dict[str, bytes]:
    """Return the downloads of `table` by path from the root of the site, `path` and an extension.

    CSV for every table; JSON too where the table was made from records, as leaderboards are.
    """
    files = {f"{path}.csv": table_csv(table)}
    if table.records:
        files[f"{path}.json"] = table_json(table, version)
    return files


def table_csv(table: Table) -> bytes:
    """Return the rows as CSV, unknown values empty."""
    return to_csv(*table_rows(table))


def table_json(table: Table, version: str) -> bytes:
    """Return the rows as JSON: what they are, the names of their columns, one list a row."""
    names, rows = table_rows(table)
    document = {
        "schema_version": SCHEMA_VERSION,
        "data_version": version,
        "caption": table.caption,
        "columns": names,
        "rows": round_floats(rows),
    }
    return (json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def table_rows(table: Table) -> tuple[list[str], list[list[Raw]]]:
    """Return column names and rows: what the table was made from, else its cells."""
    if table.records:
        return list(table.records[0]), [list(record.values()) for record in table.records]
    names = [column.key for column in table.columns]
    return names, [
        [cell.value if cell.value is not None or cell.muted else cell.text for cell in row.cells]
        for row in table.rows
    ]
