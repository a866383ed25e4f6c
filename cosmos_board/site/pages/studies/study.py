"""The study that the board grew from, and the year that a citation of the board names."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.findings.claims import PAPER
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.page import Article
from cosmos_board.site.content.site_data import Book
from cosmos_board.site.pages.context import Context

STUDY = (
    "Huang et al., Segment Anything Model for Medical Images?"
    " Medical Image Analysis 92:103061, 2024"
)


def add_study(context: Context, article: Article) -> None:
    """Name the study in a line, with its address."""
    article.add(
        Markup('<p class="cb-study"><small>{} {}: {}</small></p>').format(
            context.words("Protocol and claims after"), STUDY, outside_link(PAPER)
        )
    )


def last_year(book: Book) -> str:
    """Return the year of the newest run; empty on an empty board."""
    return max((entry.date[:4] for entry in book.entries), default="")
