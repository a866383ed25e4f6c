from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from cosmos_board.core.errors import InputError, InUseError, StorageError
from cosmos_board.downloads import single, web
from cosmos_board.downloads.files import Patience
from cosmos_board.models.cards import KNOWN
from cosmos_board.models.weights.checkpoints import fetch_checkpoint, find_checkpoint
from tests.downloads.server import Server, sha256

CONTENT = np.random.default_rng(0).bytes(3_000_001)
SHA256 = sha256(CONTENT)
QUICK = Patience(attempts=3, first_wait_s=0.01, stall_s=5)
download = partial(single.download, patience=QUICK, private=True)


@pytest.fixture
def url(server: Server) -> str:
    return server.serve("weights.pth", CONTENT)


def test_a_file_arrives_whole_and_reports_its_progress(
    server: Server, url: str, tmp_path: Path
) -> None:
    seen: list[tuple[int, int | None]] = []

    path = download(
        url,
        tmp_path / "new" / "weights.pth",
        sha256=SHA256,
        report=lambda done, total: seen.append((done, total)),
    )

    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert not path.with_name(".weights.pth.partial").exists()


def test_what_is_here_is_checked_and_not_fetched_again(
    server: Server, url: str, tmp_path: Path
) -> None:
    target = tmp_path / "weights.pth"
    target.write_bytes(CONTENT)
    download(url, target, sha256=SHA256)
    assert server.asked == []

    target.write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match="not the published one"):
        download(url, target, sha256=SHA256)


def test_a_broken_transfer_goes_on_where_it_stopped(
    server: Server, url: str, tmp_path: Path
) -> None:
    server.files["weights.pth"].break_after = [1_000_000, 700_000]

    path = download(url, tmp_path / "weights.pth", sha256=SHA256)

    assert path.read_bytes() == CONTENT
    assert server.ranges("weights.pth") == [None, "bytes=1000000-", "bytes=1700000-"]


def test_the_next_call_takes_up_what_an_earlier_one_left(
    server: Server, url: str, tmp_path: Path
) -> None:
    server.files["weights.pth"].break_after = [500_000, 0, 0, 0]
    target = tmp_path / "weights.pth"
    with pytest.raises(InputError, match=r"broke off \(got 500000 bytes"):
        download(url, target, sha256=SHA256)
    assert not target.exists()

    assert download(url, target, sha256=SHA256).read_bytes() == CONTENT
    assert server.ranges("weights.pth")[-1] == "bytes=500000-"


def test_a_server_without_ranges_starts_over(server: Server, url: str, tmp_path: Path) -> None:
    server.files["weights.pth"].ranges_work = False
    server.files["weights.pth"].break_after = [1_000_000]

    assert download(url, tmp_path / "w.pth", sha256=SHA256).read_bytes() == CONTENT


def test_a_longer_leftover_of_another_file_is_dropped(
    server: Server, url: str, tmp_path: Path
) -> None:
    (tmp_path / ".w.pth.partial").write_bytes(bytes(len(CONTENT) + 5))
    facts = {"url": url, "mark": "", "total": None}
    (tmp_path / ".w.pth.partial.json").write_text(json.dumps(facts))

    assert download(url, tmp_path / "w.pth", sha256=SHA256).read_bytes() == CONTENT


def test_a_wrong_hash_leaves_nothing_behind(server: Server, url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"sha256.*want {'0' * 64}"):
        download(url, tmp_path / "w.pth", sha256="0" * 64)

    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_is_one_line(server: Server, url: str, tmp_path: Path, status: int) -> None:
    server.files["weights.pth"].answers = [(status, {})]

    with pytest.raises(InputError, match=f"the server refuses .got {status}"):
        download(url, tmp_path / "w.pth", sha256=SHA256)


def test_nobody_at_the_address_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="broke off"):
        download("http://127.0.0.1:9/w.pth", tmp_path / "w.pth", sha256=None)


def test_a_full_disk_is_a_storage_error(
    server: Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)

    with pytest.raises(StorageError, match="no space left on the disk"):
        download(url, tmp_path / "w.pth", sha256=SHA256)


def test_two_cannot_fetch_the_same_file(server: Server, url: str, tmp_path: Path) -> None:
    with FileLock(tmp_path / "w.pth.lock"), pytest.raises(InUseError, match="another process"):
        download(url, tmp_path / "w.pth", sha256=SHA256)


def test_fetched_weights_are_found_until_they_are_altered(
    server: Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSMOS_BOARD_CACHE", str(tmp_path))
    monkeypatch.setattr(web, "_check_peer", lambda connection: None)
    monkeypatch.setattr(
        "cosmos_board.models.weights.checkpoints.CHECKPOINTS",
        {"mine": replace(KNOWN["sam-vit-b"], checkpoint=url, sha256=SHA256)},
    )

    path = fetch_checkpoint("mine")

    assert find_checkpoint("mine") == path
    path.write_bytes(CONTENT[1:])
    with pytest.raises(InputError, match="not the published one"):
        find_checkpoint("mine")
