"""The page of intervals shows what the simulations wrote, and says where a law failed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cosmos_board.site.components.page import Page
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.docs.intervals import FILE, intervals_page
from cosmos_board.site.pages.sections.writer import PageContext

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"


def cell(**fields: object) -> dict[str, Any]:
    """Return a cell as the simulations write it."""
    return {
        "law": "target",
        "layout": "20",
        "scores": "normal",
        "case": "",
        "models": None,
        "difference": None,
        "hard": False,
        "hits": 1900,
        "replicates": 2000,
        "least": 0.93,
        "most": 1.0,
        "share": 0.95,
        "width": 0.123,
        "holds": True,
        **fields,
    }


def make_page(folder: Path | None, language: str = "en") -> Page:
    return intervals_page(PageContext(SiteData(), words_for(language)), folder)


def read_page(folder: Path, *cells: dict[str, Any]) -> str:
    """Return the HTML of the page of these cells."""
    document = {"machine": {}, "seed": 3, "cells": cells}
    (folder / FILE).write_text(json.dumps(document))
    return "".join(make_page(folder).slots.values())


def test_a_share_stands_with_the_width_of_its_intervals(tmp_path: Path) -> None:
    html = read_page(tmp_path, cell())

    assert "95.0 %" in html
    assert "0.123" in html
    assert "✗" not in html


def test_a_law_that_fails_is_marked_and_counted(tmp_path: Path) -> None:
    html = read_page(tmp_path, cell(), cell(scores="skewed-left", share=0.9, holds=False))

    assert "✗ 90.0 %" in html
    assert re.search(r"Cells in which a law fails.*?>\s*1\s*<", html, re.DOTALL)


def test_hard_cases_say_what_they_cover(tmp_path: Path) -> None:
    hard = cell(law="board", case="shared-1", hard=True, share=0.83)
    html = read_page(tmp_path, cell(), hard)

    assert "covers in 83.0 % in the worst case" in html


def test_without_figures_the_page_says_so(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        assert "Nothing has been simulated yet" in "".join(make_page(folder).slots.values())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_cell_that_was_simulated_has_its_words(language: str) -> None:
    document = json.loads((BENCHMARKS / FILE).read_bytes())
    page = make_page(BENCHMARKS, language)
    html = "".join(page.slots.values())

    shown = re.findall(r"\d+\.\d %", html)
    assert len(shown) >= len(document["cells"])
    assert len(html.encode()) < 150_000
