"""How `cosmos-tiny` is made, from nothing to the file of weights in the wheel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch

from cosmos_board.models.cpu_tuning import tune_cpu
from cosmos_board.models.sam.load import prepare_device
from cosmos_board.models.tiny.model import build_tiny, write_tiny
from cosmos_board.training.tiny.batches import Batch, Prefetch, draw_batch
from cosmos_board.training.tiny.calibration import fit_calibration
from cosmos_board.training.tiny.checkpoints import read_checkpoint, write_checkpoint
from cosmos_board.training.tiny.data_parallel import Peers, meet
from cosmos_board.training.tiny.examples import ExampleSource
from cosmos_board.training.tiny.learner import Learner, Schedule

WEIGHTS_FILE = "cosmos-tiny.safetensors"
REGIONS_FOLDER = "regions"
FINISH_FOLDER = "finish"

Report = Callable[[int, int, dict[str, float]], None]
"""Called after each step with the step, the number of steps and what happened in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that the weights depend on, but for the machine's arithmetic."""

    seed: int = 0
    steps: int = 5_000
    workers: int = 2
    """Processes that learn together."""

    images: int = 3
    """Images of each process in a step."""

    objects: int = 4
    """Prompts on each image, before corrections."""

    corrections: tuple[int, ...] = (3,)
    """Prompts of each process that get a first, second … correction click."""

    learning_rate: float = 2e-3
    finish_steps: int = 2_500
    """Steps of a second lesson, which starts from the average weights of the first and teaches all
    candidates alike after a clear prompt: there nobody chooses among them but the IoU head."""

    finish_rate: float = 1e-3
    checkpoint_every: int = 50
    calibrated_on: int = 48
    """Phantoms on which the estimates of IoU are brought to what is true."""

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
        steps: How many steps the first lesson has; the recipe's where None.
        device: `cpu`, or `cuda` for mixed precision.
        threads: Of torch on the CPU.
        recipe: Other settings; the shipped weights come from the default.
        report: Told of each step.

    Raises:
        InputError: If the folder holds the checkpoint of another run, or there is no such device.
        StorageError: If the disk fails.
    """
    device = prepare_device(device).name
    plan = replace(recipe or Recipe(), seed=seed)
    plan = plan if steps is None else replace(plan, steps=steps)
    out.mkdir(parents=True, exist_ok=True)
    for folder, before in ((out, 0), (out / FINISH_FOLDER, plan.steps)):
        read_checkpoint(folder, _settings(plan, before))  # refuses another run's folder at once
    with meet(plan.workers, partial(_follow, out, plan, device, threads)) as peers:
        learner = _run(out, plan, device, threads, peers, report)
    weights = learner.average
    sam = build_tiny()
    sam.load_state_dict(weights)
    weights["mask_decoder.calibration"] = fit_calibration(sam, plan.calibrated_on)
    path = out / WEIGHTS_FILE
    write_tiny(path, weights, {key: str(value) for key, value in asdict(plan).items()})
    return path


def _follow(out: Path, plan: Recipe, device: str, threads: int, peers: Peers) -> None:
    _run(out, plan, device, threads, peers, None)


def _run(
    out: Path, plan: Recipe, device: str, threads: int, peers: Peers, report: Report | None
) -> Learner:
    tune_cpu(threads)
    torch.manual_seed(plan.seed)  # initial weights alone; torch offers them no generator
    course = _Course(out, plan, peers, report)
    first = Learner(
        build_tiny(),
        Schedule(steps=plan.steps, learning_rate=plan.learning_rate),
        device=device,
        corrections=plan.corrections,
        peers=peers,
    )
    course.attend(first, out, 0)
    if not plan.finish_steps:
        return first
    sam = build_tiny()
    sam.load_state_dict(first.average)
    second = Learner(
        sam,
        Schedule(steps=plan.finish_steps, learning_rate=plan.finish_rate, fall=0.9),
        device=device,
        corrections=plan.corrections,
        clear_share=1.0,
        peers=peers,
    )
    course.attend(second, out / FINISH_FOLDER, plan.steps)
    return second


@dataclass(frozen=True, slots=True)
class _Course:
    """What all lessons of a run share."""

    out: Path
    plan: Recipe
    peers: Peers
    report: Report | None

    def attend(self, learner: Learner, folder: Path, before: int) -> None:
        """Teach `learner` from its last checkpoint in `folder` to its last step.

        Args:
            learner: New.
            folder: Of this lesson.
            before: Steps of earlier lessons, whose examples do not come again.
        """
        folder.mkdir(exist_ok=True)
        kept = read_checkpoint(folder, _settings(self.plan, before))
        log = kept[1] if kept else []
        if kept:
            learner.restore(kept[0])
        self.peers.wait()  # nobody writes a checkpoint before all have read theirs
        if learner.step < learner.schedule.steps:
            self._learn(learner, folder, before, log)

    def _learn(
        self, learner: Learner, folder: Path, before: int, log: list[dict[str, float]]
    ) -> None:
        plan, steps = self.plan, learner.schedule.steps
        source = ExampleSource()
        if plan.real_images:
            source = ExampleSource.with_real_images(cache=self.out / REGIONS_FOLDER)
        batches = Prefetch(partial(_draw, source, plan, self.peers), before + learner.step)
        try:
            while learner.step < steps:
                happened = learner.learn(batches.take())
                if self.peers.rank:
                    continue
                log.append({"step": learner.step, **happened})
                if learner.step % plan.checkpoint_every == 0 or learner.step == steps:
                    write_checkpoint(folder, learner.state(), _settings(plan, before), log)
                if self.report:
                    self.report(before + learner.step, plan.steps + plan.finish_steps, happened)
        finally:
            batches.close()


def _settings(plan: Recipe, before: int = 0) -> dict[str, object]:
    """Return what a resumed lesson must share.

    The first knows nothing of the second, which builds on all of it.
    """
    open_yet = {"calibrated_on"}
    if not before:
        open_yet |= {"finish_steps", "finish_rate"}
    kept = {key: value for key, value in asdict(plan).items() if key not in open_yet}
    return {**kept, "corrections": list(plan.corrections)}


def _draw(source: ExampleSource, plan: Recipe, peers: Peers, step: int) -> Batch:
    key = (plan.seed << 40) + step * peers.count + peers.rank
    return draw_batch(source, key, plan.images, plan.objects)
