"""Rows of `counts.parquet`: pixel counts per reference, prompt and selection, by the million."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.scores import SELECTIONS
from cosmos_board.submissions.checks.implausible import find_implausible
from cosmos_board.submissions.checks.packs import IndexRow
from cosmos_board.submissions.problems import Problem, quote

_KEYS = ("reference_id", "prompt", "selection")
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


Places: TypeAlias = tuple[NDArray[np.int64], ...]
"""Of reference, prompt and selection on a grid, one array each; -1 where it has none."""


def iter_blocks(
    copy: Path, references: tuple[str, ...], prompts: tuple[str, ...]
) -> Iterator[tuple[Places, NDArray[np.int64], Any]]:
    """Yield the rows of a clean copy, a batch at a time, on the grid of these names.

    They come as places, as counts (tp, fp, fn; axes (row, count)) and as pyarrow read them.
    """
    import pyarrow.parquet as pq

    known = [
        {word: place for place, word in enumerate(words)}
        for words in (references, prompts, SELECTIONS)
    ]
    with pq.ParquetFile(copy, read_dictionary=list(_KEYS)) as file:
        for number in range(file.num_row_groups):
            (batch,) = file.read_row_group(number, use_threads=False).combine_chunks().to_batches()
            places = []
            for name, words in zip(_KEYS, known, strict=True):
                column = batch.column(name)
                numbers = [words.get(word, -1) for word in column.dictionary.to_pylist()]
                places.append(np.array(numbers, np.int64)[column.indices.to_numpy()])
            counts = np.stack([batch.column(name).to_numpy() for name in _COUNTS], axis=1)
            yield tuple(places), counts, batch


def read_counts(
    copy: Path, index: Mapping[str, IndexRow], prompts: tuple[str, ...], where: str
) -> tuple[CountTable, list[Problem]]:
    """Return the counts of a clean copy and everything that is wrong with them.

    `index` holds the references that are asked for; `where` is the file's path, for messages.
    """
    ids = tuple(sorted(index))
    shape = (len(ids), len(prompts), len(SELECTIONS), len(_COUNTS))
    table = CountTable(ids, prompts, np.full(shape, -1, np.int32))
    area = np.array([index[name].area_px for name in ids], np.int64)
    pixels = np.array([index[name].height * index[name].width for name in ids], np.int64)
    first = 0
    for places, counts, batch in iter_blocks(copy, ids, prompts):
        wrong = _find_unknown(places, batch, prompts)
        wrong = wrong or _find_wrong(counts, area[places[0]], pixels[places[0]])
        wrong = wrong or _find_twice(places, table.counts)
        if wrong:
            return table, [Problem(where, f"row {first + wrong[0]}", wrong[1])]
        table.counts[places] = counts
        first += len(counts)
    return table, list(_check_whole(table, where))


_Wrong = tuple[int, str]
"""The first row of a block that is wrong, and what is wrong with it."""


def _find_unknown(
    places: Places,
    batch: Any,  # noqa: ANN401 - pyarrow ships no types
    prompts: tuple[str, ...],
) -> _Wrong | None:
    wants = ("not in the index", f"unknown, want one of: {', '.join(prompts)}", "unknown")
    for name, numbers, want in zip(_KEYS, places, wants, strict=True):
        if (numbers < 0).any():
            row = int(np.argmax(numbers < 0))
            return row, f"{name}: {quote(batch.column(name)[row].as_py())} {want}"
    everything = [number for number, name in enumerate(prompts) if name == "everything"]
    wrong = np.isin(places[1], everything) & (places[2] != SELECTIONS.index("oracle"))
    return (int(np.argmax(wrong)), "selection: everything has oracle only") if wrong.any() else None


def _find_wrong(
    counts: NDArray[np.int64], area: NDArray[np.int64], pixels: NDArray[np.int64]
) -> _Wrong | None:
    drawn = counts[:, 0] + counts[:, 2]
    summed = counts.clip(max=1 << 40).sum(axis=1)  # cut, so that no sum can overflow
    rules = [
        (column < 0, f"{name}: {{}} below 0", column)
        for name, column in zip(_COUNTS, counts.T, strict=True)
    ]
    rules += [
        (summed > pixels, "tp+fp+fn: more than the {} pixels of the image", pixels),
        (drawn != area, "tp+fn: is {}, reference area is {}", drawn),
    ]
    for wrong, text, values in rules:
        if wrong.any():
            row = int(np.argmax(wrong))
            return row, text.format(values[row], area[row])
    return None


def _find_twice(places: Places, counts: NDArray[np.int32]) -> _Wrong | None:
    cells = np.ravel_multi_index(places, counts.shape[:3])
    _, first, inverse = np.unique(cells, return_index=True, return_inverse=True)
    twice = (counts[places][:, 0] >= 0) | (first[inverse] != np.arange(len(cells)))
    return (int(np.argmax(twice)), f"duplicate key ({', '.join(_KEYS)})") if twice.any() else None


def _check_whole(table: CountTable, where: str) -> Iterator[Problem]:
    groups = {}
    for number, prompt in enumerate(table.prompts):
        selections = 1 if prompt == "everything" else 2
        missing = table.counts[:, number, :selections, 0].min(axis=1) < 0
        if missing.any():
            text = f"{int(missing.sum())} of {len(missing)} references missing for prompt {prompt}"
            yield Problem(where, "rows", f"{text} (track needs 100 %)")
        rows = table.counts[:, number].reshape(-1, 3).astype(np.int64)
        rows = rows[rows[:, 0] >= 0]
        groups[prompt] = (rows, np.full(len(rows), np.nan))
    yield from find_implausible(groups, where)
