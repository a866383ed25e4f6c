"""Stages are timed by the clock of whatever device works."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from cosmos_board.runner.evaluation.stage_timer import StageTimer


@dataclass
class LateClock:
    """Of a device that comes to a mark only when it is waited for."""

    now_s: float = 0.0
    waited: list[float] = field(default_factory=list)

    def mark(self) -> float:
        return self.now_s

    def is_past(self, mark: float) -> bool:
        return mark in self.waited

    def seconds(self, began: float, ended: float) -> float:
        self.waited.append(ended)
        return ended - began


def time_twice(timer: StageTimer, clock: LateClock) -> None:
    for seconds in (1.0, 3.0):
        with timer.time("prompt", 2, clock):
            clock.now_s += seconds


def test_a_device_is_waited_for_when_the_medians_are_asked_for_and_not_before() -> None:
    timer, clock = StageTimer(), LateClock()
    time_twice(timer, clock)
    assert clock.waited == []

    assert timer.medians_s() == {"prompt": (4, 1.0)}
    assert clock.waited == [1.0, 4.0]


def test_a_warm_up_that_the_device_has_not_done_yet_is_forgotten_too() -> None:
    timer, clock = StageTimer(), LateClock()
    time_twice(timer, clock)
    timer.forget_warm_up()

    assert timer.medians_s() == {}


def test_a_block_that_raises_has_no_time() -> None:
    timer = StageTimer()
    with pytest.raises(ValueError, match="no"), timer.time("embed"):
        raise ValueError("no")

    assert timer.medians_s() == {}
