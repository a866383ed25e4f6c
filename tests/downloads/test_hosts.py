from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from cosmos_board.downloads.hosts import parse_retry_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@given(st.integers(0, 10**6))
def test_a_wait_is_the_same_in_seconds_and_as_a_date(wait_s: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=wait_s), usegmt=True)

    assert parse_retry_after(str(wait_s)) == parse_retry_after(date, NOW) == wait_s


def test_a_date_that_is_past_asks_for_no_wait() -> None:
    assert parse_retry_after(format_datetime(NOW - timedelta(days=1), usegmt=True), NOW) == 0


@given(st.text())
def test_no_header_breaks_it(text: str) -> None:
    wait_s = parse_retry_after(text, NOW)

    assert wait_s is None or wait_s >= 0
