"""A run killed at any moment leaves no process and no memory held, and resumes to the same rows."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from cosmos_board.core.processes import wrap_command
from tests.kills import (
    CLI,
    count_memory_bytes,
    iter_moments,
    kill_at,
    kill_when,
    list_processes,
    make_program,
    wait_for_none,
)
from tests.runner.test_run import SQUARES, digest, evaluate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

_VICTIMS = ("parent", "worker", "both")


@pytest.mark.parametrize(
    ("kills", "late_s"),
    [
        pytest.param(2, 8, id="2 kills"),
        pytest.param(60, 12, id="60 kills", marks=pytest.mark.slow),
    ],
)
def test_a_killed_run_leaves_nothing_running_and_resumes_to_the_same_rows(
    kills: int,
    late_s: float,
    phantom_pack: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    evaluate(phantom_pack, tmp_path / "whole")
    whole, rng, victims = digest(tmp_path / "whole"), random.Random(1), cycle(_VICTIMS)
    running = left = held_bytes = 0
    other_rows = []
    for number, moment_s in enumerate(iter_moments(kills, 5, late_s)):
        out = tmp_path / f"run-{number}"
        command = [CLI, "eval", str(phantom_pack), "--model", SQUARES, "--workers", "3"]
        program = make_program([*command, "--out", str(out)], SQUARES_PAUSE_S="1.5")
        running += kill_at(program, moment_s, rng, victims=next(victims))
        alive = wait_for_none(program.mark)
        left, held_bytes = left + len(alive), held_bytes + count_memory_bytes(alive)
        done = make_program(program.command, SQUARES_PAUSE_S="0").finish()
        if done.returncode or digest(out) != whole:
            other_rows.append((number, done.stderr))
    record_property("kills", kills)
    record_property("killed_while_running", running)
    record_property("processes_left", left)
    record_property("bytes_held", held_bytes)
    record_property("runs_with_other_rows", len(other_rows))

    assert running >= kills // 2
    assert (left, held_bytes, other_rows) == (0, 0, [])


_ORPHAN = """
import multiprocessing, time
from cosmos_board.core.processes import make_pool
if __name__ == "__mp_main__":
    open({mark!r}, "w").close()
    time.sleep(4)  # as a worker does that imports torch
if __name__ == "__main__":
    pool = make_pool(1, multiprocessing.get_context("spawn"))
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def test_a_worker_that_is_still_importing_when_its_parent_dies_ends_too(tmp_path: Path) -> None:
    mark, script = tmp_path / "importing", tmp_path / "script.py"
    script.write_text(_ORPHAN.format(mark=str(mark)))
    program = make_program([sys.executable, str(script)])
    kill_when(program, mark.exists)

    assert list_processes(program.mark) != []

    assert wait_for_none(program.mark) == []


def test_a_command_that_we_wait_for_ends_with_us(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "from cosmos_board.core.processes import wrap_command\n"
        "subprocess.run(wrap_command(['sleep', '600']))\n"
    )
    program = make_program([sys.executable, "-c", script])
    kill_when(program, lambda: len(list_processes(program.mark)) == 2)

    assert wrap_command(["sleep", "600"])[-2:] == ["sleep", "600"]
    assert wait_for_none(program.mark) == []
