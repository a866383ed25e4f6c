"""Whatever fails, no row is lost, doubled or changed, and the user reads one line."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pytest

from cosmos_board.core.errors import DeviceError, InputError, StorageError, UnknownNameError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import open_pack
from cosmos_board.runner.evaluation import model_calls
from cosmos_board.runner.evaluation.evaluate import predict_image
from cosmos_board.runner.evaluation.image_session import ImageSession
from cosmos_board.runner.evaluation.model_calls import GOOD_BATCHES, BatchSizeBackoff
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import Callbacks, SegmenterSpec
from cosmos_board.store.ingest import ingest
from cosmos_board.store.parquet import iter_batches, write_table
from cosmos_board.store.schema import PACK_IMAGES
from tests.runner.segmenters import OutOfMemoryError, Squares
from tests.runner.test_run import CLI, SQUARES, digest, evaluate, read_rows

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="faults are injected as Linux has them"
)

TROUBLED = SQUARES.replace("Squares", "Troubled")


def request(pack: Path, out: Path, **kwargs: object) -> RunRequest:
    """Return what asks the troubled segmenter about a pack."""
    return RunRequest(packs=(pack,), specs=(SegmenterSpec(name=TROUBLED),), out=out, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("study", ["main", "clicks"])
def test_twenty_batches_that_do_not_fit_cost_no_row(
    study: str, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(phantom_pack, tmp_path / "roomy", settings={"study": study})
    monkeypatch.setenv("TROUBLED_FULL", str(tmp_path / "full"))
    monkeypatch.setattr(model_calls, "GOOD_BATCHES", 1)
    settings = RunSettings(study=study)  # type: ignore[arg-type]

    run(request(phantom_pack, tmp_path / "tight", settings=settings))

    assert (tmp_path / "full").read_text() == 20 * "x"
    facts = [json.loads(path.read_text()) for path in (tmp_path / "tight/scores").glob("*.json")]
    assert max(fact["retries"] for fact in facts) == 20
    assert digest(tmp_path / "tight") == digest(tmp_path / "roomy")


@pytest.mark.parametrize("stage", ["embed", "predict", "segment_everything"])
@pytest.mark.parametrize(
    ("refusals", "error", "outcome"),
    [
        (1, OutOfMemoryError("the device is full"), "ok"),
        (2, OutOfMemoryError("the device is full"), "stopped"),
        (1, MemoryError("no room"), "ok"),
        (2, MemoryError("no room"), "failed"),
    ],
)
def test_what_does_not_fit_is_tried_once_more_and_a_full_device_is_not_charged_to_the_model(
    stage: str,
    refusals: int,
    error: Exception,
    outcome: str,
    phantom_pack: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A neighbour may have filled it; what a model asks of the host is its own."""
    segmenter = Squares()
    usual, left = getattr(segmenter, stage), [refusals]

    def refuse_at_first(*given: object, **more: object) -> object:
        if left[0] and (stage != "predict" or len(given[1]) == 1):  # type: ignore[arg-type]
            left[0] -= 1
            raise error
        return usual(*given, **more)

    monkeypatch.setattr(segmenter, stage, refuse_at_first)
    item = next(iter(open_pack(phantom_pack).iter_items(0, 1)))
    session = ImageSession(segmenter, item, RunSettings(), backoff=BatchSizeBackoff(1))

    statuses: set[str] = set()
    with (
        pytest.raises(DeviceError, match="out of memory") if outcome == "stopped" else nullcontext()
    ):
        statuses = {row.scores.status for done in predict_image(session) for row in done().rows}

    assert any(text.startswith("failed") for text in statuses) == (outcome == "failed")


def test_what_fits_is_learnt_once_and_tried_again_later() -> None:
    backoff = BatchSizeBackoff(64)
    backoff.shrink(64)
    backoff.shrink(32)
    for _ in range(GOOD_BATCHES - 1):
        backoff.note_good()
    assert backoff.size == 16

    backoff.note_good()

    assert backoff.size == 32


