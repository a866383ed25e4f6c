"""The home page: the question, who leads, how sure we are, and at what cost."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.findings.findings import Finding
from cosmos_board.board.types import Board, BoardRow, Slice
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import (
    MARKS,
    finding_url,
    model_url,
    prompt_label,
    slice_label,
    slice_url,
    slug,
    target_label,
)
from cosmos_board.site.content.site_data import Entry, SiteData
from cosmos_board.site.language.numbers import DASH, number, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.boards.prompts import OVERALL
from cosmos_board.site.pages.boards.slices import add_map, add_notes
from cosmos_board.site.pages.sections.figures import cost_figure, prompt_figure
from cosmos_board.site.pages.sections.matrix import matrix_table, prompt_columns
from cosmos_board.site.pages.sections.notices import (
    add_study,
    add_submitted,
    add_withheld,
    explain_empty,
    explain_no_leader,
    find_leader,
    main_board,
)
from cosmos_board.site.pages.sections.ranking import ranking_table
from cosmos_board.site.pages.sections.writer import Card, Context, Link

TOP = 12


def home_page(context: Context) -> Page:
    """Return the page that people open first."""
    data, words = context.data, context.words
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
    board = main_board(data, OVERALL)
    if board is None and (data.boards or data.withheld):
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
    article.add(_counts(data, words))
    context.cards(article, _cards(data, board, words))
    _link_advice(context, article)
    add_official(context, article)
    add_notes(context, article, board)
    article.heading(words("Leaderboard"), "leaderboard")
    context.table(article, ranking_table(data, board, words, top=TOP))
    if len(board.rows) > TOP:
        context.links(
            article,
            words("All {n} models", n=len(board.rows)),
            [Link(prompt_label(name, words), f"prompts/{name}/") for name in data.prompts()],
        )
    add_submitted(context, article, OVERALL, top=TOP)
    cost = cost_figure(board, data, words)
    if cost is not None:
        article.heading(words("Quality against cost"), "cost")
        context.figure(article, cost)
    article.heading(words("By prompt"), "prompts")
    columns = prompt_columns([(p, data.board(OVERALL, p)) for p in data.prompts()], words)
    context.table(
        article,
        matrix_table(
            data,
            columns,
            words,
            name="by-prompt",
            caption=words(
                "Dice ↑ and rank over all targets, by predicted IoU; everything mode by its best "
                "mask. Data {version}.",
                version=data.version or DASH,
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
    data, words = context.data, context.words
    article.add(_counts(data, words))
    _link_advice(context, article)
    context.note(
        article,
        explain_empty(
            data,
            words,
            words(
                "Nothing here is ranked over all targets: synthetic images never stand beside "
                "real ones, and nothing else was scored."
            ),
        ),
    )
    add_submitted(context, article, OVERALL, top=TOP)
    for part in data.slices("modality"):
        board = main_board(data, part)
        if board is not None:
            article.heading(slice_label(part, data, words), f"in-{slug(part.name)}")
            add_notes(context, article, board)
            context.table(
                article, ranking_table(data, board, words, top=TOP, name=f"board-{slug(part.name)}")
            )
            context.links(
                article, words("More"), [Link(slice_label(part, data, words), slice_url(part))]
            )
    add_withheld(context, article, ["overall", "target"])
    add_official(context, article)
    add_news(context, article)
    return article.page()


def _counts(data: SiteData, words: Words) -> str:
    infos = data.targets_of(OVERALL)
    targets = {info.target for info in infos}
    references = data.amount(OVERALL).references
    objects = {info.object for info in infos}
    modalities = {info.modality for info in infos}
    datasets = {info.dataset for info in infos}
    counted = [
        (len(data.models), words.plural(len(data.models), "model", "models"), "models/"),
        (len(modalities), words.plural(len(modalities), "modality", "modalities"), "modalities/"),
        (len(objects), words.plural(len(objects), "object", "objects"), "objects/"),
        (len(targets), words.plural(len(targets), "target", "targets"), "targets/"),
        (len(data.prompts()), words("prompts"), "prompts/"),
        (len(datasets), words.plural(len(datasets), "dataset", "datasets"), "datasets/"),
        (references, words.plural(references, "reference", "references"), "docs/protocol/"),
    ]
    listed = [(number(count, 0), name, url) for count, name, url in counted]
    return render("counts.html", facts=listed)


def _cards(data: SiteData, board: Board, words: Words) -> list[Card]:
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
    point = data.board(OVERALL, "point")
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
    cards.extend(_target_cards(data, words))
    return cards


def _score(row: BoardRow, words: Words) -> str:
    interval = span(row.low, row.high)
    return words("Dice {score}", score=number(row.score)) + (f" ({interval})" if interval else "")


def _target_cards(data: SiteData, words: Words) -> list[Card]:
    best: list[tuple[float, Slice, BoardRow]] = []
    for part in data.slices("target"):
        board = main_board(data, part)
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


MOST = 4
"""Entries and findings that the home page shows."""

OFFICIAL = ("sam-vit-b", "sam-vit-l", "sam-vit-h")
"""The checkpoints that the study is about; a board without them says so."""

_NEWS = ("holds", "overturned", "weakened", "undecided", "not enough data")


def add_news(context: Context, article: Article) -> None:
    """Add the newest entries beside the findings, decided ones first."""
    data, words = context.data, context.words
    article.heading(words("News"), "news")
    found = sorted(data.studies.findings, key=lambda finding: _NEWS.index(finding.verdict))
    decided = sum(finding.verdict != "not enough data" for finding in found)
    article.add(
        render(
            "news.html",
            entries=[_entry(entry, data, words) for entry in data.entries[:MOST]],
            findings=[_finding(finding, words) for finding in found[:MOST]],
            decided=words(
                "Enough data for a verdict: {n} of {claims}.",
                n=decided,
                claims=words.count(len(found), "claim"),
            ),
            t=words,
        )
    )


def _entry(entry: Entry, data: SiteData, words: Words) -> dict[str, str]:
    track = words("full run") if entry.track == FULL else words("submission")
    return {
        "date": entry.date,
        "url": model_url(entry.model),
        "label": data.label(entry.model),
        "note": words.listing([track, words.term(entry.tier)]),
    }


def _finding(finding: Finding, words: Words) -> dict[str, str]:
    return {
        "kind": finding.verdict.replace(" ", "-"),
        "mark": MARKS.get(finding.verdict, "–"),
        "url": finding_url(finding),
        "statement": words.pick(finding.statement, finding.statement_zh),
        "verdict": words.term(finding.verdict),
    }


def add_official(context: Context, article: Article) -> None:
    """Say which of SAM's official checkpoints nobody has run here, and how to run them."""
    words = context.words
    missing = [name for name in OFFICIAL if name not in context.data.models]
    if not missing:
        return
    context.note(
        article,
        Markup(
            '{} <code>make official PACKS="…"</code> {} <a href="submit/operate/#official">{}</a>'
        ).format(
            words("Official SAM: not yet run here ({models}).", models=words.listing(missing)),
            words("fetches the checkpoints, evaluates them and ranks them on this board."),
            words("How to run it"),
        ),
    )
