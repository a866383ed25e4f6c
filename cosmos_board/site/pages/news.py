"""What is new, on the home page: who came last, which findings stand, what nobody has run yet."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.findings.findings import Finding
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.page import Article
from cosmos_board.site.content.site_data import Book, Entry, model_url
from cosmos_board.site.language.messages import CLAIM_TEXTS
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.context import Context
from cosmos_board.site.pages.studies.findings import MARKS, finding_url
from cosmos_board.site.templates import render

MOST = 4
"""Entries and findings that the home page shows."""

OFFICIAL = ("sam-vit-b", "sam-vit-l", "sam-vit-h")
"""The checkpoints that the study is about; a board without them says so."""

_NEWS = ("holds", "overturned", "weakened", "undecided", "not enough data")


def add_news(context: Context, article: Article) -> None:
    """Add the newest entries beside the findings, decided ones first."""
    book, words = context.book, context.words
    article.heading(words("News"), "news")
    found = sorted(book.studies.findings, key=lambda finding: _NEWS.index(finding.verdict))
    decided = sum(finding.verdict != "not enough data" for finding in found)
    article.add(
        render(
            "news.html",
            entries=[_entry(entry, book, words) for entry in book.entries[:MOST]],
            findings=[_finding(finding, words) for finding in found[:MOST]],
            decided=words(
                "Enough data for a verdict: {n} of {claims}.",
                n=decided,
                claims=words.count(len(found), "claim"),
            ),
            t=words,
        )
    )


def _entry(entry: Entry, book: Book, words: Words) -> dict[str, str]:
    track = words("full run") if entry.track == FULL else words("submission")
    return {
        "date": entry.date,
        "url": model_url(entry.model),
        "label": book.label(entry.model),
        "note": words.listing([track, words.term(entry.tier)]),
    }


def _finding(finding: Finding, words: Words) -> dict[str, str]:
    return {
        "kind": finding.verdict.replace(" ", "-"),
        "mark": MARKS.get(finding.verdict, "–"),
        "url": finding_url(finding),
        "statement": words(CLAIM_TEXTS[finding.id].statement),
        "verdict": words.term(finding.verdict),
    }


def add_official(context: Context, article: Article) -> None:
    """Say which of SAM's official checkpoints nobody has run here, and how to run them."""
    words = context.words
    missing = [name for name in OFFICIAL if name not in context.book.models]
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
