"""What changed between releases of the data."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from cosmos_board.site.components.markup import up
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.content.labels import model_url
from cosmos_board.site.content.releases import FEED_PATH, Move, Snapshot, find_moves
from cosmos_board.site.language.numbers import DASH
from cosmos_board.site.pages.sections.writer import Context

PATH = "changes/index.md"


def changes_page(context: Context, releases: Sequence[Snapshot], now: Snapshot) -> Page:
    """Return the page of changes.

    Args:
        context: The data and the language.
        releases: Past releases, oldest first.
        now: What is being built.
    """
    words = context.words
    article = Article(PATH, words("Changes"))
    article.say(
        words(
            "Accepted data is never changed in place. Each release of the data has a version; "
            "here is which ranks moved from one to the next."
        )
    )
    article.add(
        Markup('<p><a href="{}{}">{}</a></p>').format(up(PATH), FEED_PATH, words("Atom feed"))
    )
    if not releases:
        context.note(
            article,
            words(
                "No release has been kept yet; this is version {version}.",
                version=now.version or DASH,
            ),
        )
        return article.page()
    steps = [*releases]
    if now.version != releases[-1].version:
        steps.append(now)
    for before, after in reversed(list(zip([None, *steps], steps, strict=False))):
        name = after.date or words("Now")
        article.heading(f"{name} · {after.version}", after.date or "now")
        if before is None:
            article.add(Markup("<p>{}</p>").format(words("The first release.")))
            continue
        moves = find_moves(before, after)
        if not moves:
            article.add(Markup("<p>{}</p>").format(words("No rank moved.")))
            continue
        context.table(article, _moves_table(context, moves, after.date or "now"))
    return article.page()


def _moves_table(context: Context, moves: Sequence[Move], name: str) -> Table:
    data, words = context.data, context.words
    rows = []
    for move in moves:
        known = move.model in data.models
        label = data.models[move.model].label if known else move.model
        rows.append(
            Row(
                (
                    Cell(label, move.model, model_url(move.model) if known else ""),
                    Cell(move.board),
                    Cell(DASH if move.before is None else str(move.before), move.before),
                    Cell(DASH if move.after is None else str(move.after), move.after),
                )
            )
        )
    return Table(
        name=f"moves-{name}",
        caption=words("Models whose rank differs from the release before."),
        columns=(
            Column(key="model", label=words("Model"), frozen=True),
            Column(key="board", label=words("Board"), facet=True),
            Column(key="before", label=words("Rank before"), numeric=True),
            Column(key="after", label=words("Rank now"), numeric=True),
        ),
        rows=tuple(rows),
    )
