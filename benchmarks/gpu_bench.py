"""What a GPU does with the program, in eight minutes: `python -m benchmarks gpu`.

Usage: python -m benchmarks.gpu_bench [FILE.json] [--dry]

Stages come in the order of their worth; one that fails is noted and stops no other, and none begins
after seven minutes. Weights of SAM are random: rates do not depend on them. `--dry` tries the
stages themselves on the CPU with the small model, and its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.timing import describe_machine
from cosmos_board.accelerators.cards import count_cards, describe_card
from cosmos_board.core.prompts import PROMPTS, Prompt
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.scores import ScoreRow
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.data.pack import PackItem, open_pack
from cosmos_board.models.cards import CARDS
from cosmos_board.models.devices import prepare_device
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.sam.decoder import fold
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.runner.engine.worker import Worker
from cosmos_board.runner.evaluation.evaluate import evaluate_image
from cosmos_board.runner.evaluation.evaluators import PromptedSegmenter
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import Callbacks, SegmenterSpec, WorkerSettings
from cosmos_board.training.finetune.data import read_tuning_images
from cosmos_board.training.finetune.plan import TuningPlan
from cosmos_board.training.finetune.tune import tune

LAST_START_S = 420
MODES = tuple(name for name in PROMPTS if name != "everything")
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured."""

    what: str
    value: float
    unit: str


@dataclass(frozen=True)
class Bench:
    """What all stages use."""

    folder: Path
    dry: bool
    images: int
    began: float = field(default_factory=time.monotonic)

    @property
    def device(self) -> str:
        """Where everything runs."""
        return "cpu" if self.dry else "cuda"

    @property
    def sizes(self) -> tuple[str, ...]:
        """The image encoders that are measured."""
        return ("cosmos-tiny",) if self.dry else ("sam-vit-b", "sam-vit-h")

    def make_pack(self, side: int) -> Path:
        """Return a pack of phantoms of that side in pixels."""
        path = self.folder / f"pack-{side}"
        if not path.exists():
            build_phantom_pack(path, self.images, side=side, workers=4)
        return path

    def read(self, side: int, count: int) -> list[PackItem]:
        """Return the first images of that pack."""
        return list(open_pack(self.make_pack(side)).iter_items(0, count))

    def load(self, name: str, options: str = "") -> SamSegmenter:
        """Return a model on the device; a SAM has random weights, the same each time."""
        device = self.device + ("" if self.dry else options)
        if name == "cosmos-tiny":
            segmenter = load_segmenter(name, device=device)
            assert isinstance(segmenter, SamSegmenter)
            return segmenter
        from segment_anything import sam_model_registry

        chosen = prepare_device(device)
        torch.manual_seed(0)
        sam = sam_model_registry[name.removeprefix("sam-").replace("-", "_")]()
        return SamSegmenter(sam, card=CARDS[name], device=chosen)

    def wait(self) -> None:
        """Wait until the device has done all that was launched."""
        if not self.dry:
            torch.cuda.synchronize()

    def time(self, call: Callable[[], object], rounds: int = 6) -> float:
        """Return the median seconds of a call, all its kernels done."""
        rounds, seconds = (1 if self.dry else rounds), []
        for _ in range(rounds + 1):
            self.wait()
            start = time.perf_counter()
            call()
            self.wait()
            seconds.append(time.perf_counter() - start)
        return statistics.median(seconds[1:])


def check_rows(bench: Bench) -> Iterator[Figure]:
    """Rows of a GPU beside those of the CPU, and of the same GPU once more."""
    items = bench.read(160, 4)
    expected = _evaluate(load_segmenter("cosmos-tiny"), items)
    for options in ("",) if bench.dry else ("", "+bf16", "+fp16"):
        segmenter = bench.load("cosmos-tiny", options)
        rows = _evaluate(segmenter, items)
        name = f"cosmos-tiny, {bench.device}{options}"
        gap = np.abs(_dice(rows) - _dice(expected))
        yield Figure(f"{name}: largest difference in Dice from the CPU", float(gap.max()), "")
        yield Figure(f"{name}: mean difference in Dice from the CPU", float(gap.mean()), "")
        again = _dice(_evaluate(segmenter, items)) != _dice(rows)
        yield Figure(f"{name}: rows that differ when repeated", int(again.sum()), "rows")
        failed = [row for row in rows if row.scores.status.startswith("failed")]
        yield Figure(f"{name}: failed answers", len(failed), "rows")


