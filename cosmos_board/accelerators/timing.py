"""Clocks: of the host, and of a GPU, whose kernels run on after the host has launched them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


class Clock(Protocol):
    """Tells how long a device took between two marks."""

    def mark(self) -> Any:  # noqa: ANN401 (each clock has its own)
        """Return a mark behind all work that was handed to the device so far."""
        ...

    def is_past(self, mark: Any) -> bool:  # noqa: ANN401
        """Return whether the device has come to a mark."""
        ...

    def seconds(self, began: Any, ended: Any) -> float:  # noqa: ANN401
        """Return the seconds between two marks, once the device has come to the second."""
        ...


class HostClock:
    """The clock of a device that the host waits for; monotonic."""

    def mark(self) -> float:
        """Return the time now."""
        return time.perf_counter()

    def is_past(self, mark: float) -> bool:
        """Return True: the host is the device."""
        return True

    def seconds(self, began: float, ended: float) -> float:
        """Return the seconds between two times."""
        return ended - began


HOST_CLOCK = HostClock()


class EventClock:
    """The clock of a GPU: marks are CUDA events in its stream, which the host does not wait for."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def mark(self) -> torch.cuda.Event:
        """Return an event behind all work that was launched so far."""
        import torch

        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        return event

    def is_past(self, mark: torch.cuda.Event) -> bool:
        """Return whether the device has come to an event."""
        return bool(mark.query())  # type: ignore[no-untyped-call]

    def seconds(self, began: torch.cuda.Event, ended: torch.cuda.Event) -> float:
        """Return the seconds between two events, once the device has come to the second."""
        ended.synchronize()
        return float(began.elapsed_time(ended)) / 1000
