"""The whole size: a board like the real one builds, loads and answers within its budget."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cosmos_board.site.content.read import read_site_data
from cosmos_board.site.publish import generate
from cosmos_board.site.publish.build import SiteReport, build_site
from cosmos_board.site.publish.generate import SiteOptions
from tests.site.browser import chromium, needs_chromium, serve
from tests.site.test_first_use import measure_interactive_ms, skip_unless_quiet
from tests.site_board import make_big_board

pytestmark = [pytest.mark.slow, pytest.mark.timed]


@dataclass(frozen=True)
class Built:
    """A site of the real size and what its pages took, boards computed before."""

    site: Path
    report: SiteReport
    here_s: float
    beside_s: float


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """50 models, 125 targets, 53 datasets, six prompts, two languages.

    Computing the boards has a budget of its own, so it happens before the clock starts.
    """
    folder = tmp_path_factory.mktemp("real-size")
    db = make_big_board(folder / "board.duckdb")
    data = read_site_data(db)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "read_site_data", lambda path, **_: data)
        before = os.times()
        report = build_site(db, folder / "site", SiteOptions(languages=("en", "zh")))
        after = os.times()
    here = after.user + after.system - before.user - before.system
    beside = after.children_user + after.children_system
    beside -= before.children_user + before.children_system
    return Built(folder / "site", report, here, beside)


def test_a_board_of_the_real_size_is_built_in_time_and_small_enough(
    built: Built, record_property: Callable[[str, object], None]
) -> None:
    """Count seconds of computing: a clock's say more of a machine's other work.

    The two languages are built by two processes, so on two cores that nobody else uses the build
    takes as long as the slower one computes. These seconds too grow when others share the cores.
    """
    assert built.report.pages >= 2 * 600
    assert built.report.size_bytes <= 120_000_000
    assert built.report.largest_page_bytes <= 150_000
    load = os.getloadavg()[0]
    slower = max(built.here_s, built.beside_s)
    record_property("pages_s", round(slower, 1))
    record_property("pages", built.report.pages)
    record_property("megabytes", round(built.report.size_bytes / 1e6, 1))
    assert slower <= 20, f"{built.here_s:.1f} s and {built.beside_s:.1f} s, load {load:.1f}"


@needs_chromium
@pytest.mark.browser
def test_its_home_page_can_be_used_within_a_second_and_a_half(
    built: Built, record_property: Callable[[str, object], None]
) -> None:
    """Time by the clock, so on a machine where nothing else runs; the best of three counts."""
    skip_unless_quiet()
    times_ms = [round(measure_interactive_ms(built.site)) for _ in range(3)]
    record_property("interactive_ms", times_ms)
    assert min(times_ms) < 1500


@needs_chromium
@pytest.mark.browser
def test_its_search_answers_within_a_second(
    built: Built, record_property: Callable[[str, object], None]
) -> None:
    """The first question of a visit, for which the index is fetched and read."""
    skip_unless_quiet()
    with serve(built.site, zipped=True) as home, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(home, wait_until="networkidle")
        page.locator(".md-search__input").click()
        began = time.monotonic()
        page.keyboard.type("leaderboard")
        page.wait_for_selector(".md-search-result__link")
        answered_ms = round(1000 * (time.monotonic() - began))

    record_property("answered_ms", answered_ms)
    assert answered_ms < 1000
