"""Stdout belongs to what a command reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def send_prints_to_stderr() -> Iterator[None]:
    """Send to stderr what is printed within, also by compiled code and by new processes.

    Models print as they like; a script that reads the report must not meet it on stdout.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
