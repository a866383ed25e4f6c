"""Exploring: a pivot table over every published score in the browser, and the data files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from operator import attrgetter

from cosmos_board.board.export import to_json
from cosmos_board.metrics.table import METRICS
from cosmos_board.site.components.markup import up
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import image_kinds, modality_label, object_label, prompt_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import number
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import explain_empty, note_withheld, track_label
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter
from cosmos_board.store.schema import PUBLISHED_SCORES
from cosmos_board.store.tables import pack_published_scores

CELLS_PATH = "data/cells.parquet"
MANIFEST = "data/manifest.json"


_ROW_COLUMNS = ("model", "score", "low", "high", "rank", "references", "clusters")
_row_values = attrgetter(*_ROW_COLUMNS)


def cells_file(data: SiteData) -> bytes:
    """Return every score of every board as Parquet."""
    columns: dict[str, list[object]] = {field.name: [] for field in PUBLISHED_SCORES}
    for key, board in data.boards.items():
        count = len(board.rows)
        cells = [_row_values(row) for row in board.rows]
        for name, value in (
            ("track", key.track), ("kind", key.slice.kind), ("slice", key.slice.name),
            ("prompt", key.prompt), ("selection", key.selection), ("metric", key.metric),
            ("synthetic", board.facts.synthetic),
        ):  # fmt: skip
            columns[name].extend([value] * count)
        for place, name in enumerate(_ROW_COLUMNS):
            columns[name].extend([cell[place] for cell in cells])
    return pack_published_scores(columns)


def manifest_file(files: Mapping[str, bytes], version: str, *, local: bool = False) -> bytes:
    """Return the list of all data files with their lengths and checksums."""
    listed = [
        {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in sorted(files.items())
        if path.startswith("data/")
    ]
    document = {"schema_version": 1, "data_version": version, "files": listed}
    return to_json(document | ({"local": True} if local else {}))


def explore_page(context: PageContext, cells: bytes, *, readable: bool) -> Page:
    """Return the page with the pivot over `cells`, a Parquet file.

    `readable` says whether the script that reads it is part of this build.
    """
    data, words = context.data, context.words
    page = PageWriter(context, "explore/index.md", words("Explore"), hide=("navigation", "toc"))
    page.text(
        words(
            "Pivot table: mean scores over targets, by model, prompt, modality or object, computed "
            "in your browser from the published file. Scores alone, of targets with any number of "
            "clusters: for confidence intervals and ranks see the leaderboards."
        )
    )
    if not data.boards:
        page.note(explain_empty(data, words, words("Nothing has been scored yet.")))
    elif readable:
        page.html(_form(data, cells, words))
        page.note_without_scripts(
            words("The pivot needs scripts; the files below hold the same numbers.")
        )
    else:
        page.note(
            words("This build has no reader for Parquet (npm ci adds it); the files are below.")
        )
    note_withheld(page)
    page.heading(words("Files"), "all-files")
    page.table(_files_table(data, cells, words))
    page.heading(words("Columns of the file of scores"), "schema")
    page.table(_columns_table(data, words))
    return page.finish()


def _form(data: SiteData, cells: bytes, words: Words) -> str:
    modalities = sorted({info.modality for info in data.targets})
    objects = sorted({info.object for info in data.targets})
    labels = {
        "model": [(name, model.label) for name, model in sorted(data.models.items())],
        "prompt": [(name, prompt_label(name, words)) for name in data.prompts()],
        "modality": [(name, modality_label(name, words)) for name in modalities],
        "object": [(name, object_label(name, words)) for name in objects],
    }
    fields = [
        ("model", words("Model")), ("prompt", words("Prompt")),
        ("modality", words("Modality")), ("object", words("Object")),
    ]  # fmt: skip
    return render(
        "explore.html",
        root=up("explore/index.md"),
        shared=words.shared,
        path=words.shared + CELLS_PATH,
        length=len(cells),
        labels=to_json(labels).decode().strip(),
        fields=fields,
        metrics=[(m.name, words(m.label)) for m in METRICS.values() if m.ranked],
        tracks=[(track, track_label(track, words)) for track in data.tracks],
        kinds=image_kinds(data, words),
        t=words,
    )


def _files_table(data: SiteData, cells: bytes, words: Words) -> Table:
    files = [
        ("cells.parquet", CELLS_PATH, words("Every score of every board"), number(len(cells), 0)),
        ("manifest.json", MANIFEST, words("All data files with length and sha256"), ""),
    ]
    table = RecordTable(data, words, files)
    table.cells(
        "file", words("File"), lambda row: Cell(row[0], row[0], words.shared + row[1]), frozen=True
    )
    table.text("holds", words("What it holds"), lambda row: row[2])
    table.cells("bytes", words("Bytes"), lambda row: Cell(row[3], row[3] or None), numeric=True)
    caption = words("Whole files; every table and plot of the site also links to its own data.")
    return table.build("files", caption, tools=False)


def _columns_table(data: SiteData, words: Words) -> Table:
    table = RecordTable(data, words, tuple(PUBLISHED_SCORES))
    table.text("column", words("Column"), lambda field: field.name, frozen=True)
    table.text("type", words("Type"), lambda field: str(field.type))
    table.text("nullable", words("May be unknown"), lambda field: words.yes_no(field.nullable))
    caption = words("Schema of cells.parquet, version 1.")
    return table.build("columns", caption, tools=False)
