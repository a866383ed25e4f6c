from __future__ import annotations

import pytest

from cosmos_board.cli import transfers


def test_lines_sum_the_files_and_count_for_the_rate_only_what_came_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock_s = iter([100.0, 101.0, 102.0, 120.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock_s))
    shown: list[str] = []
    lines = transfers._Lines("acdc", shown.append)

    lines.report("a.zip", 30_000_000, 90_000_000)  # of which 30 MB were here before
    lines.report("b.zip", 0, 10_000_000)
    lines.report("a.zip", 70_000_000, 90_000_000)

    assert shown == ["acdc: 70.0 of 100.0 MB, 2.00 MB/s, 15 s left"]


def test_a_size_that_no_server_tells_leaves_no_time_to_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock_s = iter([0.0, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock_s))
    shown: list[str] = []

    transfers._Lines("camus", shown.append).report("a.zip", 5_000_000, None)

    assert shown == ["camus: 5.0 MB, 0.00 MB/s"]
