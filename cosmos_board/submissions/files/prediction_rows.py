"""Rows of `predictions.parquet`: every reference and prompt once, every mask a right one."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.rle import read_runs
from cosmos_board.submissions.checks.overlap import Outlines
from cosmos_board.submissions.checks.sample import IndexRow
from cosmos_board.submissions.files.layouts import LAYOUTS
from cosmos_board.submissions.problems import Problem, quote

MOST_CANDIDATES = 3
MOST_PROBLEMS = 20
MOST_UNKNOWN_BYTES = 32 << 20
_ROW_BYTES = 4096
"""What one row costs beside its mask, told in bytes of masks that are read in the same time."""

LARGEST_ESTIMATE = 10.0
"""Models guess an IoU above 1 now and then; beyond this it is none."""

_ROUND = 1 << 256
_SHARED_LIMIT = 0.5


@dataclass(slots=True)
class Fingerprint:
    """What a file of predictions holds, whatever the order of its rows."""

    outlines: Outlines = field(default_factory=Outlines)
    count: int = 0
    _masks: int = 0
    _total: int = 0

    def add(self, row: Mapping[str, Any], runs: NDArray[np.int64]) -> None:
        """Take in one row that is right, and the runs of its mask."""
        asked = f"{row['reference_id']}\x1f{row['prompt']}\x1f".encode()
        mask = hashlib.sha256(asked + mask_key(row)).digest()
        estimate = f"{row['candidate']}\x1f{row['predicted_iou']!r}".encode()
        self._masks = _add(self._masks, mask)
        self._total = _add(self._total, hashlib.sha256(mask + estimate).digest())
        self.count += 1
        self.outlines.add(row, runs)

    @property
    def content_sha256(self) -> str:
        """Hash of all rows, estimates included."""
        return hashlib.sha256(f"{self.count}:{self._total:064x}".encode()).hexdigest()

    @property
    def masks_sha256(self) -> str:
        """Hash of the masks alone, whichever candidates they are: what tells an exact copy."""
        return hashlib.sha256(f"{self.count}:{self._masks:064x}".encode()).hexdigest()


def _add(total: int, digest: bytes) -> int:
    return (total + int.from_bytes(digest, "big")) % _ROUND


def mask_key(row: Mapping[str, Any]) -> bytes:
    """Return what identifies the mask of a row."""
    counts: bytes = row["rle"]
    return f"{row['height']}x{row['width']}\x1f".encode() + counts


def iter_predictions(copy: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a clean copy in order, one row group in memory at a time."""
    import pyarrow.parquet as pq

    names = list(LAYOUTS["predictions.parquet"].columns)
    with pq.ParquetFile(copy, memory_map=False, pre_buffer=False) as file:
        for number in range(file.num_row_groups):
            yield from file.read_row_group(number, columns=names, use_threads=False).to_pylist()


def check_rows(
    rows: Iterable[Mapping[str, Any]],
    index: Mapping[str, IndexRow] | None,
    prompts: tuple[str, ...],
    where: str,
) -> tuple[list[Problem], Fingerprint]:
    """Check every row of a clean copy.

    Args:
        rows: In the order of the file; rows are counted from 0.
        index: The references that are asked for, by id; None where nobody here knows them.
        prompts: Those that the model answers.
        where: Path of the file, for messages.

    Returns:
        What is wrong (at most `MOST_PROBLEMS` rows of it) and the fingerprint. Where nobody knows
        the references, a long file is read to `MOST_UNKNOWN_BYTES`: who has them reads it all.
    """
    found: list[Problem] = []
    print_ = Fingerprint()
    seen: dict[tuple[str, str, int], int] = {}
    masks: dict[bytes, set[tuple[str, str]]] = defaultdict(set)
    unread = MOST_UNKNOWN_BYTES
    for number, row in enumerate(rows):
        unread -= _ROW_BYTES + len(row["rle"])
        if index is None and unread < 0:
            return found, print_
        try:
            runs = _read_row(row, index, prompts)
            _refuse_twice(row, number, seen)
        except ValueError as error:
            found.append(Problem(where, f"row {number}", str(error)))
            if len(found) >= MOST_PROBLEMS:
                found.append(Problem(where, "", "and more rows are wrong"))
                return found, print_
            continue
        print_.add(row, runs)
        if len(runs) > 1:  # else it is empty
            asked = (row["reference_id"], row["prompt"])
            masks[hashlib.sha256(mask_key(row)).digest()].add(asked)
    if not found:
        found += _check_grid(seen, index, prompts, where)
        found += _check_shared(masks, {key[:2] for key in seen}, where)
    return found, print_


