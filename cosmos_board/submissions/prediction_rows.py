"""Rows of `predictions.parquet`: every reference and prompt once, every mask a right one."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from cosmos_board.core.prompts import PROMPTS
from cosmos_board.submissions.layouts import LAYOUTS
from cosmos_board.submissions.problems import Problem, quote
from cosmos_board.submissions.rle import read_runs
from cosmos_board.submissions.sample import IndexRow

MOST_CANDIDATES = 3
MOST_PROBLEMS = 20
LARGEST_ESTIMATE = 10.0
"""Models guess an IoU above 1 now and then; beyond this it is none."""

_ASKED_BYTES = 8
_BITS = 256
_SHARED_LIMIT = 0.5


@dataclass(slots=True)
class Fingerprint:
    """What a file of predictions holds, whatever the order of its rows."""

    rows: set[bytes] = field(default_factory=set)
    """For each mask 16 bytes that tell it with its reference and prompt, and 8 that tell these
    two alone; neither candidate nor estimate."""

    total: int = 0
    count: int = 0

    def add(
        self, reference_id: str, prompt: str, candidate: int, estimate: object, mask: bytes
    ) -> None:
        """Take in one row."""
        asked = f"{reference_id}\x1f{prompt}\x1f".encode()
        key = hashlib.blake2b(asked + mask, digest_size=16)
        self.rows.add(key.digest() + hashlib.blake2b(asked, digest_size=_ASKED_BYTES).digest())
        whole = hashlib.sha256(key.digest() + f"{candidate}\x1f{estimate!r}".encode())
        self.total = (self.total + int.from_bytes(whole.digest(), "big")) % 2**_BITS
        self.count += 1

    @property
    def content_sha256(self) -> str:
        """Hash of all rows, estimates included: what the ledger keeps."""
        return hashlib.sha256(f"{self.count}:{self.total:064x}".encode()).hexdigest()

    def share_equal(self, other: Fingerprint) -> float:
        """Return the share of this file's masks that `other` has too, in [0, 1]."""
        return len(self.rows & other.rows) / max(len(self.rows), 1)

    def share_answered_alike(self, other: Fingerprint) -> float:
        """Return for which share of its prompts one of this file's masks is one of `other`'s.

        Masks that are put beside copied ones, for nobody to choose, do not lower it.
        """
        asked = {row[-_ASKED_BYTES:] for row in self.rows}
        alike = {row[-_ASKED_BYTES:] for row in self.rows & other.rows}
        return len(alike) / max(len(asked), 1)


def mask_key(height: int, width: int, counts: bytes) -> bytes:
    """Return what identifies a mask in a fingerprint."""
    return f"{height}x{width}\x1f".encode() + counts


def iter_predictions(copy: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a clean copy in order."""
    import pyarrow.parquet as pq

    names = list(LAYOUTS["predictions.parquet"].columns)
    with pq.ParquetFile(copy) as file:
        for batch in file.iter_batches(2048, columns=names, use_threads=False):
            yield from batch.to_pylist()


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
        What is wrong (at most `MOST_PROBLEMS` rows of it) and the fingerprint.
    """
    found: list[Problem] = []
    print_ = Fingerprint()
    seen: dict[tuple[str, str, int], int] = {}
    masks: dict[bytes, set[tuple[str, str]]] = defaultdict(set)
    for number, row in enumerate(rows):
        problem = check_row(row, index, prompts) or _check_key(row, number, seen)
        if problem:
            found.append(Problem(where, f"row {number}", problem))
            if len(found) >= MOST_PROBLEMS:
                found.append(Problem(where, "", "and more rows are wrong"))
                return found, print_
            continue
        mask = mask_key(row["height"], row["width"], row["rle"])
        key = (row["reference_id"], row["prompt"], row["candidate"])
        print_.add(*key, row["predicted_iou"], mask)
        if not _is_empty(row["rle"]):
            masks[mask].add(key[:2])
    if not found:
        found += _check_grid(seen, index, prompts, where)
        found += _check_shared(masks, {key[:2] for key in seen}, where)
    return found, print_


def check_row(
    row: Mapping[str, Any], index: Mapping[str, IndexRow] | None, prompts: tuple[str, ...]
) -> str | None:
    """Return what is wrong with one row, whatever the others are, or None."""
    prompt, candidate = row["prompt"], row["candidate"]
    if prompt not in PROMPTS:
        return f"prompt: {quote(prompt)} unknown"
    if prompt not in prompts:
        return f"prompt: {quote(prompt)} is not among model.prompts"
    most = 0 if prompt == "everything" else MOST_CANDIDATES - 1
    if not 0 <= candidate <= most:
        return f"candidate: {candidate} outside 0..{most}"
    estimate = row["predicted_iou"]
    if estimate is not None and not (isfinite(estimate) and abs(estimate) <= LARGEST_ESTIMATE):
        return f"predicted_iou: {estimate} outside {-LARGEST_ESTIMATE:g}..{LARGEST_ESTIMATE:g}"
    if index is not None:
        entry = index.get(row["reference_id"])
        if entry is None:
            return f"reference_id: {quote(row['reference_id'])} not in the core sample"
        if (row["height"], row["width"]) != (entry.height, entry.width):
            want = f"{entry.height}x{entry.width}"
            return f"size {row['height']}x{row['width']}, index says {want}"
    try:
        read_runs(row["rle"], row["height"], row["width"])
    except ValueError as error:
        return f"rle: {error}"
    return None


def _check_key(
    row: Mapping[str, Any], number: int, seen: dict[tuple[str, str, int], int]
) -> str | None:
    key = (row["reference_id"], row["prompt"], row["candidate"])
    if key in seen:
        shown = ", ".join(str(part) for part in key)
        return f"duplicate key ({shown}), first at row {seen[key]}"
    seen[key] = number
    return None


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


def _is_empty(counts: bytes) -> bool:
    """Return whether checked counts are one number, the background."""
    return all((digit - 48) & 0x20 for digit in counts[:-1])
