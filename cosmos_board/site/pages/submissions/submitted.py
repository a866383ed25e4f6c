"""Which board opens a page, and what submissions reach on the same slice."""

from __future__ import annotations

from cosmos_board.board.types import Board, Slice
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.page import Article
from cosmos_board.site.content.site_data import Book
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.boards.ranking import ranking_table
from cosmos_board.site.pages.context import Context
from cosmos_board.site.pages.notices import explain_no_leader, track_label, track_text

FIRST_PROMPTS = ("box", "point", "points-5", "box-point", "points-5-5", "everything")
"""The prompt whose table opens a page: the first of these that was scored."""


def main_board(book: Book, part: Slice, track: str = FULL) -> Board | None:
    """Return the board that opens the page of a slice; None where nothing was scored."""
    for prompt in FIRST_PROMPTS:
        board = book.board(part, prompt, track=track)
        if board is not None and board.rows:
            return board
    return None


def explain_no_full_run(book: Book, part: Slice, words: Words) -> str:
    """Return what stands where a slice has no board of full runs."""
    if any(main_board(book, part, track) for track in book.submitted):
        return words("No full run yet: the submissions below have rankings of their own.")
    return words("Nothing has been scored here yet.")


def add_submitted(
    context: Context, article: Article, part: Slice, *, top: int | None = None
) -> None:
    """Add what submissions reach on a slice: each track in a table of its own."""
    book, words = context.book, context.words
    for track in book.submitted:
        board = main_board(book, part, track)
        if board is None:
            continue
        article.heading(track_label(track, words), f"track-{track}")
        article.say(track_text(track, words))
        name = f"board-{track}"
        context.table(article, ranking_table(book, board, words, top=top, name=name))
        if board.rows and not board.ranked:
            context.note(article, explain_no_leader(board, words))
