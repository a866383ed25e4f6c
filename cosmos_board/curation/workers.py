"""Curating batches of source units in several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

from cosmos_board.core.processes import make_pool
from cosmos_board.curation.staging import make_batch_key, stage_batch, stage_refusal
from cosmos_board.data.source import SourceUnit

Units: TypeAlias = tuple[SourceUnit, ...]

# Batches handed out per worker: none runs dry, and no memory piles up.
_WAITING = 2


def stage_units(
    folder: Path, units: Sequence[SourceUnit], *, workers: int, batch_units: int
) -> Iterator[tuple[str, int]]:
    """Curate `units` into `folder`; yield (batch key, units in it) as batches finish.

    Batches that are there from before cost nothing. A unit that kills its process is quarantined.

    Raises:
        StorageError: If the disk is full, read-only or gone.
    """
    starts = range(0, len(units), batch_units)
    batches = [tuple(units[start : start + batch_units]) for start in starts]
    if workers == 1:
        for batch in batches:
            stage_batch(folder, batch)
            yield make_batch_key(batch), len(batch)
        return
    while batches:
        finished: set[int] = set()
        try:
            for position in _stage_side_by_side(folder, batches, workers):
                finished.add(position)
                yield make_batch_key(batches[position]), len(batches[position])
            return
        except BrokenProcessPool:
            # Which batch did it is unknown: those under way are taken unit by unit.
            left = [batch for position, batch in enumerate(batches) if position not in finished]
            suspects, batches = left[: _WAITING * workers], left[_WAITING * workers :]
        for unit in (unit for batch in suspects for unit in batch):
            yield _stage_alone(folder, unit), 1


def _stage_side_by_side(folder: Path, batches: list[Units], workers: int) -> Iterator[int]:
    waiting: dict[Future[None], int] = {}
    pool = make_pool(workers, get_context("spawn"), _prepare_worker)
    try:
        for position, batch in enumerate(batches):
            if len(waiting) == _WAITING * workers:
                yield from _take_finished(waiting)
            waiting[pool.submit(stage_batch, folder, batch)] = position
        while waiting:
            yield from _take_finished(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _take_finished(waiting: dict[Future[None], int]) -> Iterator[int]:
    finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in finished:
        future.result()
        yield waiting.pop(future)


def _stage_alone(folder: Path, unit: SourceUnit) -> str:
    with make_pool(1, get_context("spawn"), _prepare_worker) as pool:
        try:
            pool.submit(stage_batch, folder, (unit,)).result()
        except BrokenProcessPool:
            stage_refusal(folder, unit, "the process that read it died")
    return make_batch_key((unit,))


def _prepare_worker() -> None:
    import cv2

    cv2.setNumThreads(1)
