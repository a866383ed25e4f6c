"""The whole size: a board like the real one builds within its budget of time and bytes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cosmos_board.site import generate
from cosmos_board.site.build import build_site
from cosmos_board.site.read import read_book
from tests.site_board import make_big_board


@pytest.mark.slow
def test_a_board_of_the_real_size_is_built_in_time_and_small_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50 models, 125 targets, 53 datasets, six prompts, two languages.

    Computing the boards has a budget of its own, so it happens before the clock starts.
    """
    db = make_big_board(tmp_path / "board.duckdb")
    book = read_book(db)
    monkeypatch.setattr(generate, "read_book", lambda path: book)

    began = time.process_time()
    report = build_site(db, tmp_path / "site", languages=("en", "zh"))
    seconds = time.process_time() - began

    assert report.pages >= 2 * 600
    assert report.size_bytes <= 120_000_000
    assert report.largest_page_bytes <= 150_000
    assert seconds <= 40  # 20 s on a quiet machine; CPU time grows when others share the cores
