"""The page of the annotation-time study."""

from __future__ import annotations

from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell
from cosmos_board.site.pages.sections.notices import explain_missing_study
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter


def annotation_page(context: PageContext) -> Page:
    """Return the page of the annotation study."""
    data, words = context.data, context.words
    page = PageWriter(context, "studies/annotation.md", words("Annotation-time study"))
    page.text(
        words(
            "Do annotators work better and faster with a model’s proposal? Every reader draws the "
            "same reference masks in both arms; gains are paired by reader and image."
        )
    )
    rows = data.studies.annotation.rows
    if not rows:
        otherwise = words("No annotation log has been imported yet, so nothing is claimed.")
        page.note(explain_missing_study(data, "annotation", words, otherwise))
        return page.finish()
    table = RecordTable(data, words, rows)
    table.cells(
        "reader",
        words("Reader"),
        lambda row: Cell(row.reader or words("all readers"), strong=not row.reader),
        frozen=True,
    )
    table.text("measure", words("Measure"), lambda row: words.term(row.measure), facet=True)
    table.score("unaided", words("Unaided"), lambda row: row.unaided)
    table.score("assisted", words("Assisted"), lambda row: row.assisted)
    table.change("gain", words("Gain"), lambda row: row.gain.value, best="high")
    table.interval(lambda row: (row.gain.low, row.gain.high))
    table.count("pairs", words("Pairs"), lambda row: row.pairs)
    caption = words(
        "Unaided against assisted, paired by reader and image; the gain counts up when assistance "
        "is better. Data {version}.",
        version=data.version_label,
    )
    page.table(table.build("annotation", caption))
    return page.finish()
