"""Every benchmark that takes minutes, each against named peers in one run: `make bench`.

Prints medians and ratios and writes them, with a description of the machine, to
`build/bench.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import factors_bench, metrics_bench

OUT = Path("build/bench.json")


def main() -> None:
    """Run the benchmarks of metrics and factors."""
    found = {"metrics": metrics_bench.run(), "factors": factors_bench.run()}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{OUT}: written")


if __name__ == "__main__":
    main()
