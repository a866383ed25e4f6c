"""The page of every dataset that the study used, scored here or not: where it is, on what terms."""

from __future__ import annotations

from urllib.parse import urlsplit

from cosmos_board.board.types import Slice
from cosmos_board.core.modalities import MODALITIES
from cosmos_board.data.catalog import load_catalog
from cosmos_board.data.catalog.dataset import Dataset
from cosmos_board.data.catalog.objects import get_object_label
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.writer import Context

PATH = "datasets/catalogue.md"


def catalogue_page(context: Context) -> Page:
    """Return the page that lists the catalog."""
    words = context.words
    article = Article(PATH, words("All datasets of the study"))
    article.say(
        words(
            "The study's data was never released as one. Each of its datasets has an import file "
            "that makes a pack of the download; they are written from general knowledge and have "
            "not met the downloads yet. A name with a link has scores here."
        )
    )
    datasets = load_catalog().cosmos
    context.table(
        article,
        Table(
            name="catalogue",
            caption=words("Datasets with their targets, access and licence, by name."),
            columns=(
                Column(key="dataset", label=words("Dataset"), frozen=True, wrap=True),
                Column(key="access", label=words("Access"), facet=True),
                Column(key="licence", label=words("Licence"), wrap=True),
                Column(key="modalities", label=words("Modalities"), wrap=True),
                Column(key="objects", label=words("Objects"), wrap=True),
                Column(key="source", label=words("Source"), wrap=True),
            ),
            rows=tuple(_row(dataset, context, words) for dataset in datasets),
        ),
    )
    return article.page()


def _row(dataset: Dataset, context: Context, words: Words) -> Row:
    scored = Slice("dataset", dataset.name) in context.data.slices("dataset")
    modalities = [
        MODALITIES[name].label if words.language == "en" else MODALITIES[name].label_zh
        for name in dataset.modalities
    ]
    objects = [get_object_label(name, words.language) for name in dataset.objects]
    cells = (
        Cell(dataset.label, dataset.name, href=f"datasets/{dataset.name}/" if scored else ""),
        _text(words.term(dataset.gate.kind)),
        _text(words.term(dataset.licence)),
        _text(words.listing(modalities)),
        _text(words.listing(objects)),
        Cell(urlsplit(dataset.link).hostname or dataset.link, dataset.link, web=dataset.link),
    )
    return Row(cells)


def _text(text: str) -> Cell:
    return Cell(text, text)
