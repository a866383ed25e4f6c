from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cosmos_board.core.errors import InputError
from cosmos_board.store.parquet import iter_rows
from cosmos_board.store.schema import TRAINING_LOG
from cosmos_board.training.tiny.recipe import (
    CHECKPOINT_FILE,
    LOG_FILE,
    WEIGHTS_FILE,
    Recipe,
    train_tiny,
)

SMALL = Recipe(
    steps=4, finish_steps=2, calibrated_on=1, workers=1, images=1, objects=1, corrections=(1,),
    checkpoint_every=1, real_images=False,
)  # fmt: skip
RUN = """
from pathlib import Path
from cosmos_board.training.tiny.recipe import Recipe, train_tiny
if __name__ == "__main__":
    train_tiny(Path({out!r}), recipe={recipe!r})
"""


def start(out: Path, recipe: Recipe) -> subprocess.Popen[bytes]:
    script = out.parent / "run.py"
    script.write_text(RUN.format(out=str(out), recipe=recipe))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    return subprocess.Popen([sys.executable, str(script)], env=environment)


def wait_for_step(out: Path, step: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        path = out / CHECKPOINT_FILE
        if path.exists() and torch.load(path, weights_only=True)["state"]["step"] >= step:
            return
        time.sleep(0.02)


def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = train_tiny(tmp_path / "whole", SMALL)
    process = start(tmp_path / "killed", SMALL)
    wait_for_step(tmp_path / "killed", 2, process)
    process.send_signal(signal.SIGKILL)
    process.wait()

    resumed = train_tiny(tmp_path / "killed", SMALL)

    assert whole.read_bytes() == resumed.read_bytes()
    log = list(iter_rows(tmp_path / "killed" / LOG_FILE, TRAINING_LOG))
    assert [row["step"] for row in log] == [1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_ten_kills_at_random_moments_change_no_bit(tmp_path: Path, workers: int) -> None:
    recipe = Recipe(
        steps=8, finish_steps=4, calibrated_on=1, workers=workers, images=1, objects=1,
        corrections=(1,), checkpoint_every=2, real_images=False,
    )  # fmt: skip
    chance = random.Random(4)
    whole = start(tmp_path / "whole", recipe)
    began = time.monotonic()
    assert whole.wait() == 0
    took = time.monotonic() - began
    for _ in range(10):
        process = start(tmp_path / "killed", recipe)
        time.sleep(chance.uniform(0.4, 1.0) * took)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start(tmp_path / "killed", recipe).wait() == 0

    assert (tmp_path / "whole" / WEIGHTS_FILE).read_bytes() == (
        tmp_path / "killed" / WEIGHTS_FILE
    ).read_bytes()


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    recipe = replace(SMALL, steps=1)
    first = train_tiny(tmp_path, recipe).read_bytes()
    steps: list[int] = []

    again = train_tiny(tmp_path, recipe, report=lambda step, *_: steps.append(step))

    assert again.read_bytes() == first
    assert steps == []


def test_the_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    recipe = replace(SMALL, steps=1)
    train_tiny(tmp_path, recipe)

    with pytest.raises(InputError, match=r"seed: belongs to another run \(got 0, want 1\)"):
        train_tiny(tmp_path, replace(recipe, seed=1))
