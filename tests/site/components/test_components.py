"""The parts that pages are made of: text, tables, figures, slots."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from importlib import import_module
from xml.etree import ElementTree

import plotly.graph_objects
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_board.site.components.figure import Axis, Figure, Point, Series
from cosmos_board.site.components.figure_output import render_plotly
from cosmos_board.site.components.markup import encode, is_web_address, one_line, outside_link
from cosmos_board.site.components.page import fill
from cosmos_board.site.components.svg import render_svg
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.components.table_output import render_table, table_csv, table_json
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import number
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter

fixed = settings(derandomize=True, max_examples=50, deadline=None)
markdown = import_module("markdown")  # ships no types
EXTENSIONS = ["attr_list", "md_in_html", "tables", "toc"]


class Tags(HTMLParser):
    """Collects the tags and the text of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def parse(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    return tags


@fixed
@given(st.text(max_size=200))
def test_encoded_text_is_only_text_wherever_markdown_meets_it(text: str) -> None:
    """In a heading, a paragraph and a cell: no tag of its own, and every character read back."""
    source = f"# {encode(text)} {{ #top }}\n\n{encode(text)}\n\n| a |\n|---|\n| {encode(text)} |\n"

    tags = parse(markdown.markdown(source, extensions=EXTENSIONS))

    assert set(tags.tags) <= {"h1", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert tags.text.count(one_line(text)) >= 2 or not one_line(text)


@fixed
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_of_a_cell_becomes_markup(text: str, note: str) -> None:
    table = Table(
        name="t",
        caption=text,
        columns=(Column(key="a", label=note), Column(key="b", label="B", numeric=True)),
        rows=(Row((Cell(text, note=note, title=text), Cell("1", 1.0, href="x/"))),),
        data_path="data/t",
    )

    tags = parse(render_table(table, "../", Words()))

    known = {
        "figure",
        "figcaption",
        "span",
        "a",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert set(tags.tags) <= known | {"i"}


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "http:", "https://a b", "file:///x",
     "https://ex\u202eample.org/", "vbscript:x", "JaVaScRiPt:x", ""],
)  # fmt: skip
def test_only_web_addresses_become_links(url: str) -> None:
    assert not is_web_address(url)
    assert "<a" not in outside_link(url)


def test_numbers_that_are_not_there_are_a_dash() -> None:
    assert [number(value) for value in (None, float("nan"), float("inf"))] == ["–", "–", "–"]
    assert number(-0.0001) == "0.000"


def test_a_slot_that_is_left_or_unused_stops_the_build() -> None:
    with pytest.raises(ValueError, match="slots"):
        fill("<!--cb:a-->", {})
    with pytest.raises(ValueError, match="slots"):
        fill("", {"a": "x"})


def test_a_submitted_comment_cannot_open_a_slot() -> None:
    page = PageWriter(PageContext(SiteData(), Words()), "x.md", "<!--cb:part-1-->")
    page.text("<!--cb:part-1-->")
    page.html("real")

    assert page.finish().skeleton.count("<!--cb:part-1-->") == 1


def make_figure() -> Figure:
    points = tuple(Point(x, y, y - 0.1, y + 0.1, f"p{x}") for x, y in ((1, 0.5), (10, 0.75)))
    return Figure(
        name="f",
        title="A <figure>",
        says="It says.",
        x=Axis(label="x & y", log=True),
        y=Axis(label="y"),
        series=(
            Series(name="one", points=points, line=True, labels=True),
            Series(name="two", points=points, colour=1, band=True, line=True),
            Series(name="three", points=points, colour=-1, dashed=True, thick=True),
        ),
    )


def test_a_drawing_is_well_formed_and_names_every_point() -> None:
    root = ElementTree.fromstring(render_svg(make_figure()))

    space = "{http://www.w3.org/2000/svg}"
    circles = [node for node in root.iter() if node.tag.removeprefix(space) == "circle"]
    titles = [node.text for circle in circles for node in circle]
    assert titles == ["p1", "p10"] * 3
    assert root.attrib["aria-label"] == "A <figure>"


def test_drawing_and_plot_hold_the_same_numbers() -> None:
    """Positions in the drawing, taken back through its axis, are the numbers of the plot."""
    figure = make_figure()
    plot = json.loads(render_plotly(figure))
    root = ElementTree.fromstring(render_svg(figure))
    heights = [float(node.attrib["cy"]) for node in root.iter() if "cy" in node.attrib][:2]
    trace = next(trace for trace in plot["data"] if trace["name"] == "one")
    low, high = plot["layout"]["yaxis"]["range"]

    assert trace["y"] == [0.5, 0.75]
    ticks = {
        float(node.text or "nan"): float(node.attrib["y"]) - 4
        for node in root.iter()
        if node.attrib.get("text-anchor") == "end" and re.fullmatch(r"0\.\d+", node.text or "")
    }
    (a, at_a), (b, at_b) = sorted(ticks.items())[0], sorted(ticks.items())[-1]
    back = [a + (y - at_a) / (at_b - at_a) * (b - a) for y in heights]
    assert back == pytest.approx(trace["y"], abs=0.002)
    assert low < 0.4 < 0.85 < high


def test_a_plot_is_one_that_plotly_accepts() -> None:
    plot = json.loads(render_plotly(make_figure()))

    checked = plotly.graph_objects.Figure(plot)

    assert len(checked.data) == 5
    assert "template" not in plot["layout"]


def test_downloads_hold_the_rows_and_nothing_that_runs_in_a_spreadsheet() -> None:
    table = Table(
        name="t",
        caption="c",
        columns=(Column(key="name", label="Name"), Column(key="x", label="X", numeric=True)),
        rows=(Row((Cell("=1+1"), Cell("0.333", 1 / 3))), Row((Cell("b"), Cell("–", muted=True)))),
    )

    assert table_csv(table).decode() == "name,x\n'=1+1,0.333333\nb,\n"
    assert json.loads(table_json(table, "v"))["rows"] == [["=1+1", 0.333333], ["b", None]]
