"""Rows of `predictions.parquet`: every reference and prompt once, every mask a right one."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.masks import Rle
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.rle import read_runs
from cosmos_board.submissions.checks.overlap import KeptMasks
from cosmos_board.submissions.checks.packs import IndexRow
from cosmos_board.submissions.files.layouts import LAYOUTS
from cosmos_board.submissions.format.fields import PREDICTIONS
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

Row: TypeAlias = Mapping[str, Any]
Groups: TypeAlias = Mapping[tuple[str, str], list[Row]]
"""Rows by reference and prompt, in order of their candidates."""


@dataclass(slots=True)
class Fingerprint:
    """What a file of predictions holds, whatever the order of its rows."""

    masks: KeptMasks = field(default_factory=KeptMasks)
    count: int = 0
    _masks: int = 0
    _total: int = 0

    def add(self, row: Row, runs: NDArray[np.int64]) -> None:
        """Take in one row that is right, and the runs of its mask."""
        key = f"{row['reference_id']}\x1f{row['prompt']}\x1f".encode()
        mask = hashlib.sha256(key + _mask_key(row)).digest()
        estimate = f"{row['candidate']}\x1f{row['predicted_iou']!r}".encode()
        self._masks = _add(self._masks, mask)
        self._total = _add(self._total, hashlib.sha256(mask + estimate).digest())
        self.count += 1
        self.masks.add(row, runs)

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


def _mask_key(row: Row) -> bytes:
    counts: bytes = row["rle"]
    return f"{row['height']}x{row['width']}\x1f".encode() + counts


def iter_predictions(copy: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a clean copy in order, one row group in memory at a time."""
    import pyarrow.parquet as pq

    names = list(LAYOUTS[PREDICTIONS].columns)
    with pq.ParquetFile(copy, memory_map=False, pre_buffer=False) as file:
        for number in range(file.num_row_groups):
            yield from file.read_row_group(number, columns=names, use_threads=False).to_pylist()


def group_candidates(rows: Iterable[Row]) -> Groups:
    """Return rows by reference and prompt."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["reference_id"], row["prompt"]].append(row)
    for group in groups.values():
        group.sort(key=lambda row: int(row["candidate"]))
    return groups


def decode_candidates(rows: Sequence[Row]) -> Candidates:
    """Return the candidates of one reference and prompt; a missing estimate counts as 0."""
    masks = np.stack([Rle(row["height"], row["width"], row["rle"]).decode() for row in rows])
    estimates = [row["predicted_iou"] or 0.0 for row in rows]
    return Candidates(np.ascontiguousarray(masks), np.array(estimates, np.float32))


def check_rows(
    rows: Iterable[Row],
    index: Mapping[str, IndexRow] | None,
    prompts: tuple[str, ...],
    where: str,
    sample: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Fingerprint, list[Problem]]:
    """Return the fingerprint of a clean copy's rows and what is wrong, `MOST_PROBLEMS` at most.

    `index` holds the references that are asked for, under every prompt or, where there is a
    `sample`, those that it lists for each. Where it is None, so nobody here knows them, a long
    file is read to `MOST_UNKNOWN_BYTES`: who has them reads it all.
    """
    problems: list[Problem] = []
    fingerprint = Fingerprint()
    seen: dict[tuple[str, str, int], int] = {}
    masks: dict[bytes, set[tuple[str, str]]] = defaultdict(set)
    unread = MOST_UNKNOWN_BYTES
    for number, row in enumerate(rows):
        unread -= _ROW_BYTES + len(row["rle"])
        if index is None and unread < 0:
            return fingerprint, problems
        key = (row["reference_id"], row["prompt"], row["candidate"])
        try:
            runs = check_row(row, index, prompts)
            if key in seen:
                shown = ", ".join(map(str, key))
                first = f", first at row {seen[key]}" if sample is None else ""
                raise ValueError(f"duplicate key ({shown}){first}")
        except ValueError as error:
            name = f"row {number}" if sample is None else ", ".join(key[:2])
            problems.append(Problem(where, name, str(error)))
            if len(problems) >= MOST_PROBLEMS:
                problems.append(Problem(where, "", "and more rows are wrong"))
                return fingerprint, problems
            continue
        seen[key] = number
        fingerprint.add(row, runs)
        if len(runs) > 1:  # else it is empty
            masks[hashlib.sha256(_mask_key(row)).digest()].add(key[:2])
    if not problems:
        wanted = dict.fromkeys(prompts, tuple(index or ())) if sample is None else sample
        problems += _check_grid(seen, wanted, where)
        problems += _check_shared(masks, {key[:2] for key in seen}, where)
    return fingerprint, problems


def check_row(
    row: Row, index: Mapping[str, IndexRow] | None, prompts: tuple[str, ...]
) -> NDArray[np.int64]:
    """Return the runs of a row's mask.

    Raises:
        ValueError: Saying what is wrong with the row, whatever the others are.
    """
    prompt, candidate, estimate = row["prompt"], row["candidate"], row["predicted_iou"]
    if prompt not in PROMPTS:
        raise ValueError(f"prompt: {quote(prompt)} unknown")
    if prompt not in prompts:
        raise ValueError(f"prompt: {quote(prompt)} is not among model.prompts")
    most = 0 if prompt == "everything" else MOST_CANDIDATES - 1
    if not 0 <= candidate <= most:
        raise ValueError(f"candidate: {candidate} outside 0..{most}")
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


def _check_grid(
    seen: Mapping[tuple[str, str, int], int],
    wanted: Mapping[str, Sequence[str]],
    where: str,
) -> Iterator[Problem]:
    """Every reference must be answered for its prompts, candidates counting from 0."""
    for reference_id, prompt, candidate in seen:
        if candidate and (reference_id, prompt, candidate - 1) not in seen:
            text = f"candidate {candidate} of ({reference_id}, {prompt}) without the one before"
            yield Problem(where, "rows", text)
            return
    for prompt, names in wanted.items():
        missing = [name for name in names if (name, prompt, 0) not in seen]
        if missing:
            text = f"{len(missing)} of {len(names)} references missing for prompt {prompt}"
            yield Problem(where, "rows", f"{text} (track needs 100 %), first {quote(missing[0])}")


def _check_shared(
    masks: Mapping[bytes, set[tuple[str, str]]], keys: set[tuple[str, str]], where: str
) -> Iterator[Problem]:
    """One mask for most references and prompts is no prediction; an empty one is a poor model's."""
    most = max((len(members) for members in masks.values()), default=0)
    if len({reference for reference, _ in keys}) >= 10 and most > _SHARED_LIMIT * len(keys):
        yield Problem(where, "rle", f"{most} of {len(keys)} answers share one mask")
