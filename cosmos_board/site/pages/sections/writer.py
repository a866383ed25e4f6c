"""What every page is written with: the data, the language, and the way to put parts on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from markupsafe import Markup

from cosmos_board.site.components.figure import Figure
from cosmos_board.site.components.figure_output import render_figure
from cosmos_board.site.components.markup import up
from cosmos_board.site.components.page import Article
from cosmos_board.site.components.table import Table
from cosmos_board.site.components.table_output import render_table, table_files
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import Words


@dataclass(frozen=True, slots=True)
class Link:
    """A link inside the site."""

    text: str
    url: str
    """From the root of the site."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One fact that a reader should see first, and where its evidence lies."""

    kicker: str
    headline: str
    detail: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Writes parts onto articles."""

    data: SiteData
    words: Words
    site_url: str = ""
    """Address that the site will have, ending in a slash; may be empty."""

    def table(self, article: Article, table: Table) -> None:
        """Put a table on the page, its rows beside it as files."""
        if table.rows:
            path = f"data/tables/{article.path.removesuffix('.md')}/{table.name}"
            if not self.words.shared:  # files of numbers lie once, beside the English pages
                article.attach(table_files(table, path, self.data.version))
            table = replace(table, data_path=path)
        article.add(render_table(table, up(article.path), self.words))

    def figure(self, article: Article, figure: Figure | None, *, live: bool = True) -> None:
        """Put a figure on the page with its data beside it; nothing where there is none."""
        if figure is None:
            return
        folder = f"data/plots/{article.path.removesuffix('.md')}"
        html, files = render_figure(figure, up(article.path), self.words, folder, live=live)
        article.add(html)
        article.attach(files)

    def cards(self, article: Article, cards: Iterable[Card]) -> None:
        """Put a row of cards on the page."""
        article.add(render("cards.html", cards=list(cards), root=up(article.path)))

    def links(self, article: Article, label: str, links: Iterable[Link]) -> None:
        """Put a list of links on the page under a short label; nothing where there is none."""
        found = list(links)
        if found:
            article.add(render("links.html", label=label, links=found, root=up(article.path)))

    def facts(self, article: Article, facts: Iterable[tuple[str, str | Markup]]) -> None:
        """Put names and values on the page."""
        article.add(render("facts.html", facts=list(facts)))

    def note(self, article: Article, text: str | Markup) -> None:
        """Put a sentence on the page that nobody should miss."""
        article.add(Markup('<p class="cb-note">{}</p>').format(text))

    def lead(self, article: Article, text: str | Markup) -> None:
        """Put the first sentence on the page."""
        article.add(Markup('<p class="cb-lead">{}</p>').format(text))
