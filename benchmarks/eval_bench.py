"""What `eval` costs beside the model's own arithmetic on the same inputs, all metrics on.

Usage: python -m benchmarks.eval_bench [FILE.json] [--model cosmos-tiny] [--images 24]

Both run in this process, one thread for the model, in turn. What is timed of `eval` is reading
packs, embedding, prompting, scoring and writing shards; not start-up and loading of weights.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks.forward import MODES, make_ready, time_forward
from benchmarks.inputs import BUILD, Inputs, find_inputs
from benchmarks.timing import describe_machine
from cosmos_board.core.errors import CosmosBoardError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import open_pack
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.weights.checkpoints import find_checkpoint
from cosmos_board.runner.engine.worker import Worker
from cosmos_board.runner.evaluation.evaluators import PromptedSegmenter
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.settings import Callbacks, SegmenterSpec, WorkerSettings

KINDS = {"five prompted modes": MODES, "everything mode": ("everything",)}


def run(inputs: Inputs, model: str, *, rounds: int) -> dict[str, object]:
    """Time both ways on the same images and return medians and ratios."""
    segmenter = load(model)
    results: list[dict[str, object]] = []
    for kind, prompts in KINDS.items():
        ready = make_ready(segmenter, inputs.read())
        everything = prompts == ("everything",)
        time_eval(segmenter, Inputs(inputs.packs[:1], inputs.kind), prompts)  # warm
        time_forward(segmenter, ready[:1], everything=everything)
        forward = partial(time_forward, segmenter, ready, everything=everything)
        evaluation = partial(time_eval, segmenter, inputs, prompts)
        pairs = [
            (measure(forward), measure(evaluation)) for _ in range(1 if everything else rounds)
        ]
        results.append({"kind": kind, **_summarise(pairs)})
        print(f"{model}, {kind}: {results[-1]}", flush=True)
    return {
        "machine": describe_machine(),
        "threads": torch.get_num_threads(),
        "inputs": inputs.describe(),
        "model": model,
        "weights": "published" if has_weights(model) else "random",
        "results": results,
    }


def measure(way: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds that `way` says it took, and the CPU seconds of all threads."""
    before = time.process_time()
    return way(), time.process_time() - before


def _summarise(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> dict[str, object]:
    ratios = [wall / forward for (forward, _), (wall, _) in pairs]
    return {
        "forward_s": round(statistics.median(forward for (forward, _), _ in pairs), 3),
        "eval_s": round(statistics.median(wall for _, (wall, _) in pairs), 3),
        "ratio": round(statistics.median(ratios), 3),
        "rounds": [round(ratio, 3) for ratio in ratios],
        "cpu_ratio": round(statistics.median(ours / own for (_, own), (_, ours) in pairs), 3),
    }


def time_eval(
    segmenter: SamSegmenter, inputs: Inputs, prompts: tuple[str, ...], out: Path = BUILD / "eval"
) -> float:
    """Return the seconds from opened packs to written shards in the folder `out`."""
    shutil.rmtree(out, ignore_errors=True)
    for name in ("scores", "predictions"):
        (out / name).mkdir(parents=True)
    asked = RunSettings(prompts=prompts, limit=1)
    settings = WorkerSettings(SegmenterSpec(name="-"), inputs.packs, asked, out)
    worker = Worker(settings, PromptedSegmenter(segmenter.card, lambda: segmenter))
    shards = [Shard(f"{number:016x}", 0, 1, path) for number, path in enumerate(inputs.packs)]
    for path in inputs.packs:
        assert open_pack(path).info.counts.images
    start = time.perf_counter()
    finished = list(worker.run(shards, Callbacks()))
    seconds = time.perf_counter() - start
    assert len(finished) == len(shards)
    return seconds


def load(model: str) -> SamSegmenter:
    """Return a segmenter; SAM ViT-B has random weights where the official ones are not here."""
    checkpoint = None if has_weights(model) else draw_weights()
    segmenter = load_segmenter(model, checkpoint=checkpoint)
    assert isinstance(segmenter, SamSegmenter)
    return segmenter


def has_weights(model: str) -> bool:
    """Return whether published weights are here."""
    try:
        return model != "sam-vit-b" or bool(find_checkpoint(model))
    except CosmosBoardError:
        return False


def draw_weights(path: Path = BUILD / "sam-vit-b-random.pth") -> Path:
    """Write random weights of SAM ViT-B, the same every time."""
    if not path.is_file():
        from segment_anything import sam_model_registry

        torch.manual_seed(0)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(sam_model_registry["vit_b"]().state_dict(), path)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--model", default="cosmos-tiny")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    document = run(find_inputs(options.images), options.model, rounds=options.rounds)
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
