"""Shards on another file system are those of the run folder, wherever they were made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.runner.engine.worker import Worker
from cosmos_board.runner.record.remote_store import RemoteStore
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.settings import Callbacks, SegmenterSpec, WorkerSettings
from tests.runner.object_store import serve_bucket
from tests.runner.test_run import SQUARES, digest, evaluate


@pytest.fixture(params=["disk", "s3"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty place for shards."""
    if request.param == "disk":
        yield str(tmp_path / "remote")
        return
    pytest.importorskip("moto", reason="no server that speaks the protocol of S3 is installed")
    with serve_bucket(f"bucket-{tmp_path.name.lower().replace('_', '-')}") as uri:
        yield uri


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that gets a line for every image that the model looks at."""
    log = tmp_path / "looks"
    monkeypatch.setenv("SQUARES_LOG", str(log))
    return log


@pytest.mark.parametrize(
    ("remote", "workers"),
    [
        ("disk", 1),
        ("s3", 2),
        pytest.param("disk", 2, marks=pytest.mark.slow),
        pytest.param("s3", 1, marks=pytest.mark.slow),
    ],
    indirect=["remote"],
)
def test_a_run_goes_on_in_another_folder_where_it_was_left(
    remote: str, workers: int, phantom_pack: Path, tmp_path: Path, looks: Path
) -> None:
    evaluate(phantom_pack, tmp_path / "alone")
    looks.unlink()
    for part in ("1/2", "2/2"):
        out = tmp_path / f"part-{part[0]}"
        evaluate(phantom_pack, out, remote=remote, share=part, workers=workers)
    seen = looks.read_text().split()

    report = evaluate(phantom_pack, tmp_path / "whole", remote=remote)

    assert report.evaluated == 0
    assert looks.read_text().split() == seen
    assert digest(tmp_path / "whole") == digest(tmp_path / "alone")


def test_what_was_done_without_a_remote_store_is_delivered_later(
    remote: str, phantom_pack: Path, tmp_path: Path
) -> None:
    evaluate(phantom_pack, tmp_path / "one")
    evaluate(phantom_pack, tmp_path / "one", remote=remote)

    report = evaluate(phantom_pack, tmp_path / "other", remote=remote)

    assert report.evaluated == 0
    assert digest(tmp_path / "other") == digest(tmp_path / "one")


def test_candidates_are_delivered_too(remote: str, phantom_pack: Path, tmp_path: Path) -> None:
    settings = {"save_masks": True, "prompts": ("box",)}
    evaluate(phantom_pack, tmp_path / "one", remote=remote, settings=settings)

    evaluate(phantom_pack, tmp_path / "other", remote=remote, settings=settings)

    files = {path.name: path.read_bytes() for path in tmp_path.glob("one/predictions/*")}
    assert files
    assert files == {path.name: path.read_bytes() for path in tmp_path.glob("other/predictions/*")}


@pytest.mark.parametrize("harm", ["cut off", "altered", "lost", "a sidecar of nonsense"])
def test_a_harmed_shard_is_made_anew(
    harm: str, phantom_pack: Path, tmp_path: Path, looks: Path
) -> None:
    place = tmp_path / "remote"
    evaluate(phantom_pack, tmp_path / "one", remote=str(place))
    victim = min(place.glob("scores/*.parquet"))
    content = victim.read_bytes()
    if harm == "cut off":
        victim.write_bytes(content[: len(content) // 2])
    elif harm == "altered":
        victim.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif harm == "lost":
        victim.unlink()
    else:
        victim.with_suffix(".json").write_bytes(b"[]")
    looks.unlink()

    report = evaluate(phantom_pack, tmp_path / "other", remote=str(place))

    assert report.evaluated == len(looks.read_text().split()) > 0
    assert digest(tmp_path / "other") == digest(tmp_path / "one")
    assert victim.read_bytes() == content


def test_a_remote_store_that_goes_away_loses_nothing_that_was_delivered(
    phantom_pack: Path, tmp_path: Path, looks: Path
) -> None:
    place, out = tmp_path / "remote", tmp_path / "run"
    evaluate(phantom_pack, tmp_path / "alone")
    looks.unlink()

    def take_away(references: int) -> None:
        if place.exists() and len(list(place.glob("scores/*.json"))) >= 2:
            shutil.move(place, tmp_path / "away")
            place.write_text("no folder")

    with pytest.raises(StorageError, match="write"):
        evaluate(phantom_pack, out, remote=str(place), callbacks=Callbacks(on_image=take_away))
    place.unlink()
    shutil.move(tmp_path / "away", place)
    report = evaluate(phantom_pack, tmp_path / "elsewhere", remote=str(place))

    assert 0 < report.evaluated < report.images
    assert digest(tmp_path / "elsewhere") == digest(tmp_path / "alone")


def test_a_machine_that_does_not_see_the_run_folder_says_so(
    phantom_pack: Path, tmp_path: Path
) -> None:
    spec, out = SegmenterSpec(name=SQUARES), tmp_path / "unseen"
    worker = Worker(WorkerSettings(spec, (phantom_pack,), RunSettings(), out))

    with pytest.raises(StorageError, match="the folder does not exist"):
        list(worker.run([Shard("0" * 16, 0, 1, phantom_pack)], Callbacks()))

    assert not out.exists()


@pytest.mark.parametrize("uri", ["remote", "nosuch://place", "", "s3:nothing"])
def test_what_is_no_file_system_is_refused(uri: str) -> None:
    with pytest.raises(InputError, match="--remote: is no Arrow file system"):
        RemoteStore(uri)


def test_keys_are_not_shown_where_the_store_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # else it tries for seconds
    uri = "s3://me:verysecret@bucket/run?endpoint_override=127.0.0.1:1&scheme=http&region=eu"

    with pytest.raises(StorageError) as raised:
        RemoteStore(uri)

    text = str(raised.value)
    assert text.startswith("s3://bucket/run: write: ")
    assert "verysecret" not in text
    assert "\n" not in text
