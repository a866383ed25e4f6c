"""How long, and in how much memory, does the plan of an import of many files take?

Usage: python -m benchmarks.plan_bench [--files 100000] [--layout pictures|series|unknown]

`pictures` pairs each image with a mask, `series` has 200 slices a scan, and of `unknown` no file
fits a pattern. Files are empty, as a plan opens none.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from cosmos_board.data.imports.planning.comparison import describe_comparison
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import load_spec

_SLICES = 200
_PER_FOLDER = 1000
LAYOUTS = ("pictures", "series", "unknown")


def main() -> None:
    """Print files, images found, seconds and the peak memory as one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--layout", choices=LAYOUTS, default="pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.files // 2):
            for path in name_pair(options.layout, number):
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
        print(json.dumps(measure(Path(folder), options.layout, options.files)))


def name_pair(layout: str, number: int) -> tuple[str, str]:
    """Return the paths of an image and of its mask."""
    if layout == "series":
        scan, index = divmod(number, _SLICES)
        folder = f"CT/{scan + 1}"
        return (
            f"{folder}/DICOM_anon/i{index:04d},0000b.dcm",
            f"{folder}/Ground/liver_GT_{index:03d}.png",
        )
    part = f"part{number // _PER_FOLDER}"
    images, masks = ("images", "masks") if layout == "pictures" else ("frames", "drawn")
    return f"{part}/{images}/{number:06d}.jpg", f"{part}/{masks}/{number:06d}.jpg"


def measure(folder: Path, layout: str, files: int) -> dict[str, object]:
    """Plan the folder, and say what it took; the peak is that of this process."""
    started = time.perf_counter()
    plan = plan_import(load_spec("chaos" if layout == "series" else "kvasir-seg"), folder)
    plan.describe()
    if plan.jobs:
        describe_comparison(plan)
    return {
        "layout": layout,
        "files": files,
        "images": len(plan.jobs),
        "unmatched": sum(kind.count for kind in plan.unmatched),
        "seconds": round(time.perf_counter() - started, 2),
        "peak_mib": read_peak_mib(),
    }


def read_peak_mib() -> float:
    """Return the peak memory of this process alone; `getrusage` keeps that of the one before."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    main()
