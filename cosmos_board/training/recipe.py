"""How `cosmos-tiny` is made, from nothing to the file of weights in the wheel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch

from cosmos_board.models.cpu_tuning import tune_cpu
from cosmos_board.models.tiny import build_tiny
from cosmos_board.models.tiny_weights import write_tiny
from cosmos_board.training.batches import Batch, Prefetch, draw_batch
from cosmos_board.training.checkpoints import read_checkpoint, write_checkpoint
from cosmos_board.training.examples import ExampleSource
from cosmos_board.training.learner import Learner, Schedule
from cosmos_board.training.peers import Peers, meet

WEIGHTS_FILE = "cosmos-tiny.safetensors"
REGIONS_FOLDER = "regions"

Report = Callable[[int, int, dict[str, float]], None]
"""Called after each step with the step, the number of steps and what happened in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that the weights depend on, but for the machine's arithmetic."""

    seed: int = 0
    steps: int = 1_000
    workers: int = 2
    """Processes that learn together."""

    images: int = 3
    """Images of each process in a step."""

    objects: int = 4
    """Prompts on each image, before corrections."""

    corrections: tuple[int, ...] = (3,)
    """Prompts of each process that get a first, second … correction click."""

    learning_rate: float = 2e-3
    checkpoint_every: int = 50
    real_images: bool = True
    """False learns from phantoms alone."""


def train_tiny(
    out: Path,
    *,
    seed: int = 0,
    steps: int | None = None,
    device: str = "cpu",
    threads: int = 1,
    recipe: Recipe | None = None,
    report: Report | None = None,
) -> Path:
    """Train `cosmos-tiny` and return the path of its weights.

    Running it again on the same folder resumes from the last checkpoint; on the CPU with the same
    number of threads the weights are then the same to the last bit.

    Args:
        out: Folder for weights, checkpoint and log; made where missing.
        seed: Names the run: initial weights, images and prompts follow from it.
        steps: How many steps; the recipe's where None.
        device: `cpu`, or `cuda` for mixed precision.
        threads: Of torch on the CPU.
        recipe: Other settings; the shipped weights come from the default.
        report: Told of each step.

    Raises:
        InputError: If the folder holds the checkpoint of another run.
        StorageError: If the disk fails.
    """
    plan = replace(recipe or Recipe(), seed=seed)
    plan = plan if steps is None else replace(plan, steps=steps)
    out.mkdir(parents=True, exist_ok=True)
    read_checkpoint(out, _settings(plan))  # refuses another run's folder before anything starts
    with meet(plan.workers, partial(_follow, out, plan, device, threads)) as peers:
        learner = _run(out, plan, device, threads, peers, report)
    path = out / WEIGHTS_FILE
    write_tiny(path, learner.average, {key: str(value) for key, value in asdict(plan).items()})
    return path


def _follow(out: Path, plan: Recipe, device: str, threads: int, peers: Peers) -> None:
    _run(out, plan, device, threads, peers, None)


def _run(
    out: Path, plan: Recipe, device: str, threads: int, peers: Peers, report: Report | None
) -> Learner:
    tune_cpu(threads)
    torch.manual_seed(plan.seed)  # initial weights alone; torch offers them no generator
    schedule = Schedule(steps=plan.steps, learning_rate=plan.learning_rate)
    learner = Learner(
        build_tiny(), schedule, device=device, corrections=plan.corrections, peers=peers
    )
    kept = read_checkpoint(out, _settings(plan))
    log = kept[1] if kept else []
    if kept:
        learner.restore(kept[0])
    peers.wait()  # nobody writes a checkpoint before all have read theirs
    if learner.step < plan.steps:
        _learn(out, plan, learner, log, peers, report)
    return learner


def _settings(plan: Recipe) -> dict[str, object]:
    """Return what a resumed run must share; how long it goes may change while the rate is flat."""
    kept = {key: value for key, value in asdict(plan).items() if key != "steps"}
    return {**kept, "corrections": list(plan.corrections)}


def _learn(
    out: Path,
    plan: Recipe,
    learner: Learner,
    log: list[dict[str, float]],
    peers: Peers,
    report: Report | None,
) -> None:
    source = ExampleSource()
    if plan.real_images:
        source = ExampleSource.with_real_images(cache=out / REGIONS_FOLDER)
    batches = Prefetch(partial(_draw, source, plan, peers), learner.step)
    try:
        while learner.step < plan.steps:
            happened = learner.learn(batches.take())
            if peers.rank:
                continue
            log.append({"step": learner.step, **happened})
            if learner.step % plan.checkpoint_every == 0 or learner.step == plan.steps:
                write_checkpoint(out, learner.state(), _settings(plan), log)
            if report:
                report(learner.step, plan.steps, happened)
    finally:
        batches.close()


def _draw(source: ExampleSource, plan: Recipe, peers: Peers, step: int) -> Batch:
    key = (plan.seed << 40) + step * peers.count + peers.rank
    return draw_batch(source, key, plan.images, plan.objects)
