"""Our `eval` against the script that a researcher would write today: same images, same weights.

Usage: python -m benchmarks.script_bench [FILE.json] [--images 24] [--large 2]

Every side runs in a process of its own: `tuned` has our allocator settings and one thread,
`untuned` has what Python and torch come with, threads for all cores too. Ours reads packs and
writes shards; the script's images are in memory. Beside the seconds of the work on one thread
stand those of the whole command that a user types, start-up and all, with whatever processes or
threads each side takes by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inputs import BUILD, Inputs, find_inputs
from benchmarks.timing import describe_machine

LARGE = "sam-vit-b"


def run_ours(
    model: str, inputs: Inputs, prompts: tuple[str, ...], blobs: bool, part: int = 0
) -> dict[str, Any]:
    """Return seconds and the Dice of every row of our own `eval`."""
    from contextlib import nullcontext

    from benchmarks.blobs import Blobs, drawing_blobs
    from benchmarks.eval_bench import load, time_eval
    from cosmos_board.store.parquet import iter_rows
    from cosmos_board.store.schema import SCORES

    segmenter, out = load(model), BUILD / f"eval-{part}"
    if not blobs:
        time_eval(segmenter, Inputs(inputs.packs[:1], inputs.kind), prompts, out)  # compiled loops
    with drawing_blobs(Blobs()) if blobs else nullcontext():
        seconds = time_eval(segmenter, inputs, prompts, out)
    rows = [row for path in (out / "scores").glob("*.parquet") for row in iter_rows(path, SCORES)]
    return {
        "seconds": seconds,
        "dice": {
            (row["reference_id"], row["prompt"], row["selection"]): 2
            * row["tp"]
            / (2 * row["tp"] + row["fp"] + row["fn"])
            for row in rows
        },
    }


def time_command(model: str, inputs: Inputs, prompts: tuple[str, ...]) -> float:
    """Return the seconds of a whole `cosmos-board eval`, with its own defaults; median of three.

    The scripts run five times as long and once.
    """
    return statistics.median(_time_command_once(model, inputs, prompts) for _ in range(3))


def _time_command_once(model: str, inputs: Inputs, prompts: tuple[str, ...]) -> float:
    out = BUILD / "command"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "cosmos_board", "eval", *map(str, inputs.packs)]
    command += ["--model", model, "--limit", "1", "--out", str(out)]
    command += [word for name in prompts for word in ("--prompt", name)]
    with set_threads(None):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - began


def run_theirs(
    model: str, inputs: Inputs, prompts: tuple[str, ...], blobs: bool, tuned: bool
) -> dict[str, Any]:
    """Return seconds, the Dice of every row and the number of masks found by the script."""
    from benchmarks.blobs import BlobDecoder, Blobs
    from benchmarks.researcher import run_script
    from cosmos_board.models.devices import tune_cpu
    from cosmos_board.models.tiny.model import STABILITY_OFFSET, load_tiny

    if tuned:
        tune_cpu()
    sam: Any = load_tiny() if model == "cosmos-tiny" else _load_official(model)
    if blobs:
        sam.mask_decoder = BlobDecoder(sam.mask_decoder, Blobs())
    seconds, dice, masks = run_script(
        sam,
        inputs.read(),
        prompts=prompts,
        stability_offset=STABILITY_OFFSET if model == "cosmos-tiny" else 1.0,
    )
    return {"seconds": seconds, "dice": dice, "masks": [len(of_image) for of_image in masks]}


def _load_official(model: str) -> object:
    """Return an official SAM; nothing of ours is called that would tune the process."""
    import torch
    from segment_anything import sam_model_registry

    from benchmarks.eval_bench import draw_weights

    sam = sam_model_registry[model.removeprefix("sam-").replace("-", "_")]()
    sam.load_state_dict(torch.load(draw_weights(), weights_only=True))
    return sam.eval()


def run_alone(function: Callable[..., dict[str, Any]], *given: object, threads: int | None) -> Any:  # noqa: ANN401
    """Run a function in a fresh process, with as many OpenMP threads or as many as there are."""
    with set_threads(threads), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *given).result()


@contextmanager
def set_threads(threads: int | None) -> Iterator[None]:
    """Let processes that start here have as many OpenMP threads; None leaves it to them."""
    before = os.environ.pop("OMP_NUM_THREADS", None)
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    try:
        yield
    finally:
        os.environ.pop("OMP_NUM_THREADS", None)
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before


def compare(
    model: str, inputs: Inputs, prompts: tuple[str, ...], *, blobs: bool = False
) -> dict[str, object]:
    """Run our `eval` and the script, tuned and untuned, and hold their rows together."""
    ours = run_alone(run_ours, model, inputs, prompts, blobs, threads=1)
    command = None if blobs else time_command(model, inputs, prompts)
    print(f"{model}: ours {ours['seconds']:.1f} s, the whole command {command} s", flush=True)
    results: dict[str, object] = {
        "model": model,
        "weights": "random" if model == LARGE else "published",
        "masks": "drawn" if blobs else "its own",
        "prompts": prompts,
        "inputs": inputs.describe(),
        "eval_s": round(ours["seconds"], 2),
        "command_s": None if command is None else round(command, 2),
        "rows": len(ours["dice"]),
    }
    for name, tuned, threads in (("tuned", True, 1), ("untuned", False, None)):
        began = time.perf_counter()
        theirs = run_alone(run_theirs, model, inputs, prompts, blobs, tuned, threads=threads)
        whole = time.perf_counter() - began
        results[name] = {
            "script_s": round(theirs["seconds"], 2),
            "ratio": round(theirs["seconds"] / ours["seconds"], 2),
            "whole_script_s": round(whole, 2),
            "ratio_of_commands": None if command is None else round(whole / command, 2),
            "masks_found": theirs["masks"],
            **hold_together(ours["dice"], theirs["dice"]),
        }
        print(f"{model}, script {name}: {results[name]}", flush=True)
    return results


def hold_together(
    ours: Mapping[tuple[str, str, str], float], theirs: Mapping[tuple[str, str, str], float]
) -> dict[str, object]:
    """Return the share of rows whose Dice are equal to 1e-6, and the largest difference."""
    assert ours.keys() == theirs.keys(), "the two sides score other rows"
    differences = np.array([abs(ours[key] - theirs[key]) for key in ours])
    return {
        "equal_share": round(float((differences <= 1e-6).mean()), 5),
        "rows_that_differ": int((differences > 1e-6).sum()),
        "largest_difference": float(differences.max()),
    }


def run(images: int, large: int) -> dict[str, object]:
    """Run both comparisons."""
    from cosmos_board.core.prompts import PROMPTS

    results = [compare("cosmos-tiny", find_inputs(images), tuple(PROMPTS))]
    if large:
        results.append(compare(LARGE, find_inputs(large), ("everything",), blobs=True))
    return {"machine": describe_machine(), "results": results}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--large", type=int, default=2, help="Images for SAM ViT-B; 0 leaves it.")
    options = parser.parse_args()
    document = run(options.images, options.large)
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
