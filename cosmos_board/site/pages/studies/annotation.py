"""The page of the annotation-time study."""

from __future__ import annotations

from cosmos_board.board.studies.annotation import ArmRow
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell
from cosmos_board.site.language.numbers import DASH
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.effects import add_detectable
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
    table.text("holds", words("The interval is for"), lambda row: _say_readers(row, words))
    add_detectable(table, lambda row: row.gain, words)
    table.count("readers", words("Readers"), lambda row: row.readers)
    table.count("pairs", words("Pairs"), lambda row: row.pairs)
    table.count("clusters", words("Clusters"), lambda row: row.gain.clusters)
    caption = words(
        "Unaided against assisted, paired by reader and image; the gain counts up when assistance "
        "is better. From three readers on, the interval of all readers is for other readers and "
        "other clusters; else it is for other clusters and these readers alone. Where no gain is "
        "shown, “could have shown” is the least true gain that such data would show in four of "
        "five samples. Data {version}.",
        version=data.version_label,
    )
    page.table(table.build("annotation", caption))
    return page.finish()


def _say_readers(row: ArmRow, words: Words) -> str:
    if row.gain.low is None:
        return DASH
    if row.other_readers:
        return words("other readers and clusters")
    return words("these readers, other clusters")
