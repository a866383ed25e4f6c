"""How fast one process can feed a GPU: the real engine before a device whose arithmetic is free.

Usage: python -m benchmarks.null_device [--before FOLDER] [--images 24] [--rounds 3] [--out FILE]

`FOLDER` is a checkout of an earlier version, which is measured in turn with this one.

The model has the modules of SAM ViT-B, as many kernels a call, and next to no arithmetic: an input
of 32 px, 2 × 2 tokens, masks of 6 px. All else is real: packs are read and decoded, images of
512 px are resized to 1,024, every mask is scored by every metric, rows are written. Seconds are
those of the processor, of all threads of this process; other work changes them little.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.timing import describe_machine
from cosmos_board.core.run_record import RunSettings
from cosmos_board.curation.curate import curate
from cosmos_board.curation.phantom_pack import PHANTOM_INFO
from cosmos_board.data.pack import open_pack
from cosmos_board.data.source import SourceImage, SourceUnit
from cosmos_board.metrics.device import selections
from cosmos_board.metrics.device.references import upload_references as upload
from cosmos_board.metrics.reference import PreparedReference, prepare_reference
from cosmos_board.models import candidate_checks
from cosmos_board.models.cards import CARDS
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.phantoms.scene import make_phantom
from cosmos_board.runner.engine.worker import Worker
from cosmos_board.runner.evaluation import device_scorer
from cosmos_board.runner.evaluation.evaluators import PromptedSegmenter
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.settings import Callbacks, SegmenterSpec, WorkerSettings

PROMPTS = ("point", "points-5", "points-5-5", "box", "box-point")
SIDE, SMALL, WIDTH = 512, 6, 8
REFERENCES = (6, 6, 5, 6, 6, 5, 6)
"""Of one image after the other: 5.7 on average, as the images of the study have."""

BUILD = Path("build/bench/null").absolute()


class NullSegmenter(SamSegmenter):
    """SAM with the kernels of ViT-B, of next to no size; masks stay on its device."""

    images_per_call = 8

    def __init__(self) -> None:
        card = replace(CARDS["sam-vit-b"], input_size_px=32)
        super().__init__(_build_small_vit_b(), card=card, prompts_per_call=64)

    def to_input(self, pixels: Any) -> tuple[Frame, Tensor]:  # noqa: ANN401 (an image)
        """Resize as ViT-B does; the encoder takes zeros."""
        height, width = pixels.shape[:2]
        Frame(height, width, 1024).resize(pixels)
        return self._frame(height, width), torch.zeros(1, 3, 32, 32)

    def draw_masks(self, frame: Frame, low: Tensor) -> Tensor:
        """Take the two bilinear steps to a small native size."""
        square = functional.interpolate(low.float(), (8, 8), mode="bilinear")
        return functional.interpolate(square, (SMALL, SMALL), mode="bilinear") > 0


def _build_small_vit_b() -> nn.Module:
    torch.manual_seed(0)
    sam: nn.Module = Sam(
        image_encoder=ImageEncoderViT(
            img_size=32,
            patch_size=16,
            embed_dim=12,
            depth=12,
            num_heads=12,
            mlp_ratio=1,
            out_chans=WIDTH,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=2,
            global_attn_indexes=(2, 5, 8, 11),
        ),
        prompt_encoder=PromptEncoder(WIDTH, (2, 2), (32, 32), 4),
        mask_decoder=MaskDecoder(
            transformer_dim=WIDTH,
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(2, WIDTH, 2, 8),
            iou_head_depth=3,
            iou_head_hidden_dim=8,
        ),
    )
    return sam.eval()


@contextmanager
def small_masks() -> Iterator[None]:
    """Let masks be scored in the small size; references are prepared in their own."""
    mask = np.zeros((SMALL, SMALL), np.bool_)
    mask[1:4, 1:5] = True
    small = prepare_reference(mask)
    check = candidate_checks._check_masks

    def upload_small(references: Sequence[PreparedReference], device: Any) -> Any:  # noqa: ANN401
        for reference in references:
            # What the real one asks of them, which in an earlier version was the list itself.
            assert getattr(reference, "boundary_px", 0) or len(reference.boundary_yx)
        return upload([small] * len(references), device)

    with (
        patch.object(device_scorer, "upload_references", upload_small),
        patch.object(
            candidate_checks, "_check_masks", lambda masks, _: check(masks, (SMALL, SMALL))
        ),
        patch.object(selections, "_LEAST_CAPACITY", SMALL * SMALL),
    ):
        yield


def make_pack(images: int) -> Path:
    """Return a pack of drawn images, made where it is not there yet."""
    path = BUILD / f"pack-{images}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        units = [SourceUnit(f"{images} {SIDE}", "drawn", partial(_draw, images))]
        curate(units, PHANTOM_INFO, path, workers=1)
    return path


def _draw(images: int) -> Iterator[SourceImage]:
    """Yield grey images, each with as many references as `REFERENCES` says."""
    seeds = iter(range(100_000))
    for number in range(images):
        wanted = REFERENCES[number % len(REFERENCES)]
        drawn: list[tuple[str, Any]] = []
        while len(drawn) < wanted:
            pixels, drawn = make_phantom(next(seeds), SIDE, colour=False)
        masks: dict[str, tuple[Any, ...]] = defaultdict(tuple)
        for name, mask in drawn[:wanted]:
            masks[name] += (mask,)
        yield SourceImage(
            pixels=pixels,
            modality="ct",
            cluster_key=str(number),
            masks=dict(masks),
            origin=str(number),
        )


_PACKAGE = "cosmos_board"
STAGES = {
    "read and decode": (
        "data.pack.pack:make_item",
        "data.pack.pack:Pack._read_block",
    ),
    "resize": ("models.sam.geometry:Frame.resize",),
    "encoder": ("models.sam.segmenter:SamSegmenter.embed_many",),
    "decoder": (
        "models.sam.torch_segmenter:TorchSegmenter.predict_on_device",
        "models.sam.segmenter:SamSegmenter.predict_many_on_device",
    ),
    "references": (
        "core.targets:Reference.mask",
        "runner.evaluation.image_session:prepare_reference",
        "runner.evaluation.device_scorer:upload_references",
    ),
    "scores": ("runner.evaluation.device_scorer:score_selections",),
    "rows": (
        "runner.evaluation.evaluate:_score_answers",
        "runner.evaluation.image_batch:make_rows",
    ),
    "write": ("runner.engine.worker:Worker._write",),
}
"""Functions whose time is a stage's, without what they call of other stages; those that a version
does not have are left out."""


@contextmanager
def _account() -> Iterator[dict[str, float]]:
    """Yield the processor seconds of each stage, added up while the block runs."""
    spent: dict[str, float] = dict.fromkeys(STAGES, 0.0)
    local = threading.local()

    def charge(stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def charged(*given: Any, **named: Any) -> Any:  # noqa: ANN401 (handed through)
            outer = getattr(local, "inner_s", 0.0)
            local.inner_s, start = 0.0, time.thread_time()
            try:
                return call(*given, **named)
            finally:
                seconds = time.thread_time() - start
                spent[stage] += seconds - local.inner_s
                local.inner_s = outer + seconds

        return charged

    with ExitStack() as patches:
        for stage, targets in STAGES.items():
            for target in targets:
                module, _, path = target.partition(":")
                try:
                    owner: Any = importlib.import_module(f"{_PACKAGE}.{module}")
                except ModuleNotFoundError:
                    continue
                *classes, name = path.split(".")
                for each in classes:
                    owner = getattr(owner, each)
                if (call := getattr(owner, name, None)) is not None:
                    patches.enter_context(patch.object(owner, name, charge(stage, call)))
        yield spent


def measure(pack: Path, images: int) -> dict[str, float]:
    """Return milliseconds an image: of the processor, of the thread that asks, and of the wall."""
    out = BUILD / "run"
    shutil.rmtree(out, ignore_errors=True)
    for name in ("scores", "predictions"):
        (out / name).mkdir(parents=True)
    segmenter = _segmenter()
    settings = WorkerSettings(SegmenterSpec(name="-"), (pack,), RunSettings(prompts=PROMPTS), out)
    evaluator = PromptedSegmenter(segmenter.card, lambda: segmenter, score_on="device")
    worker = Worker(settings, evaluator)
    times = (time.process_time, time.thread_time, time.perf_counter)
    with _account() as stages:
        before = [clock() for clock in times]
        finished = list(worker.run([Shard("0" * 16, 0, images, pack)], Callbacks()))
        spent = [
            1e3 * (clock() - start) / images for clock, start in zip(times, before, strict=True)
        ]
    assert sum(shard.record.rows for shard in finished) > images
    assert finished[-1].record.first_failure is None, finished[-1].record.first_failure
    whole = dict(zip(("cpu", "asking thread", "wall"), spent, strict=True))
    account = {name: 1e3 * seconds / images for name, seconds in stages.items()}
    return {**whole, **account, "all else": whole["cpu"] - sum(account.values())}


_made: list[NullSegmenter] = []


def _segmenter() -> NullSegmenter:
    if not _made:
        _made.append(NullSegmenter())
    return _made[0]


def run(images: int, rounds: int, before: Path | None) -> dict[str, object]:
    """Measure this version, and an earlier one in turn; the best of all rounds counts."""
    pack = make_pack(images)
    folders = {"now": Path.cwd(), **({"before": before.absolute()} if before else {})}
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in folders}
    for _ in range(rounds):
        for name, folder in folders.items():
            measured[name].append(_measure_apart(folder, pack, images))
    best = {name: min(each, key=lambda one: one["cpu"]) for name, each in measured.items()}
    references = sum(len(item.references) for item in open_pack(pack).iter_items())
    prompts = references * len(PROMPTS) / images
    results = [
        {
            "version": name,
            "images_per_cpu_s": round(1000 / one["cpu"], 1),
            "prompts_per_cpu_s": round(1000 * prompts / one["cpu"]),
            "images_per_s": round(1000 / min(each["wall"] for each in measured[name]), 1),
            "ms_per_image": {stage: round(spent, 2) for stage, spent in one.items()},
        }
        for name, one in best.items()
    ]
    return {
        "machine": describe_machine(),
        "images": images,
        "side_px": SIDE,
        "prompts_per_image": round(prompts, 1),
        "rounds": rounds,
        "results": results,
        "figures": list(_list_figures(best["now"], prompts)),
    }


def _list_figures(now: dict[str, float], prompts: float) -> Iterator[dict[str, object]]:
    """Yield what the page of speed shows."""
    rate = 1000 / now["cpu"]
    yield {"what": "images a second of a processor", "value": rate, "unit": "images/s"}
    yield {
        "what": "prompts a second of a processor",
        "value": rate * prompts,
        "unit": "prompts/s",
    }
    for stage in (*STAGES, "all else"):
        yield {"what": stage, "value": now[stage], "unit": "ms an image"}


def _measure_apart(folder: Path, pack: Path, images: int) -> dict[str, float]:
    """Measure the version in `folder`, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--pack", str(pack), "--images", str(images)],
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parents[1]}"},
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    """Print what was measured, and write it where told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pack", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.pack:
        with small_masks():
            measure(options.pack, options.images)  # the first compiles and allocates
            print(json.dumps(measure(options.pack, options.images)))
        return
    text = json.dumps(run(options.images, options.rounds, options.before), indent=1)
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
