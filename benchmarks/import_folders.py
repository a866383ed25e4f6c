"""Import many folders at once and say, per source, what became of it.

    python benchmarks/import_folders.py SOURCES OUT [--specs tests/import_specs] [--shuffle SEED]

SOURCES holds one folder for each import file in `--specs`, of the same name. A second run must
change nothing, and a shuffled one must give the same hashes: the last line is one hash over all.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import time
from pathlib import Path

from cosmos_board.curation.curate import curate
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import make_pack_info, read_spec

_ROW = "{:32} {:>6} {:>10} {:>8} {:>8} {:>11} {:>9} {:>6}"


def main() -> None:
    """Print one row a source, then totals, seconds and the peak memory of one process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--specs", type=Path, default=Path("tests/import_specs"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shuffle", type=int)
    options = parser.parse_args()
    print(_ROW.format("source", "images", "references", "clusters", "dropped", "quarantined",
                      "state", "s"))  # fmt: skip
    started = time.perf_counter()
    every = hashlib.sha256()
    totals = [0, 0, 0, 0, 0]
    for path in sorted(options.specs.glob("*.toml")):
        numbers, state, seconds, content = import_folder(path, options)
        every.update(content.encode())
        totals = [total + number for total, number in zip(totals, numbers, strict=True)]
        print(_ROW.format(path.stem, *numbers, state, f"{seconds:.1f}"), flush=True)
    print(_ROW.format("all", *totals, "", f"{time.perf_counter() - started:.1f}"))
    peak = max(
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"peak of one process {peak:.0f} MiB; content {every.hexdigest()}")


def import_folder(
    path: Path, options: argparse.Namespace
) -> tuple[tuple[int, int, int, int, int], str, float, str]:
    """Return (counts, state, seconds, content hash) of importing one folder."""
    started = time.perf_counter()
    spec = read_spec(path)
    plan = plan_import(spec, options.sources / path.stem)
    units = list(plan.units())
    if options.shuffle is not None:
        random.Random(options.shuffle).shuffle(units)
    # A process costs more to start than a few pictures cost to read.
    workers = min(options.workers, 1 + len(units) // 20)
    report = curate(units, make_pack_info(spec), options.out / path.stem, workers=workers)
    counts = report.info.counts
    numbers = (
        counts.images,
        counts.references,
        counts.clusters,
        sum(report.counts.dropped.values()),
        len(report.quarantined) + len(plan.problems),
    )
    state = "unchanged" if report.unchanged else "written"
    return numbers, state, time.perf_counter() - started, report.info.content_sha256


if __name__ == "__main__":
    main()
