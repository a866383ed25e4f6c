"""Every law of intervals, ranks and verdicts, at full counts: about ten minutes.

    python -m benchmarks.intervals [PART …] [--seed 0] [--replicates 2000] [--out FILE.json]

Writes `benchmarks/intervals.json`, from which the website makes its page “How well our intervals
hold”; with names of parts it runs these alone and keeps the others. Ends with exit code 1 where a
law does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.intervals import advice, coverage, power, printed, tables, verdicts
from benchmarks.intervals.laws import Cell, Effort, describe_failures
from benchmarks.timing import describe_machine

OUT = Path(__file__).parents[1] / "intervals.json"

PARTS: dict[str, Callable[[Effort], Iterator[Cell]]] = {
    "targets": coverage.simulate_targets,
    "boards": coverage.simulate_boards,
    "shared": coverage.simulate_shared,
    "pools": coverage.simulate_pools,
    "differences": tables.simulate_differences,
    "unlike": tables.simulate_unlike,
    "equal": verdicts.simulate_equal_models,
    "failures": verdicts.simulate_rare_failures,
    "ranks": verdicts.simulate_ranks,
    "power": power.simulate_power,
    "printed": printed.simulate_printed,
    "advice": advice.simulate_advice,
}

FEWER = {"printed": 10, "advice": 30}
"""Parts that make databases take far longer for each repetition, and get so many times fewer."""


def main() -> int:
    """Run simulations and write what they found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"Of {', '.join(PARTS)}.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    chosen = options.parts or list(PARTS)
    kept = options.parts and options.out.exists()
    known = json.loads(options.out.read_bytes())["cells"] if kept else []
    cells = {part: [cell for cell in known if cell["part"] == part] for part in PARTS}
    failures = []
    for part in chosen:
        start = time.perf_counter()
        count = options.replicates // FEWER.get(part, 1)
        found = list(PARTS[part](Effort(count, options.seed)))
        failures += describe_failures(found)
        cells[part] = [{"part": part, **cell.dump()} for cell in found]
        print(f"{part}: {len(found)} cells, {time.perf_counter() - start:.0f} s", flush=True)
        # After each part, so that a run that is stopped leaves what it found.
        write(options.out, options.seed, [cell for each in cells.values() for cell in each])
    print("\n".join(failures) or "every law holds", flush=True)
    return int(bool(failures))


def write(path: Path, seed: int, cells: list[dict[str, object]]) -> None:
    """Write the file, a line a cell, so that changes can be read."""
    lines = ",\n".join(json.dumps(cell) for cell in cells)
    head = json.dumps({"machine": describe_machine(), "seed": seed})[:-1]
    path.write_text(f'{head}, "cells": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
