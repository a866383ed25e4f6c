"""How `cosmos-tiny` is trained, from random weights to the file in the wheel."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from cosmos_board.models.devices import prepare_device, tune_cpu
from cosmos_board.models.tiny.model import build_tiny, write_tiny
from cosmos_board.store.parquet import write_rows
from cosmos_board.store.schema import TRAINING_LOG
from cosmos_board.training.checkpoint import CheckpointFile
from cosmos_board.training.tiny.batches import Batch, draw_batch, prefetch
from cosmos_board.training.tiny.calibration import fit_calibration
from cosmos_board.training.tiny.data_parallel import WorkerGroup, start_workers
from cosmos_board.training.tiny.examples import ExampleSource
from cosmos_board.training.tiny.trainer import Schedule, Trainer

WEIGHTS_FILE = "cosmos-tiny.safetensors"
CHECKPOINT_FILE = "checkpoint.pt"
LOG_FILE = "log.parquet"
REGIONS_FOLDER = "regions"
FINISH_FOLDER = "finish"

Report = Callable[[int, int, dict[str, float]], None]
"""Called after each step with the step, the number of steps, and its loss and mean IoU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that the weights depend on, but for the machine's arithmetic."""

    seed: int = 0
    """Initial weights, images and prompts follow from it."""

    steps: int = 5_000
    workers: int = 2
    """Processes that train together."""

    images: int = 3
    """Images of each worker in a step."""

    objects: int = 4
    """Prompts on each image, before corrections."""

    corrections: tuple[int, ...] = (3,)
    """Prompts of each worker that get a first, second … correction click."""

    learning_rate: float = 2e-3
    finish_steps: int = 2_500
    """Steps of a second phase, which starts from the average weights of the first. There all three
    candidates are trained alike after a clear prompt: only the IoU head chooses among them."""

    finish_rate: float = 1e-3
    checkpoint_every: int = 50
    calibrated_on: int = 48
    """Phantoms on which the predicted IoU is calibrated."""

    real_images: bool = True
    """False trains on phantoms alone."""


@dataclass(frozen=True, slots=True)
class _Phase:
    """One of the two phases of training, each with an optimiser and a checkpoint of its own."""

    folder: Path
    recipe: Recipe
    first_batch: int
    """Steps of the phase before, whose batches are not drawn again."""

    schedule: Schedule
    clear_share: float

    @property
    def checkpoint(self) -> CheckpointFile:
        """Where the phase is kept; the first does not depend on the settings of the second."""
        ignored = {"calibrated_on"}
        if not self.first_batch:
            ignored |= {"finish_steps", "finish_rate"}
        settings = {key: value for key, value in asdict(self.recipe).items() if key not in ignored}
        settings["corrections"] = list(self.recipe.corrections)
        return CheckpointFile(self.folder / CHECKPOINT_FILE, settings)


def train_tiny(
    out: Path,
    recipe: Recipe | None = None,
    *,
    device: str = "cpu",
    threads: int = 1,
    report: Report | None = None,
) -> Path:
    """Train `cosmos-tiny` and return the path of its weights.

    Running it again on the same folder `out`, which is made where missing, resumes from the last
    checkpoint; on the CPU with the same number of `threads` the weights are then the same to the
    last bit. The shipped weights come from the default recipe; `cuda` trains in mixed precision.

    Raises:
        InputError: If the folder holds the checkpoint of another run, or there is no such device.
        StorageError: If the disk fails.
    """
    device = prepare_device(device).name
    recipe = recipe or Recipe()
    out.mkdir(parents=True, exist_ok=True)
    phases = _list_phases(out, recipe)
    for phase in phases:
        phase.checkpoint.read()  # refuses the folder of another run at once
    train = partial(_train, phases, device, threads)
    with start_workers(recipe.workers, partial(train, None)) as workers:
        weights = train(report, workers)
    sam = build_tiny()
    sam.load_state_dict(weights)
    weights["mask_decoder.calibration"] = fit_calibration(sam, recipe.calibrated_on)
    path = out / WEIGHTS_FILE
    write_tiny(path, weights, {key: str(value) for key, value in asdict(recipe).items()})
    return path


def _list_phases(out: Path, recipe: Recipe) -> list[_Phase]:
    main = Schedule(steps=recipe.steps, learning_rate=recipe.learning_rate)
    finish = Schedule(steps=recipe.finish_steps, learning_rate=recipe.finish_rate, fall=0.9)
    phases = [_Phase(out, recipe, 0, main, clear_share=0.5)]
    if recipe.finish_steps:
        phases.append(_Phase(out / FINISH_FOLDER, recipe, recipe.steps, finish, clear_share=1.0))
    return phases


def _train(
    phases: list[_Phase], device: str, threads: int, report: Report | None, workers: WorkerGroup
) -> dict[str, Tensor]:
    """Run all phases as one of the workers and return the average weights."""
    tune_cpu(threads)
    torch.manual_seed(phases[0].recipe.seed)  # of the initial weights; nothing else draws from it
    sam = build_tiny()
    for phase in phases:
        trainer = Trainer(
            sam,
            phase.schedule,
            device=device,
            corrections=phase.recipe.corrections,
            clear_share=phase.clear_share,
            workers=workers,
        )
        _run_phase(phase, trainer, workers, report)
        sam = build_tiny()
        sam.load_state_dict(trainer.average)
    return trainer.average


def _run_phase(
    phase: _Phase, trainer: Trainer, workers: WorkerGroup, report: Report | None
) -> None:
    """Train from the last checkpoint of a phase to its last step."""
    phase.folder.mkdir(exist_ok=True)
    state = phase.checkpoint.read()
    log: list[dict[str, float]] = []
    if state:
        log = state["log"]
        trainer.restore(state)
    workers.wait()  # no worker writes a checkpoint before all have read theirs
    recipe, steps = phase.recipe, phase.schedule.steps
    if trainer.step == steps:
        return
    draw = partial(_draw, _make_source(phase), recipe, workers)
    with closing(prefetch(draw, phase.first_batch + trainer.step)) as batches:
        while trainer.step < steps:
            values = trainer.train_step(next(batches))
            if workers.rank:
                continue
            log.append({"step": trainer.step, **values})
            if trainer.step % recipe.checkpoint_every == 0 or trainer.step == steps:
                phase.checkpoint.write({**trainer.state(), "log": log})
                write_rows(phase.folder / LOG_FILE, TRAINING_LOG, log)
            if report:
                done = phase.first_batch + trainer.step
                report(done, recipe.steps + recipe.finish_steps, values)


def _make_source(phase: _Phase) -> ExampleSource:
    if not phase.recipe.real_images:
        return ExampleSource()
    # The partitions of the real images are kept beside the folder of the first phase.
    out = phase.folder.parent if phase.first_batch else phase.folder
    return ExampleSource.with_real_images(cache=out / REGIONS_FOLDER)


def _draw(source: ExampleSource, recipe: Recipe, workers: WorkerGroup, step: int) -> Batch:
    key = (recipe.seed << 40) + step * workers.size + workers.rank
    return draw_batch(source, key, recipe.images, recipe.objects)
