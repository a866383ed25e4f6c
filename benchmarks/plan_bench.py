"""How long, and in how much memory, does the plan of an import of many files take?

Usage: python -m benchmarks.plan_bench [--files 100000] [--layout NAME]

Half of the files are images, half are masks, or as many members of one archive. All are empty, as
a plan opens none. Each layout is planned by a process of its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.timing import describe_machine
from cosmos_board.data.imports.planning.comparison import describe_comparison
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import load_spec, parse_spec

_PATIENTS = """
schema_version = 1
name = "many"
ignore_case = true
exclude = ["**/overlays/"]
archives = "many.*"

[[images]]
files = "**/{patient}/images/{case:[0-9]+}.png"
modality = "colonoscopy"
cluster = "{patient}"

[[images.masks]]
files = ["**/{patient}/masks/{case}_mask.png", "**/{patient}/masks/{case}_segm.png"]
object = "polyp"
"""
"""An import file that uses much of what the format can say."""

_PER_PATIENT = 50
_PER_SERIES = 200


def _name_flat(number: int) -> tuple[str, str]:
    return f"images/{number:06d}.jpg", f"masks/{number:06d}.jpg"


def _name_unknown(number: int) -> tuple[str, str]:
    return f"frames/{number:06d}.jpg", f"drawn/{number:06d}.jpg"


def _name_deep(number: int) -> tuple[str, str]:
    patient = number // _PER_PATIENT
    folder = f"site{patient % 10}/part{patient % 100}/patient{patient:05d}"
    return f"{folder}/images/{number:06d}.png", f"{folder}/masks/{number:06d}_mask.png"


def _name_series(number: int) -> tuple[str, str]:
    scan, index = divmod(number, _PER_SERIES)
    folder = f"CT/{scan + 1}"
    return (
        f"{folder}/DICOM_anon/i{index:04d},0000b.dcm",
        f"{folder}/Ground/liver_GT_{index:03d}.png",
    )


_ARCHIVES = {"zip": "zip", "tar": "tar", "tar.gz": "gztar"}
"""Layouts that are `deep` in one archive, and what `shutil` calls it."""

_NAMES: dict[str, Callable[[int], tuple[str, str]]] = {
    "flat": _name_flat,
    "deep": _name_deep,
    "series": _name_series,
    "unknown": _name_unknown,
    **dict.fromkeys(_ARCHIVES, _name_deep),
}
"""The paths of an image and of its mask, by layout; of `unknown` no file fits a pattern."""

_CATALOG = {"flat": "kvasir-seg", "unknown": "kvasir-seg", "series": "chaos"}
"""Whose import file reads a layout; `_PATIENTS` reads the others."""

LAYOUTS = tuple(_NAMES)


def run(files: int) -> dict[str, object]:
    """Return what a plan of every layout took."""
    results = []
    for layout in LAYOUTS:
        results.append(measure_alone(layout, files))
        print(results[-1], flush=True)
    return {"machine": describe_machine(), "results": results}


def measure_alone(layout: str, files: int) -> dict[str, object]:
    """Write the files of a layout, and return what their plan took in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        _write_files(source, layout, files)
        if layout in _ARCHIVES:
            packed = Path(folder, "packed")
            packed.mkdir()
            shutil.make_archive(str(packed / "many"), _ARCHIVES[layout], source)
            source = packed
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            return {
                "layout": layout,
                "files": files,
                **pool.submit(measure, source, layout).result(),
            }


def _write_files(source: Path, layout: str, files: int) -> None:
    for number in range(files // 2):
        for path in _NAMES[layout](number):
            file = source / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()


def measure(folder: Path, layout: str) -> dict[str, object]:
    """Plan a folder, and return what was found, the CPU seconds and the peak of this process."""
    known = _CATALOG.get(layout)
    spec = load_spec(known) if known else parse_spec(_PATIENTS, "benchmark")
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    plan = plan_import(spec, folder)
    plan.describe()
    if plan.jobs:
        plan.units()
        describe_comparison(plan)
    return {
        "images": len(plan.jobs),
        "unmatched": sum(kind.count for kind in plan.unmatched),
        "cpu_s": round(time.process_time() - started_cpu_s, 2),
        "wall_s": round(time.perf_counter() - started_s, 2),
        "peak_mib": read_peak_mib(),
    }


def read_peak_mib() -> float:
    """Return the peak memory of this process alone; `getrusage` keeps that of the one before."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--layout", choices=LAYOUTS, default="flat")
    options = parser.parse_args()
    print(json.dumps(measure_alone(options.layout, options.files)))
