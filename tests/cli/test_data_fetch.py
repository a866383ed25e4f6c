"""`data fetch` downloads, checks, resumes after kills, says what is done by hand, and imports."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.cli.calls import PROGRAM
from tests.downloads.server import Server, sha256

NAMES = ("training.tif", "training_groundtruth.tif", "testing.tif", "testing_groundtruth.tif")


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def make_stacks(folder: Path) -> dict[str, bytes]:
    """Return a miniature of EPFL's stacks: two slices a part, a mitochondrion in each."""
    random_state = np.random.default_rng(0)
    contents = {}
    for name in NAMES:
        stack = random_state.integers(0, 256, (2, 300, 400), dtype=np.uint8)
        if "groundtruth" in name:
            stack[:] = 0
            stack[:, 50:120, 60:150] = 255
        tifffile.imwrite(folder / name, stack, photometric="minisblack")
        contents[name] = (folder / name).read_bytes()
    return contents


def write_addresses(path: Path, server: Server, contents: dict[str, bytes], **how: object) -> Path:
    rows = "".join(
        f'{{ path = "{name}", urls = ["{server.serve(name, content, tag=repr(name), **how)}"], '
        f'sha256 = "{sha256(content)}" }}, '
        for name, content in contents.items()
    )
    path.write_text(f'[epfl-em]\nsource = "a replica"\nfiles = [{rows}]')
    return path


def start(*arguments: object, addresses: Path | None = None) -> subprocess.Popen[str]:
    environment = dict(os.environ)
    if addresses is not None:
        environment["COSMOS_BOARD_ADDRESSES"] = str(addresses)
    return subprocess.Popen(
        [PROGRAM, "data", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def call(*arguments: object, addresses: Path | None = None) -> tuple[int, str, str]:
    process = start(*arguments, addresses=addresses)
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def count_bytes(folder: Path) -> int:
    """Return the bytes of data in a folder, whole or in part."""
    total = 0
    for path in (*folder.glob("*.tif"), *folder.glob(".*.partial")):
        with suppress(FileNotFoundError):  # it was just given its name
            total += path.stat().st_size
    return total


def test_a_dataset_is_fetched_checked_and_imported_by_one_command(
    server: Server, tmp_path: Path
) -> None:
    contents = make_stacks(tmp_path)
    addresses = write_addresses(tmp_path / "mine.toml", server, contents)
    out, packs = tmp_path / "raw", tmp_path / "packs"

    code, output, errors = call(
        "fetch", "epfl-em", "--out", out, "--import", "--packs", packs, addresses=addresses
    )

    assert code == 0, errors
    assert "4 of 4 files, 1.0 MB; 4 checked against published sums" in output
    assert "4 images, 4 references" in output
    assert "licence: free for research" in errors
    (listed,) = [
        one
        for one in json.loads(call("list", "--packs", packs, "--json")[1])
        if one["name"] == "epfl-em"
    ]
    assert listed["pack"] == str(packs / "epfl-em")
    assert listed["download"]["fetching"] == "all"


@pytest.mark.parametrize(("word", "code"), [(signal.SIGTERM, 75), (signal.SIGKILL, -9)], ids=str)
def test_killed_at_any_moment_the_same_command_goes_on_to_the_same_bytes(
    word: signal.Signals, code: int, server: Server, tmp_path: Path
) -> None:
    contents = make_stacks(tmp_path)
    addresses = write_addresses(tmp_path / "mine.toml", server, contents, chunk_s=0.3)
    raw = tmp_path / "raw"
    arguments = ("fetch", "epfl-em", "--out", raw)
    delays = random.Random(0)
    codes, stop_s = [], []
    for _ in range(3):
        before = count_bytes(raw)
        process = start(*arguments, addresses=addresses)
        while count_bytes(raw) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(delays.uniform(0, 0.2))
        began_s = time.monotonic()
        process.send_signal(word)
        _, errors = process.communicate(timeout=60)
        stop_s.append(time.monotonic() - began_s)
        codes.append(process.returncode)
        assert "Traceback" not in errors

    finished, _, errors = call(*arguments, addresses=addresses)

    assert codes == [code] * 3
    assert max(stop_s) < 5
    assert finished == 0, errors
    assert {name: (raw / name).read_bytes() for name in NAMES} == contents
    assert not list(raw.glob(".*.partial*"))
    assert any(asked for name in NAMES for asked in server.ranges(name))


def test_a_part_of_a_dataset_is_fetched_alone(server: Server, tmp_path: Path) -> None:
    addresses = write_addresses(tmp_path / "mine.toml", server, make_stacks(tmp_path))
    out = tmp_path / "raw"

    code, output, _ = call(
        "fetch", "epfl-em", "--out", out, "--only", "training*", addresses=addresses
    )
    assert (code, output.count("2 of 2 files")) == (0, 1)
    assert {path.name for path in out.glob("*.tif")} == {*NAMES[:2]}

    code, _, errors = call("fetch", "epfl-em", "--out", out, "--only", "x*", addresses=addresses)
    assert code == 1
    assert errors.startswith("--only: fits no file (got x*, want training.tif")


def test_a_gated_dataset_says_where_to_go_and_checks_what_was_put(tmp_path: Path) -> None:
    out = tmp_path / "raw"
    code, output, errors = call("fetch", "tn-scui-2020", "--out", out)

    assert code == 1
    assert "where: https://" in output
    assert f"put into {out}:" in output
    assert errors.strip().splitlines() == [f"{out}: holds nothing yet (want what is said above)"]

    out.mkdir()
    (out / "readme.txt").write_text("nothing")
    assert call("fetch", "tn-scui-2020", "--out", out)[0] == 1

    picture = np.full((80, 90), 7, np.uint8)
    for folder in ("image", "mask"):
        (out / folder).mkdir()
        tifffile.imwrite(out / folder / "1.tif", picture)
        (out / folder / "1.PNG").write_bytes(_encode_png(picture))
    code, output, errors = call("fetch", "tn-scui-2020", "--out", out)
    assert code == 0, errors


def _encode_png(picture: np.ndarray) -> bytes:
    from cosmos_board.data.pack.png import encode_png

    return encode_png(picture)


def test_a_file_that_a_person_must_put_is_named_until_it_is_there(tmp_path: Path) -> None:
    addresses = tmp_path / "mine.toml"
    addresses.write_text(
        '[word]\nsource = "us"\nby_hand = "Ask us."\n'
        f'files = [{{ path = "a.zip", urls = [], md5 = "{"0" * 32}" }}]'
    )
    out = tmp_path / "raw"

    code, output, errors = call("fetch", "word", "--out", out, addresses=addresses)
    assert code == 1
    assert "how: Ask us." in output
    assert f"{out}: a.zip: is not here yet" in errors

    (out / "a.zip").write_bytes(b"another")
    code, _, errors = call("fetch", "word", "--out", out, addresses=addresses)
    assert code == 1
    assert "a.zip: md5: is not the published one" in errors


def test_the_list_tells_what_is_fetched_its_size_and_what_is_at_hand(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pack.json").write_text('{"name": "kvasir-seg"}')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pack.json").write_text("{")

    code, output, _ = call("list", "--packs", tmp_path)

    assert code == 0
    rows = {line.split()[0]: line for line in output.splitlines()}
    assert "46 MB" in rows["kvasir-seg"]
    assert "by hand" in rows["mnms"]
    assert "in part" in rows["word"]
