"""The writer that every page is put together with: text, tables, figures, links and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from markupsafe import Markup

from cosmos_board.site.components.figure import Figure
from cosmos_board.site.components.figure_output import render_figure
from cosmos_board.site.components.markup import encode, up
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Table
from cosmos_board.site.components.table_output import render_table, table_files
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import Words


@dataclass(frozen=True, slots=True)
class PageContext:
    """What every page is written from."""

    data: SiteData
    words: Words
    site_url: str = ""
    """Address that the site will have, ending in a slash; may be empty."""


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


class PageWriter:
    """Collects the parts of one page in reading order."""

    def __init__(
        self, context: PageContext, path: str, title: str, *, hide: tuple[str, ...] = ("toc",)
    ) -> None:
        """Start the page with its first heading, without the parts of the theme in `hide`.

        `path` is its source path in the site, such as `models/index.md`, or its address.
        """
        self.data, self.words, self.site_url = context.data, context.words, context.site_url
        self.path = path if path.endswith(".md") else path.removesuffix("/") + ".md"
        self.root = up(self.path)
        """The way to the root of the site."""

        self._title, self._hide = title, hide
        self._lines = [f"# {encode(title)} {{ #page-title }}"]
        self._slots: dict[str, str] = {}
        self._files: dict[str, bytes] = {}

    def text(self, text: str) -> None:
        """Add a paragraph of plain text that the search finds."""
        self._lines.append(encode(text))

    def heading(self, text: str, anchor: str, *, level: int = 2) -> None:
        """Add a heading with a stable `anchor`."""
        self._lines.append(f"{'#' * level} {encode(text)} {{ #{anchor} }}")

    def html(self, html: str | Markup) -> None:
        """Add ready HTML, out of the search index."""
        name = f"part-{len(self._slots) + 1}"
        self._lines.append(f"<!--cb:{name}-->")
        self._slots[name] = html

    def paragraph(self, text: str | Markup) -> None:
        """Add a paragraph that the search does not find."""
        self.html(Markup("<p>{}</p>").format(text))

    def lead(self, text: str | Markup) -> None:
        """Add the first sentence of the page, set larger than others."""
        self.html(Markup('<p class="cb-lead">{}</p>').format(text))

    def note(self, text: str | Markup) -> None:
        """Add a sentence that nobody should miss."""
        self.html(Markup('<p class="cb-note">{}</p>').format(text))

    def note_without_scripts(self, text: str) -> None:
        """Add a sentence for browsers without scripts."""
        self.html(Markup("<noscript><p class='cb-note'>{}</p></noscript>").format(text))

    def attach(self, files: Mapping[str, bytes]) -> None:
        """Put files beside the page, by path from the root of the site."""
        self._files.update(files)

    def table(self, table: Table) -> None:
        """Add a table, with its rows beside the page as files."""
        if table.rows:
            path = f"data/tables/{self.path.removesuffix('.md')}/{table.name}"
            if not self.words.shared:  # files of numbers lie once, beside the English pages
                self.attach(table_files(table, path, self.data.version))
            table = replace(table, data_path=path)
        self.html(render_table(table, self.root, self.words))

    def figure(self, figure: Figure | None, *, live: bool = True) -> None:
        """Add a figure, with its data beside the page; nothing where there is none."""
        if figure is None:
            return
        folder = f"data/plots/{self.path.removesuffix('.md')}"
        html, files = render_figure(figure, self.root, self.words, folder, live=live)
        self.html(html)
        self.attach(files)

    def cards(self, cards: Iterable[Card]) -> None:
        """Add a row of cards."""
        self.html(render("cards.html", cards=list(cards), root=self.root))

    def links(self, label: str, links: Iterable[Link]) -> None:
        """Add a list of links under a short label; nothing where there is none."""
        listed = list(links)
        if listed:
            self.html(render("links.html", label=label, links=listed, root=self.root))

    def facts(self, facts: Iterable[tuple[str, str | Markup]]) -> None:
        """Add names and values."""
        self.html(render("facts.html", facts=list(facts)))

    def finish(self) -> Page:
        """Return what was collected."""
        return Page(
            path=self.path,
            title=self._title,
            skeleton="\n\n".join(self._lines) + "\n",
            slots=self._slots,
            data=self._files,
            hide=self._hide,
        )
