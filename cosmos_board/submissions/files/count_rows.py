"""Rows of `counts.parquet`: pixel counts per reference, prompt and selection, by the million."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.scores import SELECTIONS
from cosmos_board.submissions.checks.implausible import find_implausible
from cosmos_board.submissions.checks.sample import IndexRow
from cosmos_board.submissions.problems import Problem, quote

_COUNTS = ("tp", "fp", "fn")


@dataclass(frozen=True, slots=True)
class CountTable:
    """Counts on the full grid; -1 where there is no row."""

    references: tuple[str, ...]
    prompts: tuple[str, ...]
    counts: NDArray[np.int32]
    """tp, fp, fn; int32, axes (reference, prompt, selection, count)."""

    @property
    def content_sha256(self) -> str:
        """Hash of all counts, whatever the order of the rows."""
        digest = hashlib.sha256("\n".join((*self.references, *self.prompts)).encode())
        digest.update(np.ascontiguousarray(self.counts, "<i4").data)
        return digest.hexdigest()


def read_counts(
    copy: Path, index: Mapping[str, IndexRow], prompts: tuple[str, ...], where: str
) -> tuple[CountTable, list[Problem]]:
    """Return the counts of a clean copy and everything that is wrong with them.

    Args:
        copy: From `copy_checked`.
        index: The references that are asked for, by id.
        prompts: Those that the model answers.
        where: Path of the file, for messages.
    """
    ids = tuple(sorted(index))
    shape = (len(ids), len(prompts), len(SELECTIONS))
    table = CountTable(ids, prompts, np.full((*shape, 3), -1, np.int32))
    flat = table.counts.reshape(-1, 3)
    area = np.array([index[one].area_px for one in ids], np.int64)
    pixels = np.array([index[one].height * index[one].width for one in ids], np.int64)
    first = 0
    for keys, counts, words in iter_blocks(copy, ids, prompts):
        problem = (
            _check_keys(keys, words, prompts, first)
            or _check_counts(counts, area[keys[0]], pixels[keys[0]], first)
            or _check_twice(keys, shape, flat, first)
        )
        if problem:
            return table, [Problem(where, *problem)]
        flat[np.ravel_multi_index(keys, shape)] = counts
        first += len(counts)
    return table, list(_check_whole(table, where))


def iter_blocks(
    copy: Path, ids: tuple[str, ...], prompts: tuple[str, ...]
) -> Iterator[tuple[tuple[NDArray[np.int64], ...], NDArray[np.int64], Any]]:
    """Yield the rows of a clean copy, a batch at a time.

    Args:
        copy: From `copy_checked`.
        ids: References, in the order of a grid.
        prompts: Prompts, in the order of a grid.

    Returns:
        Places on the grid (reference, prompt, selection; -1 where it has none), the counts (tp,
        fp, fn; axes (row, count)) and the batch itself.
    """
    import pyarrow.parquet as pq

    names = ("reference_id", "prompt", "selection")
    places = [
        {word: place for place, word in enumerate(words)} for words in (ids, prompts, SELECTIONS)
    ]
    with pq.ParquetFile(copy, read_dictionary=list(names)) as file:
        for number in range(file.num_row_groups):
            (batch,) = file.read_row_group(number, use_threads=False).combine_chunks().to_batches()
            keys = []
            for name, known in zip(names, places, strict=True):
                column = batch.column(name)
                words = [known.get(word, -1) for word in column.dictionary.to_pylist()]
                keys.append(np.array(words, np.int64)[column.indices.to_numpy()])
            counts = np.stack([batch.column(name).to_numpy() for name in _COUNTS], axis=1)
            yield tuple(keys), counts, batch


_Found = tuple[str, str]


def _check_keys(
    keys: tuple[NDArray[np.int64], ...],
    batch: Any,  # noqa: ANN401 - pyarrow ships no types
    prompts: tuple[str, ...],
    first: int,
) -> _Found | None:
    wants = ("not in the index", f"unknown, want one of: {', '.join(prompts)}", "unknown")
    for name, places, want in zip(
        ("reference_id", "prompt", "selection"), keys, wants, strict=True
    ):
        if (places < 0).any():
            row = int(np.argmax(places < 0))
            value = batch.column(name)[row].as_py()
            return f"row {first + row}", f"{name}: {quote(value)} {want}"
    everything = [number for number, name in enumerate(prompts) if name == "everything"]
    selfish = np.isin(keys[1], everything) & (keys[2] != SELECTIONS.index("oracle"))
    if selfish.any():
        return f"row {first + int(np.argmax(selfish))}", "selection: everything has oracle only"
    return None


def _check_counts(
    counts: NDArray[np.int64], area: NDArray[np.int64], pixels: NDArray[np.int64], first: int
) -> _Found | None:
    for number, name in enumerate(_COUNTS):
        if (counts[:, number] < 0).any():
            row = int(np.argmax(counts[:, number] < 0))
            return f"row {first + row}", f"{name}: {counts[row, number]} below 0"
    summed = counts.clip(max=1 << 40).sum(axis=1)  # cut, so that no sum can overflow
    wrong = summed > pixels
    if wrong.any():
        row = int(np.argmax(wrong))
        return f"row {first + row}", f"tp+fp+fn: more than the {pixels[row]} pixels of the image"
    drawn = counts[:, 0] + counts[:, 2]
    if (drawn != area).any():
        row = int(np.argmax(drawn != area))
        return f"row {first + row}", f"tp+fn: is {drawn[row]}, reference area is {area[row]}"
    return None


def _check_twice(
    keys: tuple[NDArray[np.int64], ...],
    shape: tuple[int, ...],
    flat: NDArray[np.int32],
    first: int,
) -> _Found | None:
    places = np.ravel_multi_index(keys, shape)
    _, inverse, times = np.unique(places, return_inverse=True, return_counts=True)
    twice = (times[inverse] > 1) | (flat[places, 0] >= 0)
    if not twice.any():
        return None
    rows = np.flatnonzero(twice)
    repeated = [row for row in rows if flat[places[row], 0] >= 0] or rows[1:]
    return f"row {first + int(repeated[0])}", "duplicate key (reference_id, prompt, selection)"


def _check_whole(table: CountTable, where: str) -> Iterator[Problem]:
    for number, prompt in enumerate(table.prompts):
        wanted = 1 if prompt == "everything" else 2
        missing = table.counts[:, number, :wanted, 0].min(axis=1) < 0
        if missing.any():
            text = f"{int(missing.sum())} of {len(missing)} references missing for prompt {prompt}"
            yield Problem(where, "rows", f"{text} (track needs 100 %)")
    yield from find_implausible(dict(_group(table)), where)


def _group(
    table: CountTable,
) -> Iterator[tuple[str, tuple[NDArray[np.int64], NDArray[np.float64]]]]:
    for number, prompt in enumerate(table.prompts):
        rows = table.counts[:, number].reshape(-1, 3).astype(np.int64)
        rows = rows[rows[:, 0] >= 0]
        yield prompt, (rows, np.full(len(rows), np.nan))
