"""Turns what libraries raise and print about damaged files into one error of one line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cosmos_board.core.errors import (
    CosmosBoardError,
    InputError,
    describe_unreadable,
    find_machine_failure,
)


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
def reading(path: Path, kind: str = "DICOM file", *, scratch: Path | None = None) -> Iterator[None]:
    """Turn whatever a damaged file makes a library raise into one line.

    Lazy libraries such as pydicom convert values when they are asked for, so any access may fail.
    `scratch` is the folder into which the file is being unpacked, if it is.

    Raises:
        InputError: Instead of any other error but a lack of memory.
        StorageError: If the disk fails.
    """
    try:
        yield
    except (CosmosBoardError, MemoryError):
        raise
    except OSError as error:
        raise describe_unreadable(path, error, scratch=scratch) from error
    except Exception as error:
        if failure := find_machine_failure(error):
            raise describe_unreadable(path, failure, scratch=scratch) from error
        # Some append whole tracebacks to their messages.
        reason = str(error).partition("\n")[0]
        raise InputError(path, "", f"is damaged or no {kind}: {reason}") from error
