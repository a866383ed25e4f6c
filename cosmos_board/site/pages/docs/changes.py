"""What changed between releases of the data."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.content.releases import FEED_PATH, Move, Snapshot, Standing, find_moves
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter

PATH = "changes/index.md"


def changes_page(context: PageContext, releases: Sequence[Snapshot], now: Snapshot) -> Page:
    """Return the page of changes: past releases, oldest first, and what is being built `now`."""
    words = context.words
    page = PageWriter(context, PATH, words("Changes"))
    page.text(
        words(
            "Accepted data is never changed in place. Each release of the data has a version; "
            "here is which ranks moved from one to the next, further than their ranges."
        )
    )
    page.html(
        Markup('<p><a href="{}{}">{}</a></p>').format(page.root, FEED_PATH, words("Atom feed"))
    )
    if not releases:
        page.note(
            words(
                "No release has been kept yet; this is version {version}.",
                version=now.version or DASH,
            )
        )
        return page.finish()
    steps = [*releases]
    if now.version != releases[-1].version:
        steps.append(now)
    for before, after in reversed(list(zip([None, *steps], steps, strict=False))):
        name = after.date or words("Now")
        page.heading(f"{name} · {after.version}", after.date or "now")
        if before is None:
            page.paragraph(words("The first release."))
            continue
        moves = find_moves(before, after)
        if not moves:
            page.paragraph(words("No rank moved further than its range."))
            continue
        page.table(_moves_table(context.data, moves, after.date or "now", words))
    return page.finish()


def _moves_table(data: SiteData, moves: Sequence[Move], name: str, words: Words) -> Table:
    table = RecordTable(data, words, moves)
    table.model("model", words("Model"), lambda move: move.model, frozen=True)
    table.text("board", words("Board"), lambda move: move.board, facet=True)
    table.cells("before", words("Rank before"), lambda move: _cell(move.before), numeric=True)
    table.cells("after", words("Rank now"), lambda move: _cell(move.after), numeric=True)
    caption = words(
        "Models that came, left, or moved to a rank outside the range that they had (in brackets): "
        "a rank within it is no change, since the data left it open."
    )
    return table.build(f"moves-{name}", caption)


def _cell(standing: Standing | None) -> Cell:
    if standing is None:
        return Cell(DASH, muted=True)
    return Cell(str(standing.rank), standing.rank, note=f"({standing.low}–{standing.high})")
