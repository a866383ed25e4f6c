"""The page of submitted models: the core track, which shares no ranking with full runs."""

from __future__ import annotations

from cosmos_board.board.types import BoardKey, Slice
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.content.site_data import Book, default_selection, prompt_label
from cosmos_board.site.pages.boards.ranking import ranking_table
from cosmos_board.site.pages.boards.slices import slice_label
from cosmos_board.site.pages.context import Context, Link

PATH = "submissions/index.md"
TRACK = "core"


def submissions_page(context: Context) -> Page:
    """Return the page with every board of the core track: overall, then by dataset."""
    book, words = context.book, context.words
    article = Article(PATH, words("Submissions"))
    article.say(
        words(
            "Models submitted with their predictions on a frozen sample of at most 40 references "
            "a target, scored here. They share no ranking with full runs."
        )
    )
    context.links(
        article,
        words("More"),
        [Link(words("Every submission"), "submissions/entries/", words("ranked or not, and why"))],
    )
    keys = core_boards(book)
    if not keys:
        context.note(article, words("No submission has been accepted yet."))
    seen: set[Slice] = set()
    for key in keys:
        part = key.slice
        if part not in seen:
            seen.add(part)
            anchor = "overall" if part.kind == "overall" else part.name
            article.heading(slice_label(part, book, words), anchor)
        name = f"{part.name or part.kind}-{key.prompt}"
        article.heading(prompt_label(key.prompt, words), f"with-{name}", level=3)
        context.table(article, ranking_table(book, book.boards[key], words, name=name))
    return article.page()


def core_boards(book: Book) -> list[BoardKey]:
    """Return the core track's boards as a reader wants them, in the order of the page."""
    order = list(PROMPTS)
    found = [
        key
        for key in book.boards
        if (key.track, key.scope, key.metric) == (TRACK, "common", "dice")
        and key.slice.kind in ("overall", "dataset")
        and key.selection == default_selection(key.prompt)
    ]
    return sorted(
        found,
        key=lambda key: (key.slice.kind != "overall", key.slice.name, order.index(key.prompt)),
    )
