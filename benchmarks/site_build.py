"""The website at its real size: time, bytes, and how soon its home page can be used.

`python benchmarks/site_build.py` on a machine where nothing else runs; it prints JSON. Computing
the boards is timed apart from building the pages, and both by clock and by processor.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from cosmos_board.site.publish.generate import SiteOptions

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from cosmos_board.site.content.read import read_site_data
from cosmos_board.site.publish import generate
from cosmos_board.site.publish.build import build_site
from tests.site.test_first_use import measure_interactive_ms
from tests.site_board import make_big_board


def main() -> None:
    """Build the site of a board of the real size and print what it took."""
    results: dict[str, object] = {"load_before": round(os.getloadavg()[0], 2)}
    folder = Path(tempfile.mkdtemp())
    try:
        db = make_big_board(folder / "board.duckdb")
        with timed(results, "boards"):
            data = read_site_data(db)
        with patch.object(generate, "read_site_data", return_value=data), timed(results, "pages"):
            report = build_site(db, folder / "site", SiteOptions(languages=("en", "zh")))
        results |= {
            "pages_built": report.pages,
            "megabytes": round(report.size_bytes / 1e6, 1),
            "largest_page_bytes": report.largest_page_bytes,
            "home_interactive_ms": round(
                min(measure_interactive_ms(folder / "site") for _ in range(3))
            ),
        }
    finally:
        shutil.rmtree(folder)
    print(json.dumps(results, indent=2))


@contextmanager
def timed(results: dict[str, object], name: str) -> Iterator[None]:
    """Add seconds by the clock, and of this and of child processes, to `results`."""
    clock, before = time.perf_counter(), os.times()
    yield
    after = os.times()
    results[name] = {
        "clock_s": round(time.perf_counter() - clock, 1),
        "here_s": round(after.user + after.system - before.user - before.system, 1),
        "beside_s": round(
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system,
            1,
        ),
    }


if __name__ == "__main__":
    main()
