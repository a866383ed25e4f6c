"""Refuses two entries of an import file that draw one object of one image from two sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.planning.match import Matches
from cosmos_board.data.imports.reading.job import ImageJob
from cosmos_board.data.imports.spec.models import ImageSpec, MaskSpec

_SAME_IMAGE = ("modality", "reader", "key", "frame", "axes", "channels", "plane", "stack")
"""Fields by which two entries make different images of one file."""


class _Source(NamedTuple):
    """One entry of masks, and where it stands."""

    entry: int
    position: int
    mask: MaskSpec

    @property
    def field(self) -> str:
        return f"images[{self.entry}].masks[{self.position}]"


def refuse_two_sources(entries: Sequence[Matches], origin: str) -> None:
    """Refuse entries whose masks of one object of one image would be joined without a word.

    Masks with `instances` stay references of their own, and those of another observer are no
    references: both may come from several entries.

    Raises:
        InputError: With the field and the file of both.
    """
    sources = [
        _Source(number, position, mask)
        for number, entry in enumerate(entries)
        for position, mask in enumerate(entry.spec.masks)
    ]
    for first, second in combinations(sources, 2):
        shared = set(first.mask.all_objects) & set(second.mask.all_objects)
        apart = first.mask.instances or second.mask.instances
        if not shared or apart or first.mask.observer != second.mask.observer:
            continue
        for one, other in _pair_jobs(entries, first, second):
            files = [_find_file(one, first.mask), _find_file(other, second.mask)]
            if all(files):
                raise InputError(
                    origin, f"{second.field}.files",
                    f"takes {show_path(files[1])} for {min(shared)} of {show_path(one.origin)}, for"
                    f" which {first.field} takes {show_path(files[0])}",
                    want="one entry that names in a {part} what differs, instances or an observer",
                )  # fmt: skip


def _pair_jobs(
    entries: Sequence[Matches], first: _Source, second: _Source
) -> Iterator[tuple[ImageJob, ImageJob]]:
    """Yield the jobs of two entries that read the same image."""
    if first.entry == second.entry:
        yield from ((job, job) for job in entries[first.entry].jobs)
        return
    if not _read_alike(entries[first.entry].spec, entries[second.entry].spec):
        return
    known = {job.paths: job for job in entries[first.entry].jobs}
    for job in entries[second.entry].jobs:
        if job.paths in known:
            yield known[job.paths], job


def _read_alike(first: ImageSpec, second: ImageSpec) -> bool:
    return all(getattr(first, name) == getattr(second, name) for name in _SAME_IMAGE)


def _find_file(job: ImageJob, mask: MaskSpec) -> str:
    """Return the first file of an entry of masks for an image; "" where there is none."""
    return next((files.paths[0] for files in job.masks if files.spec is mask), "")
