"""How things are timed: in turn, so that a busy moment hits all alike, and best of several."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

_PACKAGES = (
    "numpy", "numba", "torch", "torchvision", "segment-anything", "opencv-python-headless",
    "pycocotools", "monai", "medpy", "surface-distance", "SimpleITK", "pyarrow", "duckdb",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timing:
    """What one way of doing something cost over many cases."""

    name: str
    median_ms: float
    """Median over cases of the best of all rounds."""

    mean_ms: float
    ratio: float
    """Times the cost of the first way, by medians."""


def time_in_turn(
    ways: Mapping[str, Callable[[Any], object]], cases: Sequence[Any], *, rounds: int
) -> list[Timing]:
    """Return what each of `ways` costs on `cases`; the first is what others are held against."""
    best = {name: [float("inf")] * len(cases) for name in ways}
    for _ in range(rounds):
        for index, case in enumerate(cases):
            for name, way in ways.items():
                start = time.perf_counter()
                way(case)
                best[name][index] = min(best[name][index], time.perf_counter() - start)
    medians = {name: 1e3 * statistics.median(seconds) for name, seconds in best.items()}
    first = medians[next(iter(ways))]
    return [
        Timing(name, medians[name], 1e3 * statistics.mean(seconds), medians[name] / first)
        for name, seconds in best.items()
    ]


def print_timings(title: str, timings: Sequence[Timing]) -> None:
    """Print a table, fastest first."""
    print(f"\n{title}\n{'':52s} {'median':>10s} {'mean':>10s} {'ratio':>8s}")
    for timing in sorted(timings, key=lambda timing: timing.median_ms):
        print(
            f"{timing.name:52s} {timing.median_ms:7.3f} ms {timing.mean_ms:7.3f} ms"
            f" {timing.ratio:8.1f}"
        )


def to_rows(title: str, timings: Sequence[Timing]) -> dict[str, object]:
    """Return a table as plain values, for a JSON document."""
    return {"title": title, "rows": [asdict(timing) for timing in timings]}


def describe_machine() -> dict[str, object]:
    """Return what a reader must know of the machine to compare figures."""
    return {
        "processor": _name_processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _get_version(name))},
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        "load": round(os.getloadavg()[0], 2),
        "utc": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }


def _get_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _name_processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor()
