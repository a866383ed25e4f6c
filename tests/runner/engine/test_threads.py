"""Two threads beside the model keep order, pass errors on and end when they should."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from cosmos_board.runner.engine.threads import Backlog, read_ahead


def test_items_come_in_order_and_only_so_far_ahead() -> None:
    drawn: list[int] = []

    def source() -> Iterator[int]:
        for number in range(20):
            drawn.append(number)
            yield number

    items = read_ahead(source(), depth=2)
    first = next(items)
    time.sleep(0.1)

    assert (first, drawn) == (0, [0, 1, 2])
    assert [first, *items] == list(range(20))


def test_an_error_of_the_source_is_raised_in_its_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("the file ends here")

    items = read_ahead(source(), depth=5)

    assert next(items) == 1
    with pytest.raises(ValueError, match="the file ends here"):
        next(items)


def test_a_reader_that_is_closed_early_ends_its_thread() -> None:
    items = read_ahead(iter(range(1000)), depth=1)
    next(items)
    items.close()

    assert not [thread for thread in threading.enumerate() if "reader" in thread.name]


def test_tasks_are_done_in_order_and_all_are_waited_for() -> None:
    done: list[int] = []

    def do(number: int) -> int:
        time.sleep(0.01 * (number == 0))
        done.append(number)
        return number

    with Backlog(2) as backlog:
        futures = [backlog.add(lambda number=number: do(number)) for number in range(5)]  # type: ignore[misc]

    assert done == [future.result() for future in futures] == [0, 1, 2, 3, 4]


def test_after_a_failure_no_task_is_begun_and_it_is_raised() -> None:
    done: list[int] = []

    def fail() -> None:
        raise OSError("the disk is full")

    def work() -> None:
        with Backlog(1) as backlog:
            backlog.add(fail)
            for number in range(3):
                backlog.add(lambda number=number: done.append(number))  # type: ignore[misc]

    with pytest.raises(OSError, match="the disk is full"):
        work()
    assert done == []


def test_a_failure_of_the_last_task_is_raised_on_leaving() -> None:
    with pytest.raises(ZeroDivisionError), Backlog(3) as backlog:
        backlog.add(lambda: 1 // 0)
