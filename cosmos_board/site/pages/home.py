"""The home page: the question, who is ranked first, how surely, and at what cost."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.types import Board, BoardRow
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import (
    describe_finding,
    model_url,
    prompt_label,
    slice_label,
    slice_url,
    slug,
    target_label,
)
from cosmos_board.site.content.site_data import OVERALL, SiteData
from cosmos_board.site.language.numbers import number, with_interval
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.board_tables import add_ranking
from cosmos_board.site.pages.sections.figures import add_prompts, cost_figure
from cosmos_board.site.pages.sections.matrix import add_slice_map
from cosmos_board.site.pages.sections.notices import (
    add_notes,
    add_study,
    add_submitted,
    add_withheld,
    explain_empty,
    link_advice,
)
from cosmos_board.site.pages.sections.standing import (
    count_rivals,
    explain_no_leader,
    find_leader,
    tier_cell,
)
from cosmos_board.site.pages.sections.writer import Card, Link, PageContext, PageWriter
from cosmos_board.store.queries.cards import TrackEntry

TOP = 12
"""Models that the home page shows."""

MOST = 4
"""Entries and findings that the home page shows."""

OFFICIAL = ("sam-vit-b", "sam-vit-l", "sam-vit-h")
"""The checkpoints that the study is about; a board without them says so."""

_NEWS = (
    "holds", "contradicted", "smaller than claimed", "there, size open", "not shown",
    "not enough data",
)  # fmt: skip


def home_page(context: PageContext) -> Page:
    """Return the page that people open first."""
    data, words = context.data, context.words
    page = PageWriter(context, "index.md", words("COSMOS board"), hide=("navigation", "toc"))
    page.lead(
        words(
            "How well do promptable segmentation models work on medical images? Every model gets "
            "the same prompts on the same reference masks. From ten clusters (patients, volumes or "
            "images) on, scores have 95 % confidence intervals and models are ranked; with fewer, "
            "scores stand alone."
        )
    )
    add_study(page)
    board = data.main_board(OVERALL)
    if board is not None:
        _write_board(page, board)
    elif data.boards or data.withheld:
        _write_without_overall(page)
    else:
        text = words(
            "The board is empty: no run has been ingested. The command cosmos-board demo fills "
            "one in a few minutes."
        )
        page.note(text)
    return page.finish()


def _write_board(page: PageWriter, board: Board) -> None:
    data, words = page.data, page.words
    page.html(_counts(data, words))
    page.cards(_cards(data, board, words))
    link_advice(page)
    _add_official(page)
    add_notes(page, board)
    page.heading(words("Leaderboard"), "leaderboard")
    add_ranking(page, board, top=TOP)
    if len(board.rows) > TOP:
        links = [Link(prompt_label(name, words), f"prompts/{name}/") for name in data.prompts()]
        page.links(words("All {n} models", n=len(board.rows)), links)
    add_submitted(page, OVERALL, top=TOP)
    cost = cost_figure(board, data, words)
    if cost is not None:
        page.heading(words("Quality against cost"), "cost")
        page.figure(cost)
    caption = words(
        "Dice ↑ and rank (with its range) over all targets, by predicted IoU; everything mode by "
        "the mask closest to the reference mask; no rank where no target has 10 clusters. "
        "Data {version}.",
        version=data.version_label,
    )
    add_prompts(page, OVERALL, caption, models=[row.model for row in board.rows[:TOP]])
    add_slice_map(page, OVERALL, most=TOP)
    add_withheld(page, ["target"])
    _add_news(page)


def _write_without_overall(page: PageWriter) -> None:
    """Write the home page of a board that has slices but no leaderboard over all of them."""
    data, words = page.data, page.words
    page.html(_counts(data, words))
    link_advice(page)
    otherwise = words(
        "Nothing here is ranked over all targets: synthetic images never stand beside real ones, "
        "and nothing else was scored."
    )
    page.note(explain_empty(data, words, otherwise))
    add_submitted(page, OVERALL, top=TOP)
    for part in data.slices("modality"):
        board = data.main_board(part)
        if board is not None:
            label, name = slice_label(part, data, words), slug(part.name)
            page.heading(label, f"in-{name}")
            add_notes(page, board)
            add_ranking(page, board, top=TOP, name=f"board-{name}")
            page.links(words("More"), [Link(label, slice_url(part))])
    add_withheld(page, ["overall", "target"])
    _add_official(page)
    _add_news(page)


def _counts(data: SiteData, words: Words) -> str:
    modalities, objects, targets, datasets = (
        len({getattr(target, kind) for target in data.targets_of(OVERALL)})
        for kind in ("modality", "object", "target", "dataset")
    )
    masks = data.amount(OVERALL).references
    counted = [
        (len(data.models), words.plural(len(data.models), "model", "models"), "models/"),
        (modalities, words.plural(modalities, "modality", "modalities"), "modalities/"),
        (objects, words.plural(objects, "object", "objects"), "objects/"),
        (targets, words.plural(targets, "target", "targets"), "targets/"),
        (len(data.prompts()), words("prompts"), "prompts/"),
        (datasets, words.plural(datasets, "dataset", "datasets"), "datasets/"),
        (masks, words.plural(masks, "reference mask", "reference masks"), "docs/protocol/"),
    ]
    facts = [(number(count, 0), name, url) for count, name, url in counted]
    return render("counts.html", facts=facts)


def _cards(data: SiteData, board: Board, words: Words) -> list[Card]:
    first = find_leader(board)
    if first is None:
        alone = "" if board.facts.ranks else words("The table below holds the scores alone.")
        reason = explain_no_leader(board, words)
        return [Card(words("Ranking"), reason[:1].upper() + reason[1:], alone)]
    prompt = prompt_label(board.key.prompt, words)
    kicker = words("Ranked first with the prompt “{prompt}”", prompt=prompt)
    cards = [Card(kicker, first.label, _place(board, first, words), model_url(first.model))]
    point = data.board(OVERALL, "point")
    with_point = find_leader(point)
    if point is not None and with_point is not None and board.key.prompt != "point":
        kicker = words("Ranked first with one point")
        place = _place(point, with_point, words)
        cards.append(Card(kicker, with_point.label, place, "prompts/point/"))
    return cards + _target_cards(data, board, first, words)


def _place(board: Board, first: BoardRow, words: Words) -> str:
    """Return the score of the model that is ranked first, and how many are not separated."""
    rivals = count_rivals(board, words)
    return words.separate([_score(first, words), *([rivals] if rivals else [])])


def _score(row: BoardRow, words: Words) -> str:
    return with_interval(words("Dice {score}", score=number(row.score)), row.low, row.high)


def _target_cards(data: SiteData, board: Board, first: BoardRow, words: Words) -> list[Card]:
    """Return where the model that is ranked first scores highest and lowest.

    Nothing where the two intervals overlap: which target is easier is then not known.
    """
    found = sorted(
        (row.score, part, row)
        for part, row, _ in data.places(first.model, "target", board.key.prompt)
        if row.low is not None and data.is_synthetic(part) == board.facts.synthetic
    )
    if len(found) < 2:
        return []
    (_, _, least), *_, (_, _, most) = found
    if least.high is None or most.low is None or least.high >= most.low:
        return []
    told = {
        "n": len(found),
        "model": first.label,
        "prompt": prompt_label(board.key.prompt, words),
    }
    cards = []
    for kicker, (_, part, row) in (
        (words("{model}, prompt “{prompt}”: highest of {n} targets", **told), found[-1]),
        (words("{model}, prompt “{prompt}”: lowest of {n} targets", **told), found[0]),
    ):
        cards.append(
            Card(kicker, target_label(part.name, words), _score(row, words), slice_url(part))
        )
    return cards


def _add_news(page: PageWriter) -> None:
    """Add the newest entries beside the findings, decided ones first."""
    data, words = page.data, page.words
    page.heading(words("News"), "news")
    findings = sorted(data.studies.findings, key=lambda finding: _NEWS.index(finding.verdict))
    decided = sum(finding.verdict != "not enough data" for finding in findings)
    page.html(
        render(
            "news.html",
            entries=[_entry(entry, data, words) for entry in data.entries[:MOST]],
            findings=[describe_finding(finding, words) for finding in findings[:MOST]],
            decided=words(
                "Enough data for a verdict: {n} of {claims}.",
                n=decided,
                claims=words.count(len(findings), "claim"),
            ),
            t=words,
        )
    )


def _entry(entry: TrackEntry, data: SiteData, words: Words) -> dict[str, str]:
    track = words("full run") if entry.track == FULL else words("submission")
    tier = tier_cell(entry.tier, words)
    return {
        "date": entry.date,
        "url": model_url(entry.model),
        "label": data.label(entry.model),
        "note": words.listing([track, tier.text]),
        "title": tier.title,
    }


def _add_official(page: PageWriter) -> None:
    """Say which of SAM's official checkpoints nobody has run here, and how to run them."""
    words = page.words
    missing = [name for name in OFFICIAL if name not in page.data.models]
    if missing:
        text = Markup(
            '{} <code>make official PACKS="…"</code> {} <a href="submit/operate/#official">{}</a>'
        )
        page.note(
            text.format(
                words("Official SAM: not yet run here ({models}).", models=words.listing(missing)),
                words("fetches the checkpoints, evaluates them and ranks them on this board."),
                words("How to run it"),
            )
        )
