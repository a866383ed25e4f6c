"""An import that is killed leaves no pack and no process, and the same command makes the pack."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.kills import CLI, Program, hash_tree, iter_moments, kill_at, make_program, wait_for_none

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

SPEC = """schema_version = 1
name = "discs"
label = "Discs"
licence = "CC0-1.0"
source = "made here"
cluster_unit = "image"

[[images]]
files = 'images/{case}.png'
modality = "microscopy"

[[images.masks]]
files = "masks/{case}.png"
colours = { "255,255,255" = "nucleus" }
"""


def make_source(folder: Path, images: int) -> Path:
    """Write pictures of a bright disc with their masks and an import file."""
    rng = np.random.default_rng(0)
    rows, columns = np.ogrid[:512, :512]
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(images):
        x, y = rng.integers(60, 450, 2)
        mask = (columns - x) ** 2 + (rows - y) ** 2 <= 40**2
        pixels = rng.integers(0, 90, (512, 512)).astype(np.uint8) + 120 * mask.astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number:03d}.png")
        Image.fromarray(255 * mask.astype(np.uint8)).save(folder / "masks" / f"{number:03d}.png")
    spec = folder / "discs.toml"
    spec.write_text(SPEC)
    return spec


@pytest.mark.parametrize(
    "kills",
    [pytest.param(1, id="1 kill"), pytest.param(10, id="10 kills", marks=pytest.mark.slow)],
)
def test_a_killed_import_is_finished_by_the_same_command(
    kills: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    spec = make_source(tmp_path / "raw", 40)

    def plan(out: Path) -> Program:
        command = [CLI, "data", "import", str(spec), "--source", str(tmp_path / "raw")]
        return make_program([*command, "--out", str(out), "--workers", "2"])

    done = plan(tmp_path / "whole").finish()
    assert done.returncode == 0, done.stderr
    whole, rng, running, left, others = hash_tree(tmp_path / "whole"), random.Random(0), 0, 0, []
    for number, moment_s in enumerate(iter_moments(kills, 4, 8)):
        out = tmp_path / f"killed-{number}" / "pack"
        program = plan(out)
        victims = ("parent", "both", "worker")[number % 3]
        running += kill_at(program, moment_s, rng, victims=victims)
        left += len(wait_for_none(program.mark))
        done = program.finish()
        names = [path.name for path in out.parent.iterdir()]
        if done.returncode or hash_tree(out) != whole or names != ["pack"]:
            others.append((number, names, done.stderr))
    record_property("kills", kills)
    record_property("killed_while_running", running)
    record_property("processes_left", left)
    record_property("packs_with_other_bytes", len(others))

    assert (left, others) == (0, [])
