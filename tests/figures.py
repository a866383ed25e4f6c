"""`--figures=FILE`: what was run, how long it took and what it counted, kept as JSON.

Tests count with pytest's own `record_property`. A second session adds to the file of the first.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.timing import describe_machine


class Figures:
    """Collects the outcome of every test and writes them at the end of a session.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tests: dict[str, dict[str, object]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that was called, or that ended before."""
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self._tests[report.nodeid] = {
                "outcome": report.outcome,
                "duration_s": round(report.duration, 1),
                **dict(report.user_properties),
            }

    def pytest_sessionfinish(self) -> None:
        """Write the file; tests of earlier sessions stay in it."""
        known = json.loads(self._path.read_bytes())["tests"] if self._path.exists() else {}
        document = {"machine": describe_machine(), "tests": {**known, **self._tests}}
        self._path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def add_option(parser: pytest.Parser) -> None:
    """Let pytest take `--figures=FILE`."""
    parser.addoption("--figures", type=Path, help="Keep outcomes, seconds and counts as JSON.")


def register(config: pytest.Config) -> None:
    """Collect where the option is given; workers report to the session that started them."""
    path = config.getoption("--figures", None)
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Figures(path))