def check_row(
    row: Mapping[str, Any], index: Mapping[str, IndexRow] | None, prompts: tuple[str, ...]
) -> str | None:
    """Return what is wrong with one row, whatever the others are, or None."""
    try:
        _read_row(row, index, prompts)
    except ValueError as error:
        return str(error)
    return None


def _read_row(
    row: Mapping[str, Any], index: Mapping[str, IndexRow] | None, prompts: tuple[str, ...]
) -> NDArray[np.int64]:
    """Return the runs of a row's mask.

    Raises:
        ValueError: Saying what is wrong with the row.
    """
    prompt, candidate = row["prompt"], row["candidate"]
    if prompt not in PROMPTS:
        raise ValueError(f"prompt: {quote(prompt)} unknown")
    if prompt not in prompts:
        raise ValueError(f"prompt: {quote(prompt)} is not among model.prompts")
    most = 0 if prompt == "everything" else MOST_CANDIDATES - 1
    if not 0 <= candidate <= most:
        raise ValueError(f"candidate: {candidate} outside 0..{most}")
    estimate = row["predicted_iou"]
    if estimate is not None and not (isfinite(estimate) and abs(estimate) <= LARGEST_ESTIMATE):
        bounds = f"{-LARGEST_ESTIMATE:g}..{LARGEST_ESTIMATE:g}"
        raise ValueError(f"predicted_iou: {estimate} outside {bounds}")
    if index is not None:
        entry = index.get(row["reference_id"])
        if entry is None:
            raise ValueError(f"reference_id: {quote(row['reference_id'])} not in the core sample")
        if (row["height"], row["width"]) != (entry.height, entry.width):
            want = f"{entry.height}x{entry.width}"
            raise ValueError(f"size {row['height']}x{row['width']}, index says {want}")
    try:
        return read_runs(row["rle"], row["height"], row["width"])
    except ValueError as error:
        raise ValueError(f"rle: {error}") from None


def _refuse_twice(
    row: Mapping[str, Any], number: int, seen: dict[tuple[str, str, int], int]
) -> None:
    key = (row["reference_id"], row["prompt"], row["candidate"])
    if key in seen:
        shown = ", ".join(str(part) for part in key)
        raise ValueError(f"duplicate key ({shown}), first at row {seen[key]}")
    seen[key] = number


def _check_grid(
    seen: Mapping[tuple[str, str, int], int],
    index: Mapping[str, IndexRow] | None,
    prompts: tuple[str, ...],
    where: str,
) -> Iterator[Problem]:
    """Every reference must be answered for every prompt, candidates counting from 0."""
    for reference_id, prompt, candidate in seen:
        if candidate and (reference_id, prompt, candidate - 1) not in seen:
            text = f"candidate {candidate} of ({reference_id}, {prompt}) without the one before"
            yield Problem(where, "rows", text)
            return
    for prompt in prompts:
        missing = [one for one in index or {} if (one, prompt, 0) not in seen]
        if missing:
            text = f"{len(missing)} of {len(index or {})} references missing for prompt {prompt}"
            yield Problem(where, "rows", f"{text} (track needs 100 %), first {quote(missing[0])}")


def _check_shared(
    masks: Mapping[bytes, set[tuple[str, str]]], asked: set[tuple[str, str]], where: str
) -> Iterator[Problem]:
    """One mask for most of what was asked is no prediction; an empty one is a poor model's."""
    most = max((len(members) for members in masks.values()), default=0)
    if len({reference for reference, _ in asked}) >= 10 and most > _SHARED_LIMIT * len(asked):
        yield Problem(where, "rle", f"{most} of {len(asked)} answers share one mask")