def count_waits(bench: Bench) -> Iterator[Figure]:
    """How often the host waits for the device during one image, but for fetching results."""
    if bench.dry:
        return
    import warnings

    segmenter, [item] = bench.load("sam-vit-b", "+bf16"), bench.read(512, 1)
    prompts = _list_prompts(item)
    segmenter.predict_on_device(segmenter.embed(item.image.pixels), prompts)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        segmenter.predict_on_device(segmenter.embed(item.image.pixels), prompts)
        torch.cuda.set_sync_debug_mode("default")
    lines = Counter(f"{Path(one.filename).name}:{one.lineno}" for one in seen)
    for line, count in lines.most_common(8):
        yield Figure(f"sam-vit-b, waits of an image at {line}", count, "")
    yield Figure("sam-vit-b, waits of an image", len(seen), "")


def measure_rates(bench: Bench) -> Iterator[Figure]:
    """Rates of encoder and decoder alone, and of the whole engine beside them."""
    for name in bench.sizes:
        for precision in ("fp32",) if bench.dry else ("fp32", "bf16"):
            options = "" if precision == "fp32" else "+bf16"
            segmenter = bench.load(name, options)
            yield from _measure_rates(bench, segmenter, f"{name}, {precision}")


def _measure_rates(bench: Bench, segmenter: SamSegmenter, name: str) -> Iterator[Figure]:
    side, best = segmenter.card.input_size_px, 0.0
    encoder = fold(segmenter.parts).image_encoder
    for batch in (1, 8, 32):
        images = torch.zeros(batch, 3, side or 0, side or 0, device=bench.device)

        def encode(images: torch.Tensor = images) -> None:
            with segmenter.inference():
                encoder(images)

        rate = batch / bench.time(encode)
        best = max(best, rate)
        yield Figure(f"{name}: encoder alone, batch {batch}", rate, "images/s")
    [item] = bench.read(512, 1)
    embedding, prompts = segmenter.embed(item.image.pixels), _list_prompts(item)
    for copies in (1, 4):
        asked = prompts * copies
        seconds = bench.time(partial(segmenter.predict_on_device, embedding, asked))
        yield Figure(f"{name}: {len(asked)} prompts a call", len(asked) / seconds, "prompts/s")
    rate, cpu_ms = _run_engine(bench, segmenter)
    yield Figure(f"{name}: whole engine, five prompts, every metric", rate, "images/s")
    yield Figure(f"{name}: whole engine ÷ encoder alone", rate / best, "×")
    yield Figure(f"{name}: time of processors in the whole engine", cpu_ms, "ms an image")


def _run_engine(bench: Bench, segmenter: SamSegmenter) -> tuple[float, float]:
    """Return images a second, and milliseconds of all threads an image."""
    pack = bench.make_pack(512)
    out = Path(tempfile.mkdtemp(dir=bench.folder))
    RunFolder(out).make()
    settings = WorkerSettings(SegmenterSpec(name="-"), (pack,), RunSettings(prompts=MODES), out)
    worker = Worker(settings, PromptedSegmenter(segmenter.card, lambda: segmenter))
    wall, cpu = time.perf_counter(), time.process_time()
    finished = list(worker.run([Shard("0" * 16, 0, bench.images, pack)], Callbacks()))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert finished[0].record.first_failure is None, finished[0].record.first_failure
    return bench.images / wall, 1000 * cpu / bench.images


def run_processes(bench: Bench) -> Iterator[Figure]:
    """Several processes on one card; their start counts."""
    pack = bench.make_pack(160)
    for workers in (1, 2, 6)[: 1 if bench.dry else 3]:
        start = time.perf_counter()
        report = run(
            RunRequest(
                packs=(pack,),
                specs=(SegmenterSpec(name="cosmos-tiny", device=bench.device),),
                out=bench.folder / f"workers-{workers}",
                settings=RunSettings(prompts=MODES),
                workers=workers,
            )
        )
        rate = report.evaluated / (time.perf_counter() - start)
        yield Figure(f"cosmos-tiny, {workers} processes: whole command", rate, "images/s")


