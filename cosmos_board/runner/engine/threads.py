"""Two threads beside the model: one reads what comes next, one scores and writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from types import TracebackType
from typing import TypeVar, cast

T = TypeVar("T")

_END = object()


def read_ahead(source: Iterator[T], depth: int) -> Generator[T]:
    """Yield what `source` yields, which a thread of its own draws up to `depth` items ahead.

    What `source` raises is raised here, in its place. Closing the iterator ends the thread.

    Example:
        >>> list(read_ahead(iter(range(3)), depth=1))
        [0, 1, 2]
    """
    pool = ThreadPoolExecutor(1, "reader")
    try:
        items = deque(pool.submit(next, source, _END) for _ in range(depth))
        while (item := items.popleft().result()) is not _END:
            items.append(pool.submit(next, source, _END))
            yield cast("T", item)
    finally:
        pool.shutdown(cancel_futures=True)


class Backlog:
    """Runs tasks in order in a thread of its own; `add` waits while the queue is full.

    After a task has failed none is begun any more, and the failure is raised to whoever hands
    in the next, asks for a result, or leaves the block. Leaving the block waits for all tasks.

    Args:
        depth: Tasks that may wait or run at a time; what they hold stays in memory.
    """

    def __init__(self, depth: int) -> None:
        self._room = BoundedSemaphore(depth)
        self._pool = ThreadPoolExecutor(1, "backlog")
        self._failure: BaseException | None = None

    def __enter__(self) -> Backlog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True)
        if self._failure is not None and error is None:
            raise self._failure

    def add(self, task: Callable[[], T]) -> Future[T]:
        """Hand in a task; wait while there is no room."""
        self._room.acquire()
        if self._failure is not None:
            raise self._failure
        return self._pool.submit(self._do, task)

    def _do(self, task: Callable[[], T]) -> T:
        try:
            if self._failure is not None:
                raise self._failure
            return task()
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._room.release()
