"""The page of every dataset that the study used, scored here or not: where it is, on what terms."""

from __future__ import annotations

from urllib.parse import urlsplit

from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell
from cosmos_board.site.content.labels import modality_label, object_label
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter

PATH = "datasets/catalogue.md"


def catalogue_page(context: PageContext) -> Page:
    """Return the page that lists the catalog."""
    data, words = context.data, context.words
    page = PageWriter(context, PATH, words("All datasets of the study"))
    page.text(
        words(
            "The study's data was never released as one. Each of its datasets has an import file "
            "that makes a pack of the download; most were checked against public programs and "
            "descriptions, none on the downloads themselves. A name with a link has scores here."
        )
    )
    scored = {part.name for part in data.slices("dataset")}
    table = RecordTable(data, words, load_catalog().cosmos)
    table.cells(
        "dataset",
        words("Dataset"),
        lambda row: Cell(
            row.label, row.name, f"datasets/{row.name}/" if row.name in scored else ""
        ),
        frozen=True,
        wrap=True,
    )
    table.text("access", words("Access"), lambda row: words.term(row.gate.kind), facet=True)
    table.text("licence", words("Licence"), lambda row: words.term(row.licence), wrap=True)
    table.text(
        "modalities",
        words("Modalities"),
        lambda row: words.listing(modality_label(name, words) for name in row.modalities),
        wrap=True,
    )
    table.text(
        "objects",
        words("Objects"),
        lambda row: words.listing(object_label(name, words) for name in row.objects),
        wrap=True,
    )
    table.cells("source", words("Source"), lambda row: _source_cell(row.link), wrap=True)
    caption = words("Datasets with their targets, access and licence, by name.")
    page.table(table.build("catalogue", caption))
    return page.finish()


def _source_cell(link: str) -> Cell:
    return Cell(urlsplit(link).hostname or link, link, web=link)
