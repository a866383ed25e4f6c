"""Plan a folder of many files and say how long it takes and how much memory it needs.

    python benchmarks/plan_folders.py [--files 100000] [--archive zip|tar|tar.gz]

Half of the files are images in a folder a patient, half are masks; none is opened by a plan. With
`--archive`, they lie in one archive.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from pathlib import Path

from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec

_SPEC = """
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
_FORMATS = {"zip": "zip", "tar": "tar", "tar.gz": "gztar"}
_CASES_OF_PATIENT = 50


def main() -> None:
    """Make the files in a scratch folder and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--archive", choices=_FORMATS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        make_files(source, options.files // 2)
        if options.archive:
            packed = Path(folder, "packed")
            packed.mkdir()
            shutil.make_archive(str(packed / "many"), _FORMATS[options.archive], source)
            source = packed
        before_mib = measure_peak_mib()
        started = time.process_time()
        plan = plan_import(parse_spec(_SPEC, "benchmark"), source)
        units = plan.units()
        seconds = time.process_time() - started
        print(
            f"{len(units)} units of {options.files} files"
            f" in {options.archive or 'a folder'}: {seconds:.1f} s of one core,"
            f" peak {measure_peak_mib():.0f} MiB ({before_mib:.0f} MiB before)"
        )


def make_files(source: Path, cases: int) -> None:
    """Write empty images and masks."""
    for case in range(cases):
        patient = source / f"patient{case // _CASES_OF_PATIENT:05d}"
        if case % _CASES_OF_PATIENT == 0:
            (patient / "images").mkdir(parents=True)
            (patient / "masks").mkdir()
        (patient / f"images/{case:06d}.png").touch()
        (patient / f"masks/{case:06d}_mask.png").touch()


def measure_peak_mib() -> float:
    """Return the greatest memory that this process has needed so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
