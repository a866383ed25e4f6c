"""Every benchmark, each against named peers in one run: `make bench`, about half an hour.

    python -m benchmarks [NAME …]

Prints medians and ratios and writes `benchmarks/NAME.json`, with a description of the machine. The
website's page of speed shows what those files hold.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent


def bench_metrics() -> dict[str, object]:
    """Surface metrics and overlaps against the libraries for them."""
    from benchmarks import metrics_bench

    return metrics_bench.run()


def bench_volumes() -> dict[str, object]:
    """Surface metrics of volumes against the libraries for them."""
    from benchmarks import volumes_bench

    return volumes_bench.run()


def bench_factors() -> dict[str, object]:
    """The complexity factor against pyefd."""
    from benchmarks import factors_bench

    return factors_bench.run()


def bench_tiny() -> dict[str, object]:
    """`eval` against the forward pass of cosmos-tiny."""
    from benchmarks import eval_bench, inputs

    return eval_bench.run(inputs.find_inputs(24), "cosmos-tiny", rounds=3)


def bench_vit_b() -> dict[str, object]:
    """`eval` against the forward pass of SAM ViT-B."""
    from benchmarks import eval_bench, inputs

    return eval_bench.run(inputs.find_inputs(1), "sam-vit-b", rounds=1)


def bench_script() -> dict[str, object]:
    """`eval` against a researcher's script."""
    from benchmarks import script_bench

    return script_bench.run(24, 2)


def bench_store() -> dict[str, object]:
    """Score rows into Parquet and DuckDB."""
    from benchmarks import store_bench

    return store_bench.run(10_000_000)


def bench_memory() -> dict[str, object]:
    """Peak memory of a thousand and of ten thousand images."""
    from benchmarks import memory_bench

    return memory_bench.run([1000, 10_000], "box-prior")


def bench_plan() -> dict[str, object]:
    """The plan of an import of a hundred thousand files."""
    from benchmarks import plan_bench

    return plan_bench.run(100_000)


def bench_null_device() -> dict[str, object]:
    """The engine before a device of zero cost: how fast one process can feed a GPU."""
    from benchmarks import null_device

    return null_device.run(24, 3, None)


def bench_gpu() -> dict[str, object]:
    """Eight minutes on a GPU."""
    from benchmarks import gpu_bench

    return gpu_bench.run_stages()


BENCHMARKS: dict[str, Callable[[], dict[str, object]]] = {
    "speed_metrics": bench_metrics,
    "speed_volumes": bench_volumes,
    "speed_factors": bench_factors,
    "speed_eval_tiny": bench_tiny,
    "speed_eval_vit_b": bench_vit_b,
    "speed_script": bench_script,
    "speed_store": bench_store,
    "speed_memory": bench_memory,
    "speed_plan": bench_plan,
    "speed_null_device": bench_null_device,
    "speed_gpu": bench_gpu,
}
NEEDS_GPU = "speed_gpu"
"""Only run by name, so that all others run where there is no GPU."""


def main(names: list[str]) -> None:
    """Run the benchmarks named, with or without `speed_`; or all that need no GPU."""
    named = [name if name in BENCHMARKS else f"speed_{name}" for name in names]
    for name in named or [name for name in BENCHMARKS if name != NEEDS_GPU]:
        print(f"\n== {name}: {BENCHMARKS[name].__doc__}", flush=True)
        document = BENCHMARKS[name]()
        path = HERE / f"{name}.json"
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        print(f"{path}: written", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
