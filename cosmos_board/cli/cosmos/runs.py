"""Every model on every pack, each study in a run folder of its own.

One folder holds one entry, so what an earlier call with other models or datasets left unfinished
keeps nothing from being ranked.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cosmos_board.cli.progress import send_prints_to_stderr, show_progress, stop_on_signal
from cosmos_board.core.errors import StaleRunError, StoppedError, make_one_line
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.scores import Study
from cosmos_board.models.registry import find_card
from cosmos_board.runner.run import RunReport, RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec


@dataclass(frozen=True, slots=True)
class FinishedRuns:
    """Where the runs are, and what is wrong with them."""

    folders: tuple[Path, ...]
    problems: tuple[str, ...]
    """A line for each run of which too many images or answers failed."""


def evaluate(
    packs: Sequence[Path], models: Sequence[str], out: Path, *, device: str, workers: int | None
) -> FinishedRuns:
    """Evaluate models on packs; what an earlier call finished is kept.

    Args:
        packs: Folders of packs, called as their datasets are.
        models: As `eval` takes them.
        out: Runs lie in `out/DATASET/MODEL/STUDY`.
        device: Of the learned models.
        workers: Number of processes; None for as many as suit the machine.

    Raises:
        InputError: If a model or pack is refused.
        StoppedError: If a signal came.
    """
    requests = list(_plan_runs(packs, models, out, device, workers))
    problems = []
    for number, request in enumerate(requests, 1):
        name = request.out.relative_to(out).as_posix()
        click.echo(f"run {number} of {len(requests)}: {name}", err=True)
        report = _run(request)
        if report.failed:
            problems.append(f"{name}: too many images or answers failed")
            problems += [make_one_line(model.line) for model in report.models if model.failed]
    return FinishedRuns(tuple(request.out for request in requests), tuple(problems))


def _plan_runs(
    packs: Sequence[Path], models: Sequence[str], out: Path, device: str, workers: int | None
) -> Iterator[RunRequest]:
    cards = {name: find_card(name) for name in dict.fromkeys(models)}
    for pack in packs:
        for name, card in cards.items():
            learned = card.kind == "promptable"
            studies: dict[Study, bool] = {
                "main": True,
                "clicks": card.clicks and card.kind != "baseline",
                "jitter": learned,  # the question is about them, and it is the longest study
            }
            for study in (study for study, wanted in studies.items() if wanted):
                yield RunRequest(
                    packs=(pack,),
                    specs=(SegmenterSpec(name=name, device=device if learned else "cpu"),),
                    out=out / pack.name / card.name / study,
                    settings=RunSettings(study=study),
                    workers=workers,
                )


def _run(request: RunRequest) -> RunReport:
    with (
        send_prints_to_stderr(),
        stop_on_signal() as stopped,
        show_progress(stopped.is_set) as callbacks,
    ):
        if stopped.is_set():
            raise StoppedError(f"{request.out}: stopped; the same command resumes")
        try:
            return run(request, callbacks)
        except StaleRunError:  # our own folder, from before an update
            shutil.rmtree(request.out)
            return run(request, callbacks)
