"""Tables as HTML: complete without a script, with hooks for the one that sorts them."""

from __future__ import annotations

from html import escape

from markupsafe import Markup

from cosmos_board.site.table import Cell, Column, Mark, Row, Table
from cosmos_board.site.templates import render
from cosmos_board.site.words import Words

HEATS = 20
"""Steps of shade; the style sheet has a class for each."""


def render_table(table: Table, root: str, words: Words) -> Markup:
    """Return `table` as a figure with its caption and links to its data.

    Args:
        table: What to show.
        root: The way from the page to the root of the site, such as `../../`.
        words: The language of the page.
    """
    if not table.rows:
        return Markup('<p class="cb-empty">{}</p>').format(table.empty or words("No rows yet."))
    head = Markup("").join(_head(column, root, words) for column in table.columns)
    body = Markup("\n").join(_row(row, table.columns, root) for row in table.rows)
    return render("table.html", table=table, head=head, body=body, root=root, t=words)


def _head(column: Column, root: str, words: Words) -> Markup:
    arrow = {"high": " ↑", "low": " ↓", "": ""}[column.best]
    classes = [name for name, on in (("t", not column.numeric), ("fz", column.frozen)) if on]
    attributes = [
        Markup(' class="{}"').format(" ".join(classes)) if classes else "",
        Markup(' data-key="{}"').format(column.key),
        Markup(' data-best="{}"').format(column.best) if column.best else "",
        Markup(" data-facet") if column.facet else "",
        Markup(" data-hidden") if column.hidden else "",
        "" if column.numeric else Markup(' data-type="text"'),
    ]
    question = (
        Markup(' <a class="cb-help" href="{}" aria-label="{}">?</a>').format(
            root + column.help, words("What is {label}?", label=column.label)
        )
        if column.help
        else ""
    )
    return Markup('<th scope="col"{}><span class="cb-label">{}</span>{}</th>').format(
        Markup("").join(attributes), column.label + arrow, question
    )


def _row(row: Row, columns: tuple[Column, ...], root: str) -> Markup:
    classes = []
    if row.tie is not None:
        classes.append(f"tie{row.tie % 2}")
    if row.listed:
        classes.append("listed")
    named = next((n for n, column in enumerate(columns) if not column.numeric), 0)
    cells = [
        _cell(cell, column, root, header=position == named)
        for position, (cell, column) in enumerate(zip(row.cells, columns, strict=True))
    ]
    opening = f'<tr class="{" ".join(classes)}">' if classes else "<tr>"
    return Markup(opening + "".join(cells))


def _cell(cell: Cell, column: Column, root: str, *, header: bool) -> str:
    classes = "" if column.numeric else "t"
    classes += " fz" if column.frozen else ""
    classes += " best" if cell.strong else ""
    classes += " off" if cell.muted else ""
    if cell.heat is not None:
        classes += f" h{round(cell.heat * HEATS)}"
    raw = ""
    if cell.value is not None and not _says_its_value(cell, column):
        value = f"{cell.value:.6g}" if isinstance(cell.value, float) else str(cell.value)
        raw = f' data-v="{escape(value)}"'
    kind = f' class="{classes.strip()}"' if classes.strip() else ""
    text = escape(cell.text)
    if cell.href:
        text = f'<a href="{escape(root + cell.href)}">{text}</a>'
    if cell.mark is not None:
        text = _mark(cell.mark) + text
    if cell.title:
        text += f'<span class="cb-sr"> {escape(cell.title)}</span>'
    if cell.note:
        text += f" <i>{escape(cell.note)}</i>"
    tag, scope = ("th", ' scope="row"') if header else ("td", "")
    return f"<{tag}{scope}{kind}{raw}>{text}"  # HTML closes cells and rows by itself


def _says_its_value(cell: Cell, column: Column) -> bool:
    """Return whether what is read sorts as what is meant."""
    if not column.numeric:
        return True
    starts = cell.text[:1].isdigit() or cell.text[:1] in {"−", "+"}
    return starts and not cell.text[-1:].isalpha()


def _mark(mark: Mark) -> str:
    if mark.low is None or mark.high is None:
        return f'<span class="iv" style="--m:{mark.middle:g}"></span>'
    return (
        f'<span class="iv" style="--l:{mark.low:g};--m:{mark.middle:g};--r:{mark.high:g}">'
        "<i></i></span>"
    )
