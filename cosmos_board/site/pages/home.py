"""The home page: the question, who leads, how sure we are, and at what cost."""

from __future__ import annotations

from cosmos_board.board.types import Board, BoardRow, Slice
from cosmos_board.site.components.markup import DASH, number, span
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.content.site_data import (
    Book,
    model_url,
    prompt_label,
    slice_url,
    slug,
    target_label,
)
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.boards.matrix import matrix_table, prompt_columns
from cosmos_board.site.pages.boards.prompts import OVERALL
from cosmos_board.site.pages.boards.ranking import ranking_table
from cosmos_board.site.pages.boards.slices import (
    add_map,
    add_notes,
    slice_label,
    targets_of,
)
from cosmos_board.site.pages.context import Card, Context, Link
from cosmos_board.site.pages.figures import cost_figure, prompt_figure
from cosmos_board.site.pages.news import add_news, add_official
from cosmos_board.site.pages.notices import (
    add_withheld,
    explain_empty,
    explain_no_leader,
    find_leader,
)
from cosmos_board.site.pages.studies.study import add_study
from cosmos_board.site.pages.submissions.submitted import add_submitted, main_board
from cosmos_board.site.templates import render

TOP = 12


def home_page(context: Context) -> Page:
    """Return the page that people open first."""
    book, words = context.book, context.words
    article = Article("index.md", words("COSMOS board"), hide=("navigation", "toc"))
    context.lead(
        article,
        words(
            "How well do promptable segmentation models work on medical images? Every model gets "
            "the same prompts on the same references; scores stand with their 95 % confidence "
            "interval where there are at least ten patients, and nobody is ranked where there are "
            "fewer."
        ),
    )
    add_study(context, article)
    board = main_board(book, OVERALL)
    if board is None and (book.boards or book.withheld):
        return _without_overall(context, article)
    if board is None:
        context.note(
            article,
            words(
                "The board is empty: no run has been ingested. The command cosmos-board demo "
                "fills one in a "
                "few minutes."
            ),
        )
        return article.page()
    article.add(_counts(book, words))
    context.cards(article, _cards(book, board, words))
    _link_advice(context, article)
    add_official(context, article)
    add_notes(context, article, board)
    article.heading(words("Leaderboard"), "leaderboard")
    context.table(article, ranking_table(book, board, words, top=TOP))
    if len(board.rows) > TOP:
        context.links(
            article,
            words("All {n} models", n=len(board.rows)),
            [Link(prompt_label(name, words), f"prompts/{name}/") for name in book.prompts()],
        )
    add_submitted(context, article, OVERALL, top=TOP)
    cost = cost_figure(board, book, words)
    if cost is not None:
        article.heading(words("Quality against cost"), "cost")
        context.figure(article, cost)
    article.heading(words("By prompt"), "prompts")
    columns = prompt_columns([(p, book.board(OVERALL, p)) for p in book.prompts()], words)
    context.table(
        article,
        matrix_table(
            book,
            columns,
            words,
            name="by-prompt",
            caption=words(
                "Dice ↑ and rank over all targets, by predicted IoU; everything mode by its best "
                "mask. Data {version}.",
                version=book.version or DASH,
            ),
            models=[row.model for row in board.rows[:TOP]],
        ),
    )
    context.figure(article, prompt_figure(columns, words))
    add_map(context, article, OVERALL, most=TOP)
    add_withheld(context, article, ["target"])
    add_news(context, article)
    return article.page()


def _link_advice(context: Context, article: Article) -> None:
    words = context.words
    context.links(article, words("Advice"), [Link(words("Which model to use?"), "advisor/")])


def _without_overall(context: Context, article: Article) -> Page:
    """Return a home page for a board that has slices but no leaderboard over all of them."""
    book, words = context.book, context.words
    article.add(_counts(book, words))
    _link_advice(context, article)
    context.note(
        article,
        explain_empty(
            book,
            words,
            words(
                "Nothing here is ranked over all targets: synthetic images never stand beside "
                "real ones, and nothing else was scored."
            ),
        ),
    )
    add_submitted(context, article, OVERALL, top=TOP)
    for part in book.slices("modality"):
        board = main_board(book, part)
        if board is not None:
            article.heading(slice_label(part, book, words), f"in-{slug(part.name)}")
            add_notes(context, article, board)
            context.table(
                article, ranking_table(book, board, words, top=TOP, name=f"board-{slug(part.name)}")
            )
            context.links(
                article, words("More"), [Link(slice_label(part, book, words), slice_url(part))]
            )
    add_withheld(context, article, ["overall", "target"])
    add_official(context, article)
    add_news(context, article)
    return article.page()


def _counts(book: Book, words: Words) -> str:
    infos = targets_of(book, OVERALL)
    targets = {info.target for info in infos}
    references = book.amount(OVERALL).references
    objects = {info.object for info in infos}
    modalities = {info.modality for info in infos}
    datasets = {info.dataset for info in infos}
    counted = [
        (len(book.models), words.plural(len(book.models), "model", "models"), "models/"),
        (len(modalities), words.plural(len(modalities), "modality", "modalities"), "modalities/"),
        (len(objects), words.plural(len(objects), "object", "objects"), "objects/"),
        (len(targets), words.plural(len(targets), "target", "targets"), "targets/"),
        (len(book.prompts()), words("prompts"), "prompts/"),
        (len(datasets), words.plural(len(datasets), "dataset", "datasets"), "datasets/"),
        (references, words.plural(references, "reference", "references"), "docs/protocol/"),
    ]
    listed = [(number(count, 0), name, url) for count, name, url in counted]
    return render("counts.html", facts=listed)


def _cards(book: Book, board: Board, words: Words) -> list[Card]:
    cards = []
    first = find_leader(board)
    if first is None:
        reason = explain_no_leader(board, words)
        return [Card(words("Ranking"), reason, words("The table below holds the scores alone."))]
    tied = sum(row.tie_group == first.tie_group for row in board.ranked) - 1
    cards.append(
        Card(
            words(
                "Ranked first with the prompt “{prompt}”",
                prompt=prompt_label(board.key.prompt, words),
            ),
            first.label,
            _score(first, words)
            + (words(", level with {n} more", n=tied) if first.tie_group and tied else ""),
            model_url(first.model),
        )
    )
    point = book.board(OVERALL, "point")
    row = find_leader(point)
    if row is not None and board.key.prompt != "point":
        cards.append(
            Card(
                words("Ranked first with one point"),
                row.label,
                _score(row, words),
                "prompts/point/",
            )
        )
    cards.extend(_target_cards(book, words))
    return cards


def _score(row: BoardRow, words: Words) -> str:
    interval = span(row.low, row.high)
    return words("Dice {score}", score=number(row.score)) + (f" ({interval})" if interval else "")


def _target_cards(book: Book, words: Words) -> list[Card]:
    best: list[tuple[float, Slice, BoardRow]] = []
    for part in book.slices("target"):
        board = main_board(book, part)
        row = find_leader(board)
        if board is not None and row is not None and not board.facts.synthetic:
            best.append((row.score, part, row))
    if len(best) < 2:
        return []
    cards = []
    for kicker, (score, part, row) in (
        (words("Highest score of a target"), max(best, key=lambda found: (found[0], found[1]))),
        (words("Lowest of the best scores"), min(best, key=lambda found: (found[0], found[1]))),
    ):
        detail = words("best Dice {score}, by {model}", score=number(score), model=row.label)
        cards.append(Card(kicker, target_label(part.name, words), detail, slice_url(part)))
    return cards
