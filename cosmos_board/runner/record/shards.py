"""Shards, the unit of work: consecutive images of a pack, whose rows are one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmos_board.core.errors import InputError


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """Images `start` … `stop` − 1 of a pack, in its order."""

    run_id: str
    start: int
    stop: int
    pack: Path
    """The pack that it is cut from."""

    @property
    def name(self) -> str:
        """Name of its files, without ending."""
        return f"{self.run_id}-{self.start:08d}"

    @property
    def images(self) -> int:
        """Number of its images."""
        return self.stop - self.start


def images_per_shard(images: int) -> int:
    """Return how many images a shard has: a 64th of all, at least 1 and at most 512.

    Depends on the number of images alone, so that every worker and resume has equal shards.

    Example:
        >>> [images_per_shard(n) for n in (1, 40, 1_000, 1_000_000)]
        [1, 1, 15, 512]
    """
    return min(max(images // 64, 1), 512)


def cut_shards(run_id: str, images: int, pack: Path) -> Iterator[Shard]:
    """Yield the shards of the first `images` images of a pack, in order."""
    step = images_per_shard(images)
    for start in range(0, images, step):
        yield Shard(run_id, start, min(start + step, images), pack)


def choose_share(shards: list[Shard], share: str | None) -> list[Shard]:
    """Return the shards of share `i/n`, for job arrays: every n-th, from the i-th on (1 … n).

    Raises:
        InputError: If `share` does not read `i/n` with 1 ≤ i ≤ n.

    Example:
        >>> [s.start for s in choose_share(list(cut_shards("r", 5, Path("pack"))), "2/2")]
        [1, 3]
    """
    if share is None:
        return shards
    index, _, count = share.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise InputError("--shard", "", "is no share", got=share, want="i/n with 1 ≤ i ≤ n")
    return shards[int(index) - 1 :: int(count)]
