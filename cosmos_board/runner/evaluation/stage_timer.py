"""How long a model takes, by stage."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Literal, NamedTuple, TypeAlias

from cosmos_board.accelerators.timing import HOST_CLOCK, Clock

Stage: TypeAlias = Literal["embed", "prompt", "everything"]

_SAMPLES_KEPT = 200


class _Timed(NamedTuple):
    """A block that a device may still be working on."""

    stage: Stage
    items: int
    clock: Clock
    began: Any
    ended: Any


class StageTimer:
    """Collects seconds an item by stage, by the clock of the device that works."""

    def __init__(self) -> None:
        self.samples_s: dict[str, list[float]] = defaultdict(list)
        self.items: dict[str, int] = defaultdict(int)
        self._begun: deque[_Timed] = deque()

    @contextmanager
    def time(self, stage: Stage, items: int = 1, clock: Clock = HOST_CLOCK) -> Iterator[None]:
        """Time the block and share its seconds among `items`; not if the block raises."""
        began = clock.mark()
        yield
        self.items[stage] += items
        if len(self.samples_s[stage]) < _SAMPLES_KEPT:
            self._begun.append(_Timed(stage, items, clock, began, clock.mark()))
            self._read(wait=False)

    def forget_warm_up(self) -> None:
        """Drop what was collected so far: first calls compile, allocate and load."""
        self.samples_s.clear()
        self.items.clear()
        self._begun.clear()

    def medians_s(self) -> dict[str, tuple[int, float]]:
        """Return the number of items and the median seconds an item, by stage.

        The host waits until the device has done what was timed.
        """
        self._read(wait=True)
        return {
            stage: (self.items[stage], median(samples))
            for stage, samples in sorted(self.samples_s.items())
            if samples
        }

    def _read(self, *, wait: bool) -> None:
        """Turn blocks into samples; unless told to `wait`, only those that the device has done."""
        while self._begun and (wait or self._begun[0].clock.is_past(self._begun[0].ended)):
            stage, items, clock, began, ended = self._begun.popleft()
            self.samples_s[stage].append(clock.seconds(began, ended) / max(items, 1))