def measure_everything(bench: Bench) -> Iterator[Figure]:
    """Everything mode, and how much of it is the host's."""
    segmenter, [item] = bench.load("cosmos-tiny"), bench.read(512, 1)
    embedding = segmenter.embed(item.image.pixels)
    cpu = time.process_time()
    seconds = bench.time(lambda: segmenter.segment_everything(embedding), 2)
    rounds = 2 if bench.dry else 3
    found = segmenter.segment_everything(embedding)
    yield Figure("cosmos-tiny, everything mode: masks that survive", len(found.rles), "masks")
    yield Figure("cosmos-tiny, everything mode: whole", 1000 * seconds, "ms an image")
    host_ms = 1000 * (time.process_time() - cpu) / (rounds + 1)
    yield Figure("cosmos-tiny, everything mode: processors", host_ms, "ms an image")


def fill_memory(bench: Bench) -> Iterator[Figure]:
    """Rows with a few GiB of memory left, which must be the same."""
    if bench.dry:
        return
    segmenter, items = bench.load("sam-vit-b", "+bf16"), bench.read(512, 2)
    expected = _evaluate(segmenter, items)
    total = torch.cuda.mem_get_info()[1]
    try:
        for spare in (4, 2, 1):
            torch.cuda.empty_cache()
            share = (torch.cuda.memory_allocated() + spare * GIB) / total
            torch.cuda.set_per_process_memory_fraction(min(1.0, share))
            rows = _evaluate(segmenter, items)
            unequal = int((_dice(rows) != _dice(expected)).sum())
            yield Figure(f"sam-vit-b, {spare} GiB left: rows that differ", unequal, "rows")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def learn(bench: Bench) -> Iterator[Figure]:
    """One epoch of fine-tuning."""
    images, _ = read_tuning_images([bench.make_pack(160)])
    segmenter = bench.load("cosmos-tiny")
    start = time.perf_counter()
    tune(segmenter, images[:-1], images[-1:], TuningPlan(method="lora", epochs=1))
    seconds = (time.perf_counter() - start) / (len(images) - 1)
    yield Figure("cosmos-tiny, one epoch of LoRA", 1000 * seconds, "ms an image")


STAGES = (
    check_rows, count_waits, measure_rates, run_processes, measure_everything, fill_memory, learn,
)  # fmt: skip


def run_stages(*, dry: bool = False) -> dict[str, object]:
    """Return the figures of all stages.

    Raises:
        SystemExit: If there is no GPU, unless `dry`.
    """
    if not dry and not count_cards():
        raise SystemExit("benchmarks gpu: no GPU is available here; --dry tries the script")
    figures: list[Figure] = []
    problems: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), dry, 3 if dry else 48)
        for stage in STAGES:
            if not dry and time.monotonic() - bench.began > LAST_START_S:
                problems[stage.__name__] = "no time was left"
                continue
            try:
                for figure in stage(bench):
                    figures.append(figure)
                    print(f"{figure.what}: {figure.value:.4g} {figure.unit}", flush=True)
            except Exception as error:
                problems[stage.__name__] = f"{type(error).__name__}: {error}"[:300]
                print(f"{stage.__name__}: {problems[stage.__name__]}", flush=True)
    card = None if dry else describe_card("cuda")
    return {
        "machine": describe_machine(),
        "card": asdict(card) if card else None,
        "dry": dry,
        "figures": [asdict(figure) for figure in figures],
        "problems": problems,
    }


def _evaluate(segmenter: Any, items: Sequence[PackItem]) -> list[ScoreRow]:  # noqa: ANN401
    settings = RunSettings(prompts=MODES)
    return [row for item in items for row in evaluate_image(segmenter, item, settings).rows]


def _dice(rows: Sequence[ScoreRow]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([row.scores.counts.dice for row in rows])


def _list_prompts(item: PackItem) -> list[Prompt]:
    return [item.prompts[each.reference_id][name] for each in item.references for name in MODES]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--dry", action="store_true")
    options = parser.parse_args()
    document = run_stages(dry=options.dry)
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
