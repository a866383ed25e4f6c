from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from cosmos_board.core.errors import InputError, InUseError, StorageError
from cosmos_board.models.cards import KNOWN
from cosmos_board.models.weights.checkpoints import fetch_checkpoint, find_checkpoint
from cosmos_board.models.weights.download import download

CONTENT = np.random.default_rng(0).bytes(3_000_001)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves `CONTENT`, understands ranges, and can break off or refuse."""

    def __init__(self) -> None:
        self.break_after: list[int] = []
        """Bytes to send before breaking off, for the next requests."""

        self.status: int | None = None
        self.ranges_work = True
        self.asked: list[str | None] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}/weights.pth"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _make_handler(server: Server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                server.asked.append(asked)
                if server.status is not None:
                    self.send_error(server.status)
                    return
                start = 0
                if asked and server.ranges_work:
                    start = int(asked.removeprefix("bytes=").partition("-")[0])
                    if start > len(CONTENT):
                        self.send_error(416)
                        return
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(CONTENT) - start))
                self.end_headers()
                limit = server.break_after.pop(0) if server.break_after else len(CONTENT)
                self.wfile.write(CONTENT[start : start + limit])

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def test_a_file_arrives_whole_and_reports_its_progress(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []

    path = download(
        server.url,
        tmp_path / "new" / "weights.pth",
        sha256=SHA256,
        report=lambda done, total: seen.append((done, total)),
    )

    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert not path.with_name("weights.pth.part").exists()


def test_what_is_here_is_checked_and_not_fetched_again(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    target.write_bytes(CONTENT)
    download(server.url, target, sha256=SHA256)
    assert server.asked == []

    target.write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match="not the published one"):
        download(server.url, target, sha256=SHA256)


def test_a_broken_transfer_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.break_after = [1_000_000, 700_000]

    path = download(server.url, tmp_path / "weights.pth", sha256=SHA256)

    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000000-", "bytes=1700000-"]


def test_the_next_call_takes_up_what_an_earlier_one_left(server: Server, tmp_path: Path) -> None:
    server.break_after = [500_000, 0, 0, 0]
    target = tmp_path / "weights.pth"
    with pytest.raises(InputError, match=r"broke off \(got 500000 bytes"):
        download(server.url, target, sha256=SHA256)
    assert not target.exists()

    assert download(server.url, target, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=500000-"


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.ranges_work = False
    server.break_after = [1_000_000]

    assert download(server.url, tmp_path / "w.pth", sha256=SHA256).read_bytes() == CONTENT


def test_a_longer_leftover_of_another_file_is_dropped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w.pth.part").write_bytes(bytes(len(CONTENT) + 5))

    assert download(server.url, tmp_path / "w.pth", sha256=SHA256).read_bytes() == CONTENT


def test_a_wrong_hash_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"sha256.*want {'0' * 64}"):
        download(server.url, tmp_path / "w.pth", sha256="0" * 64)

    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_is_one_line(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status

    with pytest.raises(InputError, match=f"the server refuses .got {status}"):
        download(server.url, tmp_path / "w.pth", sha256=SHA256)


def test_nobody_at_the_address_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="broke off"):
        download("http://127.0.0.1:9/w.pth", tmp_path / "w.pth", sha256=None)


def test_a_full_disk_is_a_storage_error(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)

    with pytest.raises(StorageError, match="No space left on device"):
        download(server.url, tmp_path / "w.pth", sha256=SHA256)


def test_two_cannot_fetch_the_same_file(server: Server, tmp_path: Path) -> None:
    with FileLock(tmp_path / "w.pth.lock"), pytest.raises(InUseError, match="another process"):
        download(server.url, tmp_path / "w.pth", sha256=SHA256)


def test_fetched_weights_are_found_until_they_are_altered(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSMOS_BOARD_CACHE", str(tmp_path))
    monkeypatch.setattr(
        "cosmos_board.models.weights.checkpoints.CHECKPOINTS",
        {"mine": replace(KNOWN["sam-vit-b"], checkpoint=server.url, sha256=SHA256)},
    )

    path = fetch_checkpoint("mine")

    assert find_checkpoint("mine") == path
    path.write_bytes(CONTENT[1:])
    with pytest.raises(InputError, match="not the published one"):
        find_checkpoint("mine")
