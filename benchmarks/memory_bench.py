"""Does the memory of `eval` grow with the number of images? Small and large packs of phantoms.

Usage: python -m benchmarks.memory_bench [FILE.json] [--images 1000 10000] [--model box-prior]

Each evaluation is a process of its own, started as a user starts it; its peak is what the kernel
says after it has ended.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.inputs import BUILD
from benchmarks.timing import describe_machine
from cosmos_board.curation.phantom_pack import build_phantom_pack

_ASK = """import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run by a small process: the kernel counts what a parent held before it became the child."""


def run(counts: list[int], model: str, *, side: int = 64) -> dict[str, object]:
    """Evaluate packs of so many phantoms and return the peak memory of each."""
    results = []
    for count in counts:
        pack, out = BUILD / f"memory/{count}", BUILD / "memory/run"
        build_phantom_pack(pack, count, side=side, workers=2)
        shutil.rmtree(out, ignore_errors=True)
        start = time.perf_counter()
        peak = measure_peak_mib(pack, model, out)
        seconds = time.perf_counter() - start
        results.append(
            {"images": count, "peak_mib": round(peak, 1), "images_per_s": round(count / seconds, 1)}
        )
        print(f"{model}: {results[-1]}", flush=True)
    first, last = (float(str(results[at]["peak_mib"])) for at in (0, -1))
    return {
        "machine": describe_machine(),
        "model": model,
        "side_px": side,
        "results": results,
        "growth": round(last / first - 1, 4),
    }


def measure_peak_mib(pack: Path, model: str, out: Path, *options: str) -> float:
    """Return the peak resident memory of one `cosmos-board eval` with these options.

    Raises:
        RuntimeError: If it fails.
    """
    program = str(Path(sys.executable).with_name("cosmos-board"))
    command = [program, "eval", str(pack), "--model", model, "--out", str(out), *options, "--json"]
    done = subprocess.run(
        [sys.executable, "-S", "-c", _ASK, *command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"eval on {pack} ended with {done.returncode}")
    return int(done.stdout.split()[-1]) / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--model", default="box-prior")
    options = parser.parse_args()
    document = run(options.images, options.model)
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
