"""The page of speed shows what the benchmarks wrote, and nothing where they wrote nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.docs.speed import speed_page
from cosmos_board.site.pages.sections.writer import PageContext

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"
MACHINE = {"processor": "Some CPU", "cores": 2, "load": 0.5, "python": "3.11"}


def make_context(language: str = "en") -> PageContext:
    """Return a context without a board."""
    return PageContext(SiteData(), words_for(language))


def test_a_figure_comes_with_its_machine(tmp_path: Path) -> None:
    document = {
        "machine": MACHINE,
        "million_rows_per_second": {"ingest": 0.8125},
    }
    (tmp_path / "speed_store.json").write_text(json.dumps(document))
    page = speed_page(make_context(), tmp_path)
    html = "".join(page.slots.values())

    assert "0.8125" in html
    assert "Some CPU, 2 cores" in html
    assert [line for line in page.skeleton.splitlines() if line.startswith("## ")] == [
        "## Score rows { #speed-store }"
    ]


@pytest.mark.parametrize("there", [True, False])
def test_without_measurements_there_is_no_table_but_a_word(tmp_path: Path, there: bool) -> None:
    html = "".join(speed_page(make_context(), tmp_path if there else None).slots.values())

    assert "Nothing has been measured yet" in html
    assert "<table" not in html


def test_the_page_says_that_no_gpu_was_used_until_one_is(tmp_path: Path) -> None:
    never = "has never been run on a GPU"
    before = "".join(speed_page(make_context(), tmp_path).slots.values())
    document = {
        "machine": {**MACHINE, "utc": "2026-12-01 12:00"},
        "card": {"name": "Some card", "driver": "1.2", "runtime": "CUDA 3"},
        "figures": [{"what": "whole engine", "value": 12.5, "unit": "images/s"}],
    }
    (tmp_path / "speed_gpu.json").write_text(json.dumps(document))

    after = "".join(speed_page(make_context(), tmp_path).slots.values())

    assert never in before
    assert never not in after
    for shown in ("Some card, 1.2, CUDA 3", "2026-12-01 12:00", "whole engine", "12.5"):
        assert shown in after


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_the_repository_holds_can_be_shown(language: str) -> None:
    page = speed_page(make_context(language), BENCHMARKS)
    held = list(BENCHMARKS.glob("speed_*.json"))

    assert sum("<table" in html for html in page.slots.values()) == len(held)
