"""A worker that gets nowhere ends itself, so that its work can be handed out anew."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def end_when_stuck(seconds: float) -> Iterator[Callable[[], None]]:
    """Yield a function to call as a sign of life; without one for so long the process ends.

    It ends even if it hangs in compiled code, after writing where every thread stood to stderr.
    For worker processes only.
    """

    def is_alive() -> None:
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)

    is_alive()
    try:
        yield is_alive
    finally:
        faulthandler.cancel_dump_traceback_later()
