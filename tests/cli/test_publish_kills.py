"""What was published stays as it is until all that is next takes its place."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from tests.kills import Program, hash_tree, iter_moments, kill_at, make_program, wait_for_none
from tests.submissions.repositories import make_repository

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


@pytest.mark.slow
@pytest.mark.parametrize("kills", [pytest.param(10, id="10 kills")])
def test_a_killed_publish_leaves_what_was_published(
    kills: int,
    phantom_pack: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    names = ("box-prior", "grabcut")
    for name in names:
        spec = SegmenterSpec(name=name)
        run(RunRequest(packs=(phantom_pack,), specs=(spec,), out=tmp_path / name))
    make_repository(tmp_path / "repository")
    submissions = tmp_path / "repository" / "submissions"
    out = tmp_path / "served" / "publish"

    def plan(count: int) -> Program:
        command = [
            sys.executable,
            "-m",
            "cosmos_board.cli.submissions.publish",
            "--pack",
            str(phantom_pack),
        ]
        command += ["--submissions", str(submissions), "--out", str(out)]
        runs = [word for name in names[:count] for word in ("--run", str(tmp_path / name))]
        return make_program([*command, *runs])

    def publish(count: int) -> str:
        done = plan(count).finish()
        assert done.returncode == 0, done.stderr
        return hash_tree(out / "site")

    hashes = {count: publish(count) for count in (2, 1)}
    rng, running, left, torn = random.Random(0), 0, 0, []
    for number, moment_s in enumerate(iter_moments(kills, 4, 9)):
        before = hash_tree(out)
        program = plan(1 + number % 2)
        running += kill_at(program, moment_s, rng, victims="parent")
        left += len(wait_for_none(program.mark))
        if hash_tree(out) != before and hash_tree(out / "site") != hashes[1 + number % 2]:
            torn.append(number)
    record_property("kills", kills)
    record_property("killed_while_running", running)
    record_property("processes_left", left)
    record_property("folders_torn", len(torn))

    assert (left, torn) == (0, [])
    assert publish(1) == hashes[1]
    assert [path.name for path in out.parent.iterdir()] == ["publish"]
