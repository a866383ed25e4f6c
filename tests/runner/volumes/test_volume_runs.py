"""Volumes are run as images are: rows do not depend on how, and one volume is held at a time."""

from __future__ import annotations

import gc
import random
import sys
from itertools import cycle
from pathlib import Path

import pytest

from benchmarks.memory_bench import measure_peak_mib
from cosmos_board.core.errors import InputError, StoppedError
from cosmos_board.core.volumes import Volume
from cosmos_board.curation.phantom_pack import build_phantom_volumes
from cosmos_board.data.pack.volumes import PackVolumes
from cosmos_board.runner.settings import Callbacks
from cosmos_board.store.parquet import Row
from tests.kills import CLI, kill_at, make_program, wait_for_none
from tests.runner.volumes.blocks import PLANTED, build_blocks, evaluate, read_rows

VOLUMES = 5


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_blocks(tmp_path_factory.mktemp("blocks") / "pack", VOLUMES)


def test_rows_depend_neither_on_workers_nor_on_shares_nor_on_a_stop(
    blocks: Path, tmp_path: Path
) -> None:
    report = evaluate(blocks, tmp_path / "whole", "BrightInBox")
    whole = read_rows(tmp_path / "whole")
    asked = iter((False, False, True, True))
    stop = Callbacks(stop=lambda: next(asked, True))
    with pytest.raises(StoppedError):
        evaluate(blocks, tmp_path / "stopped", "BrightInBox", callbacks=stop)
    resumed = evaluate(blocks, tmp_path / "stopped", "BrightInBox", workers=2)
    for share in ("1/2", "2/2"):
        evaluate(blocks, tmp_path / "shares", "BrightInBox", share=share)

    assert (report.images, report.evaluated, report.rows) == (VOLUMES, VOLUMES, 4 * VOLUMES)
    assert resumed.rows == 4 * VOLUMES
    assert read_rows(tmp_path / "stopped") == whole
    assert read_rows(tmp_path / "shares") == whole


def test_a_remote_store_brings_the_volumes_of_others(blocks: Path, tmp_path: Path) -> None:
    remote = str(tmp_path / "remote")
    evaluate(blocks, tmp_path / "one", "Planted", share="1/2", remote=remote)
    report = evaluate(blocks, tmp_path / "all", "Planted", remote=remote)

    assert report.evaluated == VOLUMES // 2
    assert len(read_rows(tmp_path / "all")) == VOLUMES


@pytest.mark.slow
def test_rows_on_ray_are_those_of_this_process(blocks: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    evaluate(blocks, tmp_path / "here", "Planted")
    evaluate(blocks, tmp_path / "ray", "Planted", engine="ray")

    assert read_rows(tmp_path / "ray") == read_rows(tmp_path / "here")


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
@pytest.mark.parametrize(
    "kills",
    [pytest.param(2, id="2 kills"), pytest.param(20, id="20 kills", marks=pytest.mark.slow)],
)
def test_a_volume_study_killed_again_and_again_gives_the_same_rows(
    kills: int, blocks: Path, tmp_path: Path
) -> None:
    evaluate(blocks, tmp_path / "whole", "BrightInBox", "Planted")
    out, rng, victims = tmp_path / "killed", random.Random(3), cycle(("parent", "both"))
    models = [
        part for name in ("BrightInBox", "Planted") for part in ("--model", f"{PLANTED}:{name}")
    ]
    command = [CLI, "eval", str(blocks), "--study", "volumes", *models, "--out", str(out)]
    running = 0
    for _ in range(kills):
        program = make_program([*command, "--workers", "2"], PLANTED_PAUSE_S="0.4")
        running += kill_at(program, rng.uniform(1.0, 3.5), rng, victims=next(victims))
        wait_for_none(program.mark)
    done = make_program(command).finish()

    assert running > kills // 2
    assert done.returncode == 0, done.stderr
    assert read_rows(out) == read_rows(tmp_path / "whole")


def test_a_volume_is_let_go_before_the_next_is_read(
    blocks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count_volumes() -> int:
        return sum(type(thing) is Volume for thing in gc.get_objects())

    held: list[int] = []
    read = PackVolumes._read_voxels
    gc.collect()
    others = count_volumes()

    def count_and_read(self: PackVolumes, *args: object) -> object:
        held.append(count_volumes() - others)
        return read(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(PackVolumes, "_read_voxels", count_and_read)
    evaluate(blocks, tmp_path, "BrightInBox", "Planted", "Remembers")

    assert held == [0] * 3 * VOLUMES


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted as Linux does")
def test_forty_volumes_need_no_more_memory_than_four(tmp_path: Path) -> None:
    peaks = []
    for count in (4, 40):
        build_phantom_volumes(tmp_path / f"{count}", count, workers=1)
        out = tmp_path / f"run-{count}"
        study = ("--study", "volumes")
        peaks.append(measure_peak_mib(tmp_path / f"{count}", "ellipsoid", out, *study))

    assert peaks[1] <= 1.05 * peaks[0], peaks


def test_a_damaged_volume_is_quarantined_and_the_others_are_scored(
    blocks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = PackVolumes._read_voxels
    bad: list[str] = []

    def read_all_but_the_first(self: PackVolumes, row: Row, *args: object) -> object:
        bad.append(row["volume_id"])
        if row["volume_id"] == bad[0]:
            raise InputError(row["volume_id"], "png", "has other pixels than when it was curated")
        return read(self, row, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(PackVolumes, "_read_voxels", read_all_but_the_first)
    report = evaluate(blocks, tmp_path, "Planted")

    assert [row.image_id for row in report.quarantined] == [bad[0]]
    assert len(read_rows(tmp_path)) == VOLUMES - 1


def test_a_pack_without_volumes_is_refused(phantom_pack: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"volumes: are not kept in this pack .*keep_volumes"):
        evaluate(phantom_pack, tmp_path, "Planted")
