from __future__ import annotations

import hashlib
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.demo import wheels
from cosmos_board.data.demo.wheels import STARDIST, WHEELS, find_cache, read_sums, unpacked

NAME = "stardist-0.9.2-py3-none-any.whl"
MEMBERS = {"stardist/a.tif": b"picture", "stardist/b.tif": b"labels"}


@pytest.fixture(autouse=True)
def sums(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: hashlib.sha256(data).hexdigest() for name, data in MEMBERS.items()}
    monkeypatch.setattr(wheels, "read_sums", lambda prefix: known)


def write_wheel(path: Path, members: dict[str, bytes] = MEMBERS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
    """Stand in for pip: put `members` into the folder it is given, or fail."""

    def install(members: dict[str, bytes] | None) -> list[list[str]]:
        calls: list[list[str]] = []

        def run(command: list[str], **options: object) -> SimpleNamespace:
            calls.append(command)
            if members is None:
                return SimpleNamespace(returncode=1, stderr="WARNING: x\nERROR: no network\n")
            write_wheel(Path(command[command.index("--dest") + 1]) / NAME, members)
            return SimpleNamespace(returncode=0, stderr="")

        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return install


def read(cache: Path, folder: Path) -> dict[str, bytes]:
    with unpacked(STARDIST, cache, folder):
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


def test_a_wheel_is_fetched_once_and_only_what_is_used_is_unpacked(
    tmp_path: Path, pip: Callable[..., list[list[str]]]
) -> None:
    calls = pip({**MEMBERS, "stardist/code.py": b"never used"})

    assert read(tmp_path / "cache", tmp_path / "a") == MEMBERS
    assert read(tmp_path / "cache", tmp_path / "b") == MEMBERS
    assert len(calls) == 1
    assert {"download", "--no-deps", "--only-binary", ":all:", "stardist==0.9.2"} <= set(calls[0])


def test_a_cached_wheel_needs_no_network(
    tmp_path: Path, pip: Callable[..., list[list[str]]]
) -> None:
    write_wheel(tmp_path / "cache" / NAME)
    calls = pip(None)

    assert read(tmp_path / "cache", tmp_path / "a") == MEMBERS
    assert calls == []


@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_damaged_wheel_in_the_cache_is_fetched_anew(
    tmp_path: Path, pip: Callable[..., list[list[str]]], damage: str
) -> None:
    path = tmp_path / "cache" / NAME
    write_wheel(path, {**MEMBERS, "stardist/a.tif": b"another picture"})
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:60])
    pip(MEMBERS)

    assert read(tmp_path / "cache", tmp_path / "a") == MEMBERS


def test_a_download_with_other_bytes_is_refused_and_not_kept(
    tmp_path: Path, pip: Callable[..., list[list[str]]]
) -> None:
    pip({**MEMBERS, "stardist/a.tif": b"another picture"})

    with pytest.raises(InputError, match=r"stardist==0\.9\.2: wheel: stardist/a\.tif has another"):
        read(tmp_path / "cache", tmp_path / "a")

    assert not list((tmp_path / "cache").glob("*.whl"))


def test_a_failed_download_says_why_in_one_line(
    tmp_path: Path, pip: Callable[..., list[list[str]]]
) -> None:
    pip(None)

    with pytest.raises(InputError, match=r"download: failed and is not in .*: ERROR: no network$"):
        read(tmp_path / "cache", tmp_path / "a")


def test_a_package_without_a_wheel_for_this_python_is_taken_from_another(
    tmp_path: Path, pip: Callable[..., list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pip(MEMBERS)
    real = subprocess.run

    def run(command: list[str], **options: Any) -> Any:  # noqa: ANN401
        if "--python-version" in command:
            return real(command, **options)
        return SimpleNamespace(returncode=1, stderr="ERROR: No matching distribution\n")

    monkeypatch.setattr(subprocess, "run", run)

    assert read(tmp_path / "cache", tmp_path / "a") == MEMBERS


def test_what_an_interrupted_download_left_is_never_taken_for_a_wheel(
    tmp_path: Path, pip: Callable[..., list[list[str]]]
) -> None:
    write_wheel(tmp_path / "cache/.stardist-0.9.2.part" / NAME, {"stardist/a.tif": b"half"})
    calls = pip(MEMBERS)

    assert read(tmp_path / "cache", tmp_path / "a") == MEMBERS
    assert len(calls) == 1


def test_the_cache_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COSMOS_BOARD_CACHE", str(tmp_path))

    assert find_cache() == tmp_path


def test_every_member_used_belongs_to_one_wheel() -> None:
    names = read_sums()

    assert len(names) == 212
    assert sum(len(read_sums(wheel.prefix)) for wheel in WHEELS) == len(names)
