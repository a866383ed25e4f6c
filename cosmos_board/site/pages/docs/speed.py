"""The page of speed: what `make bench` measured, each figure with the machine that it is from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.components.table_output import render_table
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter

PATH = "docs/speed.md"
_GPU = "speed_gpu"

_Reader: TypeAlias = "Callable[[Words, Mapping[str, Any]], Iterator[Measured]]"


class Measured(NamedTuple):
    """One figure."""

    what: str
    value: float
    unit: str


def speed_page(context: PageContext, folder: Path | None) -> Page:
    """Return the page of speed, from what there is of `speed_*.json` in `folder`."""
    words = context.words
    page = PageWriter(context, PATH, words("Speed"), hide=())
    page.text(
        words(
            "What the program costs beside the models that it evaluates, and against the tools "
            "that a researcher would use instead. Every figure is from a run of the benchmarks "
            "in its repository; ratios compare what ran in turn on the same machine."
        )
    )
    paths = {name: folder / f"{name}.json" for name in _sections(words)} if folder else {}
    measured = [name for name, path in paths.items() if path.is_file()]
    if not measured:
        page.note(words("Nothing has been measured yet: “make bench” does it."))
    if _GPU not in measured:
        page.note(words("The program has never been run on a GPU: no figure here is of one."))
    for name in measured:
        title, read = _sections(words)[name]
        document = json.loads(paths[name].read_bytes())
        page.heading(title, name.replace("_", "-"))
        # No file beside it: these figures do not follow from the board's rows.
        table = _table(context.data, words, name, list(read(words, document)))
        page.html(render_table(table, page.root, words))
        page.facts(list(_machine(words, document)))
    return page.finish()


def _table(data: SiteData, words: Words, name: str, figures: list[Measured]) -> Table:

    def value(row: Measured) -> Cell:
        return Cell(f"{row.value:.4g}", row.value)

    table = RecordTable(data, words, figures)
    table.text("what", words("What"), lambda row: row.what, frozen=True, wrap=True)
    table.cells("value", words("Value"), value, numeric=True)
    table.text("unit", words("Unit"), lambda row: row.unit)
    return table.build(f"{name.replace('_', '-')}-table", words("Medians."))


def _machine(words: Words, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    machine = document["machine"]
    packages = machine.get("packages", {})
    if card := document.get("card"):
        yield words("GPU"), ", ".join((card["name"], card["driver"], card["runtime"]))
    cores = words("{n} cores", n=machine["cores"])
    yield words("Processor"), words.listing([machine["processor"], cores])
    yield words("Load at the start"), f"{machine['load']:.2f}"
    yield words("Python"), str(machine["python"])
    yield words("Packages"), ", ".join(f"{k} {v}" for k, v in packages.items()) or DASH
    yield words("Measured"), f"{machine['utc']} UTC" if "utc" in machine else DASH


def _name(words: Words, result: Mapping[str, Any]) -> str:
    """Return a model and how it differs from what people would run, and when, if by itself."""
    parts = [str(result["model"])]
    if result.get("weights") == "random":
        parts.append(words("random weights"))
    if result.get("masks") == "drawn":
        parts.append(words("drawn masks in place of its own"))
    if "utc" in result:
        parts.append(str(result["utc"]))
    return words.listing(parts)


def _eval(words: Words, document: Mapping[str, Any]) -> Iterator[Measured]:
    for result in document["results"]:
        what = f"{_name(words, document)}, {result['kind']}"
        ratio = words("{what}: evaluation ÷ forward pass alone", what=what)
        yield Measured(ratio, result["ratio"], "×")
        yield Measured(words("{what}: evaluation", what=what), result["eval_s"], "s")


def _script(words: Words, document: Mapping[str, Any]) -> Iterator[Measured]:
    for result in document["results"]:
        what = words.listing(
            [_name(words, result), words.count(result["inputs"]["images"], "image")]
        )
        for kind, text in (("tuned", words("same settings")), ("untuned", words("as it comes"))):
            names = {"what": what, "text": text}
            time = words("{what}: a script's time ÷ ours, {text}", **names)
            yield Measured(time, result[kind]["ratio"], "×")
            if (ratio := result[kind].get("ratio_of_commands")) is not None:
                whole = words("{what}: a whole script ÷ the whole command, {text}", **names)
                yield Measured(whole, ratio, "×")
        share = 100 * result["tuned"]["equal_share"]
        yield Measured(words("{what}: rows with equal Dice", what=what), share, "%")


def _tables(words: Words, document: Mapping[str, Any]) -> Iterator[Measured]:
    for table in document["tables"]:
        for row in table["rows"]:
            yield Measured(f"{table['title']}: {row['name']}", row["median_ms"], "ms")


def _store(words: Words, document: Mapping[str, Any]) -> Iterator[Measured]:
    for name, rate in document["million_rows_per_second"].items():
        yield Measured(name, rate, words("million rows a second"))


def _memory(words: Words, document: Mapping[str, Any]) -> Iterator[Measured]:
    for result in document["results"]:
        what = words("{images} images: peak memory", images=result["images"])
        yield Measured(what, result["peak_mib"], "MiB")


def _plan(words: Words, document: Mapping[str, Any]) -> Iterator[Measured]:
    for result in document["results"]:
        names = {"layout": result["layout"], "files": number(result["files"], 0)}
        yield Measured(
            words("{files} files, {layout}: time of one processor", **names), result["cpu_s"], "s"
        )
        yield Measured(
            words("{files} files, {layout}: peak memory", **names), result["peak_mib"], "MiB"
        )


def _figures(_: Words, document: Mapping[str, Any]) -> Iterator[Measured]:
    for figure in document["figures"]:
        yield Measured(figure["what"], figure["value"], figure["unit"])


def _sections(words: Words) -> dict[str, tuple[str, _Reader]]:
    """Return for each file its heading and what reads it; names inside files are data."""
    return {
        "speed_eval_tiny": (words("Evaluation beside a small model"), _eval),
        "speed_eval_vit_b": (words("Evaluation beside a large model"), _eval),
        "speed_script": (words("Against a script of official classes and MONAI"), _script),
        "speed_metrics": (words("Metrics"), _tables),
        "speed_volumes": (words("Metrics of volumes"), _tables),
        "speed_factors": (words("Factors"), _tables),
        "speed_store": (words("Score rows"), _store),
        "speed_memory": (words("Memory"), _memory),
        "speed_plan": (words("The plan of an import"), _plan),
        "speed_null_device": (words("The engine before a GPU of zero cost"), _figures),
        _GPU: (words("On a GPU"), _figures),
    }
