"""Does the memory of `eval` grow with the number of images? Small and large packs of phantoms.

Usage: python -m benchmarks.memory_bench [FILE.json] [--images 1000 10000] [--model box-prior]

Each evaluation is a process of its own, started as a user starts it; its peak is what the kernel
says after it has ended.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

from benchmarks.inputs import BUILD
from benchmarks.timing import describe_machine
from cosmos_board.curation.phantom_pack import build_phantom_pack


def run(counts: list[int], model: str, *, side: int = 64) -> dict[str, object]:
    """Evaluate packs of so many phantoms and return the peak memory of each."""
    found = []
    for count in counts:
        pack, out = BUILD / f"memory/{count}", BUILD / "memory/run"
        build_phantom_pack(pack, count, side=side, workers=2)
        shutil.rmtree(out, ignore_errors=True)
        start = time.perf_counter()
        peak = measure_peak_mib(pack, model, out)
        seconds = time.perf_counter() - start
        found.append(
            {"images": count, "peak_mib": round(peak, 1), "images_per_s": round(count / seconds, 1)}
        )
        print(f"{model}: {found[-1]}", flush=True)
    first, last = (float(str(found[at]["peak_mib"])) for at in (0, -1))
    return {
        "machine": describe_machine(),
        "model": model,
        "side_px": side,
        "results": found,
        "growth": round(last / first - 1, 4),
    }


def measure_peak_mib(pack: Path, model: str, out: Path) -> float:
    """Return the peak resident memory of one `cosmos-board eval`.

    Raises:
        RuntimeError: If it fails.
    """
    program = str(Path(sys.executable).with_name("cosmos-board"))
    command = [program, "eval", str(pack), "--model", model, "--out", str(out), "--json"]
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(program, command, dict(os.environ), file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"eval on {pack} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--model", default="box-prior")
    options = parser.parse_args()
    document = run(options.images, options.model)
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
