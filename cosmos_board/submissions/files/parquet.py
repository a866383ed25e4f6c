"""A stranger's Parquet file → a clean copy with the columns we know, or one reason why not.

The file is opened by pyarrow in a child process with limits and an empty environment; only its
copy is read here, and by DuckDB never.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cosmos_board.submissions.files.layouts import LARGEST_FOOTER_BYTES, LAYOUTS
from cosmos_board.submissions.files.layouts import ParquetError as ParquetError

_LONGEST_ANSWER = 65_536
_MAGIC = b"PAR1"


def copy_checked(
    path: Path,
    copy: Path,
    *,
    layout: str,
    wanted: Mapping[str, Sequence[str]] | None = None,
    most_rows: int | None = None,
    wall_s: float | None = None,
) -> int:
    """Write a clean copy of `path` and return the number of rows of `path`.

    Args:
        path: The submitted file.
        copy: Where the copy goes.
        layout: Key of `LAYOUTS`.
        wanted: Reference ids by prompt: the only rows to copy; None for all.
        most_rows: More rows are refused before any is decoded; None for those of the layout.
        wall_s: Seconds after which the reader is ended; None for those of the layout.

    Raises:
        ParquetError: If the file is not exactly such a file; a reader that dies or hangs says so.
    """
    rules = LAYOUTS[layout]
    _check_outside(path, rules.largest_bytes)
    most = rules.most_rows if most_rows is None else most_rows
    words = [layout, str(most), str(path.absolute()), str(copy.absolute())]
    if wanted is not None:
        listed = copy.with_name(f"{copy.name}.wanted.json")
        listed.write_text(json.dumps(wanted), "utf-8")
        words.append(str(listed.absolute()))
    answer = _ask_child(words, copy.parent, wall_s or rules.wall_s)
    if "refused" in answer:
        raise ParquetError(str(answer["refused"]))
    rows = answer.get("rows")
    if type(rows) is not int or not copy.is_file():
        raise ParquetError("reader process gave no answer")
    return rows


def _check_outside(path: Path, largest: int) -> None:
    """Check what can be seen without any Parquet code: kind, size, both ends."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ParquetError(f"cannot be opened: {error.strerror}") from None
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        os.close(handle)
        raise ParquetError("not a regular file")
    with open(handle, "rb") as file:
        if facts.st_size > largest:
            raise ParquetError(f"{facts.st_size} bytes, limit {largest}")
        if facts.st_size < 12:
            raise ParquetError("too short for Parquet")
        if file.read(4) != _MAGIC:
            raise ParquetError("no PAR1 magic (Git LFS pointer?)")
        file.seek(-8, os.SEEK_END)
        tail = file.read(8)
    if tail[4:] != _MAGIC:
        raise ParquetError("no PAR1 tail (truncated?)")
    footer = int.from_bytes(tail[:4], "little")
    if footer > LARGEST_FOOTER_BYTES or footer > facts.st_size - 12:
        limit = min(LARGEST_FOOTER_BYTES, facts.st_size - 12)
        raise ParquetError(f"footer {footer} bytes, limit {limit}")


def _ask_child(words: Sequence[str], folder: Path, wall_s: float) -> dict[str, object]:
    command = (sys.executable, "-I", "-m", "cosmos_board.submissions.files.reader_child")
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            [*command, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**quiet, "ARROW_DEFAULT_MEMORY_POOL": "system"},
            cwd=folder,
            timeout=wall_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ParquetError(f"reader process took longer than {wall_s:g} s") from None
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise ParquetError(f"reader process ended with {name} (corrupt file)")
    if done.returncode or len(done.stdout) > _LONGEST_ANSWER:
        raise ParquetError("reader process ended without an answer (corrupt file)")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise ParquetError("reader process gave no answer (corrupt file)") from None
    return answer if isinstance(answer, dict) else {}