@pytest.mark.parametrize("kind", ["dies", pytest.param("hangs", marks=pytest.mark.slow)])
def test_a_lost_worker_is_replaced_and_its_shard_redone(
    kind: str, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(phantom_pack, tmp_path / "whole")
    monkeypatch.setenv("TROUBLED_ONCE", str(tmp_path / "struck"))
    monkeypatch.setenv("TROUBLED_KIND", kind)

    run(request(phantom_pack, tmp_path / "run", workers=2, hang_s=30.0))

    assert (tmp_path / "struck").exists()
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")


def test_a_process_that_gets_nowhere_ends_and_says_where_it_stood() -> None:
    program = (
        "import time\n"
        "from cosmos_board.runner.engine.worker import end_when_stuck\n"
        "with end_when_stuck(0.5) as is_alive:\n"
        "    time.sleep(0.3); is_alive(); time.sleep(0.3)\n"
        "    print('alive', flush=True)\n"
        "    time.sleep(60)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )

    assert ended.returncode == 1
    assert ended.stdout == "alive\n"
    assert "Timeout" in ended.stderr


def test_workers_that_die_again_and_again_end_the_run(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLED_ONCE", str(tmp_path / "struck"))
    monkeypatch.setenv("TROUBLED_KIND", "dies every time")

    with pytest.raises(DeviceError, match="Troubled: a worker died 3 times over"):
        run(request(phantom_pack, tmp_path / "run", workers=2))


def test_a_worker_that_hears_nothing_holds_up_no_one_when_another_dies(
    phantom_pack: Path, tmp_path: Path
) -> None:
    """As one does that waits for a lock which the other took along."""
    evaluate(phantom_pack, tmp_path / "whole")
    struck: list[int] = []

    def strike(_: int) -> None:
        if not struck and len(children := multiprocessing.active_children()) == 2:
            for child, number in zip(children, (signal.SIGSTOP, signal.SIGKILL), strict=True):
                struck.append(child.pid or 0)
                os.kill(struck[-1], number)

    spec = SegmenterSpec(name=SQUARES)
    asked = RunRequest(packs=(phantom_pack,), specs=(spec,), out=tmp_path / "run", workers=2)
    run(asked, Callbacks(on_image=strike))

    assert len(struck) == 2
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_broken_device_is_no_models_failure(
    workers: int, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(phantom_pack, tmp_path / "whole")
    monkeypatch.setenv("TROUBLED_ONCE", str(tmp_path / "struck"))
    monkeypatch.setenv("TROUBLED_KIND", "breaks")
    asked = request(phantom_pack, tmp_path / "run", workers=workers)
    if workers == 1:
        with pytest.raises(DeviceError, match=r"illegal memory .*; the same command") as caught:
            run(asked)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 70

    run(asked)

    assert (tmp_path / "struck").exists()
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")


class FullDisk:
    """A file that takes so many bytes and no more."""

    def __init__(self, file: BinaryIO, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: bytes) -> int:
        self._room -= len(memoryview(data).cast("B"))
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@pytest.mark.parametrize("step", ["write", "fsync", "rename"])
def test_a_full_disk_ends_in_one_line_and_a_resume_in_the_same_rows(
    step: str, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(phantom_pack, tmp_path / "whole")
    out = tmp_path / "run"
    with monkeypatch.context() as patched:
        fill_disk(patched, step, after=3)
        with pytest.raises(StorageError, match="write: no space left on the disk") as caught:
            evaluate(phantom_pack, out)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 74
    assert not list(out.rglob(".*.part"))
    for shard in (out / "scores").glob("*.parquet"):
        assert shard.read_bytes()[-4:] == b"PAR1"

    evaluate(phantom_pack, out)

    assert digest(out) == digest(tmp_path / "whole")


def fill_disk(patched: pytest.MonkeyPatch, step: str, after: int) -> None:
    """Let one step fail for files of scores once `after` of them are written."""
    done: list[Path] = []

    def is_full(path: Path) -> bool:
        if path.parent.name != "scores":
            return False
        done.append(path)
        return len(done) > after

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    opened = Path.open
    if step == "write":

        def open_limited(path: Path, mode: str = "r", *rest: object, **more: object) -> object:
            file = opened(path, mode, *rest, **more)  # type: ignore[call-overload]
            return FullDisk(file, 100) if mode == "wb" and is_full(path) else file

        patched.setattr(Path, "open", open_limited)
    elif step == "rename":
        replaced = Path.replace
        patched.setattr(
            Path,
            "replace",
            lambda path, to: refuse() if is_full(path) else replaced(path, to),
        )
    else:
        synced, calls = os.fsync, iter(range(10**6))
        patched.setattr(os, "fsync", lambda fd: refuse() if next(calls) >= 20 else synced(fd))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full_ends_with_74_and_resumes(
    small_disk: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    evaluate(phantom_pack, tmp_path / "whole")
    out, ballast = small_disk / "run", small_disk / "ballast"
    ballast.write_bytes(bytes(200 << 10))
    command = [*CLI, "eval", str(phantom_pack), "--model", SQUARES, "--out", str(out)]

    full = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert full.returncode == 74
    assert full.stderr.splitlines()[-1].endswith("write: no space left on the disk")
    assert "Traceback" not in full.stderr
    ballast.unlink()
    assert subprocess.run(command, capture_output=True, timeout=120).returncode == 0
    assert digest(out) == digest(tmp_path / "whole")


def test_a_read_only_disk_is_told_at_the_start(small_disk: Path, phantom_pack: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    with pytest.raises(StorageError, match="write: the file system is read-only"):
        evaluate(phantom_pack, small_disk / "run")


def test_an_image_that_cannot_be_read_is_quarantined_and_the_run_goes_on(
    phantom_pack: Path, tmp_path: Path
) -> None:
    pack = spoil_image(phantom_pack, tmp_path / "pack", row=2)
    report = evaluate(pack, tmp_path / "run")

    images = {row["reference_id"].split(".")[0] for row in read_rows(tmp_path / "run").to_pylist()}
    [bad] = report.quarantined
    assert bad.image_id not in images
    assert len(images) == 5
    assert report.failed
    again = evaluate(pack, tmp_path / "run")
    assert again.evaluated == 0
    assert again.quarantined == report.quarantined


def spoil_image(pack: Path, copy: Path, row: int) -> Path:
    """Return a copy of a pack of which one picture is cut short."""
    shutil.copytree(pack, copy)
    [path] = (copy / "images").glob("*.parquet")
    table = pa.Table.from_batches(iter_batches(path, PACK_IMAGES))
    pictures = table["png"].to_pylist()
    pictures[row] = pictures[row][:100]
    place = table.schema.get_field_index("png")
    write_table(path, table.set_column(place, PACK_IMAGES.field("png"), [pictures]))
    return copy


def test_a_device_check_that_changes_fails_the_run_and_is_refused_by_the_board(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(request(phantom_pack, tmp_path / "steady", check_device=True))
    [note] = json.loads((tmp_path / "steady/run.json").read_text())["device_checks"]
    assert note["before"] == note["after"]
    assert note["rows"] > 10
    asked = sum(len(item.references) for item in open_pack(phantom_pack).iter_items()) * 5

    monkeypatch.setenv("TROUBLED_DRIFT", str(asked))
    with pytest.raises(DeviceError, match="other masks at the end than at the start"):
        run(request(phantom_pack, tmp_path / "drifting", check_device=True))

    with pytest.raises(InputError, match="device check of squares: changed during the run"):
        ingest([tmp_path / "drifting"], tmp_path / "board.duckdb")
    assert ingest([tmp_path / "steady"], tmp_path / "board.duckdb").runs == 1


@pytest.mark.parametrize(
    "error",
    [InputError("a", "b", "is wrong", got=1), UnknownNameError("a", "model", "x", ["y"])],
)
def test_errors_travel_between_processes(error: InputError) -> None:
    twin = pickle.loads(pickle.dumps(error))

    assert type(twin) is type(error)
    assert (str(twin), twin.where, twin.field) == (str(error), error.where, error.field)
