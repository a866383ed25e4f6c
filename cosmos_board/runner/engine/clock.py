"""How long each stage takes, item by item."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["embed", "prompt", "everything"]

_KEPT = 200


class Clock:
    """Collects seconds an item; monotonic, so a changed wall clock has no effect."""

    def __init__(self) -> None:
        self.samples_s: dict[str, list[float]] = defaultdict(list)
        self.items: dict[str, int] = defaultdict(int)

    @contextmanager
    def time(self, stage: Stage, items: int = 1) -> Iterator[None]:
        """Time the block and share its seconds among `items`; a block that raises counts not."""
        began = time.perf_counter()
        yield
        self.items[stage] += items
        if len(self.samples_s[stage]) < _KEPT:
            self.samples_s[stage].append((time.perf_counter() - began) / max(items, 1))

    def forget_warm_up(self) -> None:
        """Drop what was collected so far: first calls compile, allocate and load."""
        self.samples_s.clear()
        self.items.clear()

    def medians_s(self) -> dict[str, tuple[int, float]]:
        """Return items and median seconds an item, by stage."""
        return {
            stage: (self.items[stage], median(samples))
            for stage, samples in sorted(self.samples_s.items())
            if samples
        }
