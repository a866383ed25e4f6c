"""Every law of intervals, ranks and verdicts, at full counts: about ten minutes.

    python -m benchmarks.intervals [--seed 0] [--replicates 2000] [--printed 200] [--out FILE.json]

Writes `benchmarks/intervals.json`, from which the website makes its page “How well our intervals
hold”, and ends with exit code 1 where a law does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.intervals import coverage, power, printed, tables, verdicts
from benchmarks.intervals.laws import Cell, Effort, describe_failures
from benchmarks.timing import describe_machine

OUT = Path(__file__).parents[1] / "intervals.json"

SIMULATIONS: tuple[Callable[[Effort], Iterator[Cell]], ...] = (
    coverage.simulate_targets,
    coverage.simulate_boards,
    coverage.simulate_shared,
    coverage.simulate_pools,
    tables.simulate_differences,
    tables.simulate_unlike,
    verdicts.simulate_equal_models,
    verdicts.simulate_rare_failures,
    verdicts.simulate_ranks,
    power.simulate_power,
    printed.simulate_printed,
)


def main() -> int:
    """Run all simulations and write what they found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--printed", type=int, default=200, help="Repetitions end to end.")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    document: dict[str, object] = {"machine": describe_machine(), "seed": options.seed}
    cells: list[Cell] = []
    for simulate in SIMULATIONS:
        start = time.perf_counter()
        count = options.printed if simulate is printed.simulate_printed else options.replicates
        found = list(simulate(Effort(count, options.seed)))
        cells += found
        took_s = time.perf_counter() - start
        print(f"{simulate.__name__}: {len(found)} cells, {took_s:.0f} s", flush=True)
        # After each part, so that a run that is stopped leaves what it found.
        document["cells"] = [cell.dump() for cell in cells]
        options.out.write_text(json.dumps(document, indent=0) + "\n", encoding="utf-8")
    failures = describe_failures(cells)
    print("\n".join(failures) or f"all {len(cells)} cells hold", flush=True)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
