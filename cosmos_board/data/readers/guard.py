"""Turns what libraries raise and print about damaged files into one error of one line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cosmos_board.core.errors import InputError


@contextmanager
def quietly() -> Iterator[None]:
    """Suppress warnings and everything written to standard error during the block.

    Libraries in C++ write there past Python, several lines a file; our refusal of a file is one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            sys.stderr.flush()
            saved = os.dup(2)
        except (OSError, ValueError, AttributeError):
            yield  # There is no standard error to keep clean.
            return
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@contextmanager
def reading(path: Path, kind: str = "DICOM file") -> Iterator[None]:
    """Turn whatever a damaged file makes a library raise into one line.

    Lazy libraries such as pydicom convert values when they are asked for, so any access may fail.

    Raises:
        InputError: Instead of any other error but a lack of memory.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror or error}") from error
    except Exception as error:
        # Some append whole tracebacks to their messages.
        reason = str(error).partition("\n")[0]
        raise InputError(path, "", f"is damaged or no {kind}: {reason}") from error
