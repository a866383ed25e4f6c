"""The page of help with annotation."""

from __future__ import annotations

from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.language.numbers import DASH, number, signed, span
from cosmos_board.site.pages.sections.notices import explain_empty
from cosmos_board.site.pages.sections.writer import Context


def annotation_page(context: Context) -> Page:
    """Return the page of the annotation study."""
    data, words = context.data, context.words
    article = Article("studies/annotation.md", words("Help with annotation"))
    article.say(
        words(
            "Do annotators work better and faster with a model’s proposal? Every reader draws the "
            "same references in both arms; gains are paired by reader and image."
        )
    )
    study = data.studies.annotation
    if not study.rows:
        otherwise = words("No annotation log has been imported yet, so nothing is claimed.")
        if "annotation" in data.studies.withheld:
            otherwise = explain_empty(data, words, words("This study is withheld."))
        context.note(article, otherwise)
        return article.page()
    rows = [
        Row(
            (
                Cell(row.reader or words("all readers"), strong=not row.reader),
                Cell(words.term(row.measure)),
                Cell(number(row.unaided), row.unaided),
                Cell(number(row.assisted), row.assisted),
                Cell(signed(row.gain.value), row.gain.value),
                Cell(span(row.gain.low, row.gain.high) or words("no interval")),
                Cell(number(row.pairs, 0), row.pairs),
            )
        )
        for row in study.rows
    ]
    context.table(
        article,
        Table(
            name="annotation",
            caption=words(
                "Unaided against assisted, paired by reader and image; the gain counts up when "
                "assistance is better. Data {version}.",
                version=data.version or DASH,
            ),
            columns=(
                Column(key="reader", label=words("Reader"), frozen=True),
                Column(key="measure", label=words("Measure"), facet=True),
                Column(key="unaided", label=words("Unaided"), numeric=True),
                Column(key="assisted", label=words("Assisted"), numeric=True),
                Column(key="gain", label=words("Gain"), numeric=True, best="high"),
                Column(key="interval", label=words("95 % interval")),
                Column(key="pairs", label=words("Pairs"), numeric=True),
            ),
            rows=tuple(rows),
        ),
    )
    return article.page()
