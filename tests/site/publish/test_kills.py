"""A site is the old one until it is the new one, whoever is killed meanwhile."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kills import (
    CLI,
    Program,
    hash_tree,
    iter_moments,
    kill_at,
    make_program,
    wait_for_none,
)
from tests.site.conftest import SMALL
from tests.site_board import MODELS, make_board

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


@pytest.mark.parametrize(
    "kills",
    [pytest.param(1, id="1 kill"), pytest.param(20, id="20 kills", marks=pytest.mark.slow)],
)
def test_a_killed_build_leaves_the_old_site_and_nothing_else(
    kills: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    one, two = (
        make_board(tmp_path / f"{count}.duckdb", MODELS[:count], SMALL[:1]) for count in (2, 3)
    )
    out, rng = tmp_path / "served" / "site", random.Random(0)
    first = build(one, out)
    running, left, seen = 0, 0, {first}
    for number, moment_s in enumerate(iter_moments(kills, 4, 9)):
        program = make_build(one if number % 2 else two, out)
        victims = "parent" if number % 3 else "both"
        running += kill_at(program, moment_s, rng, victims=victims)
        left += len(wait_for_none(program.mark))
        seen.add(hash_tree(out))
    record_property("kills", kills)
    record_property("killed_while_running", running)
    record_property("processes_left", left)
    whole = {first} if len(seen) == 1 else {first, build(two, out)}
    record_property("sites_torn", len(seen - whole))

    assert (left, seen - whole) == (0, set())
    assert build(one, out) == first
    assert [path.name for path in out.parent.iterdir()] == ["site"]


def make_build(db: Path, out: Path) -> Program:
    """Return the command that builds a site, in one language."""
    command = [CLI, "site", "build", "--db", str(db), "--out", str(out), "--language", "en"]
    return make_program(command)


def build(db: Path, out: Path) -> str:
    """Build the site in a process of its own, and return its hash."""
    done = make_build(db, out).finish()
    assert done.returncode == 0, done.stderr
    return hash_tree(out)
