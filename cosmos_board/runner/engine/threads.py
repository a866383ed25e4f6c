"""Two threads beside the model: one reads what comes next, one works off what was answered."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, Queue
from threading import BoundedSemaphore, Event, Thread
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")


class _End:
    """Follows the last item; an error that ended the source is carried along."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def read_ahead(source: Iterator[T], depth: int) -> Generator[T]:
    """Yield what `source` yields, which a thread of its own draws up to `depth` items ahead.

    What `source` raises is raised here, in its place. Closing the iterator ends the thread.

    Example:
        >>> list(read_ahead(iter(range(3)), depth=1))
        [0, 1, 2]
    """
    box: Queue[T | _End] = Queue(depth)
    halt = Event()
    reader = Thread(target=_draw, args=(source, box, halt), name="reader", daemon=True)
    reader.start()
    try:
        while not isinstance(item := box.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        halt.set()
        while reader.is_alive():
            _discard(box)
            reader.join(0.01)


def _draw(source: Iterator[T], box: Queue[T | _End], halt: Event) -> None:
    error: BaseException | None = None
    try:
        for item in source:
            box.put(item)
            if halt.is_set():
                break
    except BaseException as raised:
        error = raised
    box.put(_End(error))


def _discard(box: Queue[T]) -> None:
    """Make room for a reader that waits to put its last item."""
    try:
        box.get_nowait()
    except Empty:
        return


class Backlog:
    """Does tasks in order in one thread of its own; whoever hands in too many waits.

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
