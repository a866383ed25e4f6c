"""The page of how well intervals hold: what simulations with known truths found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.components.table_output import render_table
from cosmos_board.site.language.numbers import DASH, signed
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.docs.intervals_words import (
    Law,
    describe_case,
    describe_scores,
    laws,
)
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter

PATH = "docs/intervals.md"
FILE = "intervals.json"

_Cell = Mapping[str, Any]
"""A cell as `python -m benchmarks.intervals` writes it."""


@dataclass(frozen=True, slots=True)
class _Line:
    """The cells of one law that differ in their scores alone."""

    layout: str
    case: str
    models: int | None
    difference: float | None
    cells: Mapping[str, _Cell]
    """By the key of their scores."""


def intervals_page(context: PageContext, folder: Path | None) -> Page:
    """Return the page, from `intervals.json` in `folder` where there is one."""
    words = context.words
    page = PageWriter(context, PATH, words("How well our intervals hold"), hide=())
    page.text(
        words(
            "A 95 % interval should hold the truth in 95 of 100 boards. Whether it does can be "
            "tried only where the truth is known: scores are drawn from distributions whose mean "
            "is known, a board is made of them, and it is counted how often its intervals hold "
            "that mean. Each cell below repeats this many times."
        )
    )
    path = folder / FILE if folder else None
    if path is None or not path.is_file():
        page.note(
            words("Nothing has been simulated yet: “python -m benchmarks.intervals” does it.")
        )
        return page.finish()
    document = json.loads(path.read_bytes())
    _write_summary(page, words, document)
    promised = [cell for cell in document["cells"] if not cell["hard"]]
    for law in laws(words):
        if cells := [cell for cell in promised if cell["law"] in law.keys]:
            _write_law(page, context, law, cells)
    if hard := [cell for cell in document["cells"] if cell["hard"]]:
        _write_hard(page, context, hard)
    page.heading(words("How scores are drawn"), "scores")
    page.facts(describe_scores(words))
    return page.finish()


def _write_summary(page: PageWriter, words: Words, document: Mapping[str, Any]) -> None:
    promised = [cell for cell in document["cells"] if not cell["hard"]]
    failing = sum(not cell["holds"] for cell in promised)
    page.text(
        words(
            "A count is itself uncertain. A law fails in a cell only where so bad a count would "
            "happen in fewer than 1 of 1000 series if the law were exactly kept; such a cell is "
            "marked ✗. A dash means that these scores were not tried there."
        )
    )
    counts = {cell["replicates"] for cell in promised if not cell["law"].startswith("printed")}
    printed = {cell["replicates"] for cell in promised if cell["law"].startswith("printed")}
    machine = document["machine"]
    page.facts(
        [
            (words("Cells"), str(len(promised))),
            (words("Cells in which a law fails"), str(failing)),
            (words("Repetitions of a cell"), _span(counts)),
            (words("Repetitions through databases and commands"), _span(printed)),
            (words("Seed"), str(document["seed"])),
            (words("Simulated"), f"{machine['utc']} UTC" if "utc" in machine else DASH),
        ]
    )


def _span(counts: set[int]) -> str:
    if not counts:
        return DASH
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} … {high}"


def _write_law(page: PageWriter, context: PageContext, law: Law, cells: Sequence[_Cell]) -> None:
    words = context.words
    page.heading(law.title, law.anchor)
    page.paragraph(law.text)
    lines = _gather(cells)
    names = dict(describe_scores(words, short=True))
    table = RecordTable(context.data, words, lines)
    table.text("layout", words("Clusters by target"), lambda line: line.layout, frozen=True)
    if any(line.case for line in lines):
        table.text("case", words("Case"), lambda line: describe_case(words, line.case), wrap=True)
    if any(line.models for line in lines):
        table.text("models", words("Models"), lambda line: str(line.models or DASH))
    if any(line.difference for line in lines):
        table.text("difference", words("Difference"), lambda line: f"{line.difference:g}")
    for key in dict.fromkeys(cell["scores"] for cell in cells):
        table.cells(key, names[key], partial(_pick, key), numeric=True)
    page.html(render_table(table.build(f"{law.anchor}-table", law.promise), page.root, words))


def _gather(cells: Sequence[_Cell]) -> list[_Line]:
    lines: dict[tuple[Any, Any, Any, Any], dict[str, _Cell]] = {}
    for cell in cells:
        gap = cell["difference"] if cell["law"] == "ranks" else None
        own = (cell["layout"], cell["case"], cell["models"], gap)
        lines.setdefault(own, {})[cell["scores"]] = cell
    return [_Line(*own, found) for own, found in lines.items()]


def _percent(share: float) -> str:
    """Return a share to a tenth of a percent, in which laws differ."""
    return f"{100 * share:.1f} %"


def _pick(scores: str, line: _Line) -> Cell:
    return _show(line.cells.get(scores))


def _show(cell: _Cell | None) -> Cell:
    """Return the share of a cell; behind it the mean width, or the difference in question."""
    if cell is None:
        return Cell(DASH, muted=True)
    text = _percent(cell["share"])
    width = cell["width"]
    note = f"{width:.3f}" if width is not None else ""
    if cell["law"] == "power":
        note = signed(cell["difference"])
    return Cell(text if cell["holds"] else f"✗ {text}", cell["share"], note=note)


def _write_hard(page: PageWriter, context: PageContext, cells: Sequence[_Cell]) -> None:
    words = context.words
    page.heading(words("Hard cases, in which nothing is promised"), "hard")
    _say_worst(page, words, cells)
    names = dict(describe_scores(words, short=True))
    titles = {key: law.title for law in laws(words) for key in law.keys}
    page.html(render_table(_tabulate_hard(context, cells, names, titles), page.root, words))


def _say_worst(page: PageWriter, words: Words, cells: Sequence[_Cell]) -> None:
    worst = {
        law: [cell["share"] for cell in cells if cell["law"] == law]
        for law in ("unlike", "board", "wrong-sign")
    }
    if shares := worst["unlike"]:
        page.paragraph(
            words(
                "Two models fail at different rates, and a patient who fails mostly does so in "
                "all targets. The interval of the difference covers in {share} in the worst case.",
                share=_percent(min(shares)),
            )
        )
    if shares := worst["board"]:
        page.paragraph(
            words(
                "A patient who fails does so in all targets at once. Fifty patients in five "
                "targets are then worth 50 answers and not 250. The interval of a mean over "
                "targets covers in {share} in the worst case.",
                share=_percent(min(shares)),
            )
        )
    if shares := worst["wrong-sign"]:
        page.paragraph(
            words(
                "Under the same condition a model that is truly worse by 0.043 is called better in "
                "up to {share}.",
                share=_percent(max(shares)),
            )
        )


def _tabulate_hard(
    context: PageContext,
    cells: Sequence[_Cell],
    names: Mapping[str, str],
    titles: Mapping[str, str],
) -> Table:
    words = context.words
    table = RecordTable(context.data, words, cells)
    table.text("law", words("Law"), lambda cell: titles[cell["law"]], frozen=True, wrap=True)
    table.text("layout", words("Clusters by target"), lambda cell: str(cell["layout"]))
    table.text("scores", words("Scores"), lambda cell: names[cell["scores"]], wrap=True)
    table.text("case", words("Case"), lambda cell: describe_case(words, cell["case"]), wrap=True)
    table.cells("share", words("Share"), _show, numeric=True)
    return table.build("hard-table", words("Mean width of the intervals in small figures."))
