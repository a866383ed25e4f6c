from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmos_board.core.errors import InputError, InUseError, StoppedError, StorageError
from cosmos_board.downloads.fetch import LOCK, FetchOptions, fetch_files
from cosmos_board.downloads.files import Patience, RemoteFile
from cosmos_board.downloads.hosts import MOST_CONNECTIONS
from cosmos_board.downloads.record import NAME
from tests.downloads.server import Server, sha256

CONTENT = np.random.default_rng(1).bytes(1_000_003)
OTHER = np.random.default_rng(2).bytes(1_000_003)
QUICK = FetchOptions(patience=Patience(attempts=3, first_wait_s=0.01, stall_s=0.5))


def remote(*urls: str, path: str = "a.bin", **known: Any) -> RemoteFile:  # noqa: ANN401
    return RemoteFile(path=path, urls=urls, private=True, **known)


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("member", content)
    return buffer.getvalue()


def tarred(content: bytes, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("member")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def visible(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {NAME, LOCK}
    }


def test_several_files_arrive_in_their_folders_and_are_recorded(
    server: Server, tmp_path: Path
) -> None:
    contents = {f"part{n}/{n}.bin": bytes([n]) * (n * 1000 + 1) for n in range(7)}
    files = [remote(server.serve(path, content), path=path) for path, content in contents.items()]

    missing = fetch_files(files, tmp_path, QUICK)

    assert missing == []
    assert visible(tmp_path) == set(contents)
    assert all((tmp_path / path).read_bytes() == content for path, content in contents.items())
    recorded = json.loads((tmp_path / NAME).read_text())["files"]
    assert {path: facts["sha256"] for path, facts in recorded.items()} == {
        path: sha256(content) for path, content in contents.items()
    }


def test_what_is_here_is_neither_asked_for_nor_hashed_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = remote(server.serve("a.bin", CONTENT))
    fetch_files([file], tmp_path, QUICK)
    server.asked.clear()
    monkeypatch.setattr("cosmos_board.downloads.record.check_content", None)

    assert fetch_files([file], tmp_path, QUICK) == []
    assert server.asked == []


def test_a_host_sees_few_connections_and_who_asks(server: Server, tmp_path: Path) -> None:
    files = [
        remote(server.serve(f"{n}", CONTENT[: 300_000 + n], chunk_s=0.02), path=f"{n}")
        for n in range(8)
    ]

    fetch_files(files, tmp_path, QUICK)

    assert server.most_at_once == MOST_CONNECTIONS
    assert {agent.partition("/")[0] for agent in server.agents} == {"cosmos-board"}


@pytest.mark.parametrize(
    "known", [{"sha256": "0" * 64}, {"md5": "0" * 32}, {"size_bytes": 17}], ids=str
)
def test_what_is_not_the_published_file_is_refused_and_leaves_nothing(
    known: dict[str, Any], server: Server, tmp_path: Path
) -> None:
    file = remote(server.serve("a.bin", CONTENT), **known)

    with pytest.raises(InputError, match="is not the published one"):
        fetch_files([file], tmp_path, QUICK)

    assert visible(tmp_path) == set()


def test_the_next_address_is_tried_and_the_good_files_are_kept(
    server: Server, tmp_path: Path
) -> None:
    good = server.serve("good", CONTENT)
    bad = server.serve("bad", OTHER)
    files = [
        remote(f"{server.url}/gone", bad, good, path="mirrored", sha256=sha256(CONTENT)),
        remote(f"{server.url}/gone", path="lost"),
        remote(good, path="plain"),
    ]

    with pytest.raises(InputError, match=r"gone: the server refuses .got 404"):
        fetch_files(files, tmp_path, QUICK)

    assert visible(tmp_path) == {"mirrored", "plain"}
    assert (tmp_path / "mirrored").read_bytes() == CONTENT


def test_another_file_than_the_one_first_seen_is_refused_with_both_sums(
    server: Server, tmp_path: Path
) -> None:
    file = remote(server.serve("a.bin", CONTENT))
    fetch_files([file], tmp_path, QUICK)
    (tmp_path / "a.bin").unlink()
    server.serve("a.bin", OTHER)

    with pytest.raises(InputError, match=f"got {sha256(OTHER)}, want {sha256(CONTENT)}"):
        fetch_files([file], tmp_path, QUICK)
    assert visible(tmp_path) == set()

    (tmp_path / "a.bin").write_bytes(OTHER)
    with pytest.raises(InputError, match=f"got {sha256(OTHER)}, want {sha256(CONTENT)}"):
        fetch_files([file], tmp_path, QUICK)


def test_an_archive_that_is_made_on_request_may_differ(server: Server, tmp_path: Path) -> None:
    file = remote(server.serve("a.zip", zipped(b"1"), tag='"1"'), path="a.zip", varies=True)
    fetch_files([file], tmp_path, QUICK)
    (tmp_path / "a.zip").unlink()
    server.serve("a.zip", zipped(b"2"))

    assert fetch_files([file], tmp_path, QUICK) == []


def test_what_only_a_person_may_fetch_is_returned_and_checked_once_it_is_there(
    tmp_path: Path,
) -> None:
    file = remote(path="by-hand.bin", sha256=sha256(CONTENT))
    assert fetch_files([file], tmp_path, QUICK) == [file]

    (tmp_path / "by-hand.bin").write_bytes(CONTENT[1:])
    with pytest.raises(InputError, match=r"by-hand\.bin: sha256: is not the published one"):
        fetch_files([file], tmp_path, QUICK)

    (tmp_path / "by-hand.bin").write_bytes(CONTENT)
    assert fetch_files([file], tmp_path, QUICK) == []


@pytest.mark.parametrize("known", [{}, {"sha256": sha256(OTHER)}], ids=["unpinned", "pinned"])
@pytest.mark.parametrize("tag", ["", '"new"', 'W/"new"'])
def test_a_file_that_changed_meanwhile_starts_over(
    tag: str, known: dict[str, Any], server: Server, tmp_path: Path
) -> None:
    """Without a tag and a sum nothing tells the two apart but their length."""
    old = CONTENT if tag or known else CONTENT[:-1]
    url = server.serve("a.bin", old, tag=tag and tag.replace("new", "old"))
    server.files["a.bin"].break_after = [400_000, 0, 0, 0]
    with pytest.raises(InputError, match=r"broke off .got 400000 bytes"):
        fetch_files([remote(url, **known)], tmp_path, QUICK)
    server.serve("a.bin", OTHER, tag=tag)

    fetch_files([remote(url, **known)], tmp_path, QUICK)

    assert (tmp_path / "a.bin").read_bytes() == OTHER


def test_a_connection_without_bytes_is_given_up_and_taken_up(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("a.bin", CONTENT, tag='"1"', stall_s=3.0)
    began_s = time.monotonic()

    fetch_files([remote(url)], tmp_path, QUICK)

    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.ranges("a.bin") == [None, "bytes=500001-"]
    assert time.monotonic() - began_s < 2.5


def test_a_wrong_published_sum_costs_no_third_download(server: Server, tmp_path: Path) -> None:
    url = server.serve("a.bin", CONTENT, break_after=[400_000] + [len(CONTENT), 300_000] * 2)

    with pytest.raises(InputError, match="sha256: is not the published one"):
        fetch_files([remote(url, sha256="0" * 64)], tmp_path, QUICK)

    assert [asked for asked in server.ranges("a.bin") if asked is None] == [None, None]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_the_time_that_it_names(
    status: int, server: Server, tmp_path: Path
) -> None:
    url = server.serve("a.bin", CONTENT)
    server.files["a.bin"].answers = [(status, {"Retry-After": "1"})]
    said: list[str] = []
    began_s = time.monotonic()

    fetch_files(
        [remote(url, size_bytes=len(CONTENT))],
        tmp_path,
        FetchOptions(patience=QUICK.patience, say=said.append),
    )

    assert time.monotonic() - began_s >= 1
    assert len(said) == 1
    assert f"the server is busy ({status}), waiting 1 s" in said[0]


def test_a_server_that_stays_busy_is_given_up_and_so_is_one_that_asks_for_hours(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("a.bin", CONTENT)
    server.files["a.bin"].answers = [(503, {})] * 3
    with pytest.raises(InputError, match=r"got 0 bytes, then the server is busy .503"):
        fetch_files([remote(url)], tmp_path, QUICK)

    server.files["a.bin"].answers = [(429, {"Retry-After": "7200"})]
    with pytest.raises(InputError, match="asks to wait 7200 s"):
        fetch_files([remote(url)], tmp_path, QUICK)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.zip", zipped(CONTENT)),
        ("a.tar", tarred(CONTENT)),
        ("a.tar.gz", tarred(CONTENT, "w:gz")),
        ("a.tar.xz", tarred(CONTENT, "w:xz")),
        ("a.nii.gz", gzip.compress((348).to_bytes(4, "little") + CONTENT)),
        ("a.tif", b"II*\0" + (900).to_bytes(4, "little") + bytes(1000)),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(6) + (1000).to_bytes(8, "little") + bytes(2000)),
    ],
)
def test_a_cut_file_is_refused_though_its_length_is_what_the_server_says(
    path: str, content: bytes, server: Server, tmp_path: Path
) -> None:
    url = server.serve(path, content[: len(content) // 2])

    with pytest.raises(InputError, match="is no"):
        fetch_files([remote(url, path=path)], tmp_path, QUICK)
    assert visible(tmp_path) == set()

    server.serve(path, content)
    fetch_files([remote(url, path=path)], tmp_path, QUICK)
    assert (tmp_path / path).read_bytes() == content


@pytest.mark.parametrize(
    "path",
    [
        "a.zip",
        "a.tar",
        "a.tar.gz",
        "a.7z",
        "a.rar",
        "a.tif",
        "a.png",
        "a.jpg",
        "a.h5",
        "a.nii",
        "a.nii.gz",
        "a.nrrd",
    ],
)
@pytest.mark.parametrize("content", [b"", b"no such file" * 100], ids=["empty", "garbage"])
def test_what_is_not_what_its_ending_says_is_refused_on_first_sight(
    path: str, content: bytes, server: Server, tmp_path: Path
) -> None:
    url = server.serve(path, gzip.compress(content) if content and path.endswith("gz") else content)

    with pytest.raises(InputError, match=r"the file is empty|is no |is no whole"):
        fetch_files([remote(url, path=path)], tmp_path, QUICK)
    (tmp_path / path).write_bytes(content)  # and so if a person put it there
    with pytest.raises(InputError, match=r"the file is empty|is no |is no whole"):
        fetch_files([remote(path=path)], tmp_path, QUICK)

    assert not (tmp_path / NAME).exists()


def test_a_tar_that_ends_after_a_member_is_cut(server: Server, tmp_path: Path) -> None:
    whole = tarred(CONTENT)
    members = whole[: whole.rindex(CONTENT[-9:]) + 9]
    url = server.serve("a.tar", members + bytes(-len(members) % 512))

    with pytest.raises(InputError, match="its end is missing"):
        fetch_files([remote(url, path="a.tar")], tmp_path, QUICK)


def test_a_web_page_is_not_taken_for_the_file(server: Server, tmp_path: Path) -> None:
    url = server.serve("a.bin", b"<html>Too many downloads", media_type="text/html; charset=utf-8")

    with pytest.raises(InputError, match="sends a web page instead of the file"):
        fetch_files([remote(url)], tmp_path, QUICK)


def test_an_answer_that_is_no_error_and_no_file_either_is_refused(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("a.bin", CONTENT, answers=[(202, {"x-challenge": "are you a person?"})])

    with pytest.raises(InputError, match=r"the server gives no file .got 202, want 200"):
        fetch_files([remote(url)], tmp_path, QUICK)


def test_a_server_that_promises_more_than_it_sends_is_given_up(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("a.bin", CONTENT, claims_length=len(CONTENT) + 5, ranges_work=False)

    with pytest.raises(InputError, match=r"broke off .*the connection closed early"):
        fetch_files([remote(url, size_bytes=len(CONTENT) + 5)], tmp_path, QUICK)


@pytest.mark.parametrize("known", [{}, {"sha256": sha256(OTHER)}], ids=["unpinned", "pinned"])
def test_the_same_bytes_again_are_no_progress_and_the_next_address_is_tried(
    known: dict[str, Any], server: Server, tmp_path: Path
) -> None:
    """It promises more than it sends and has no more: each new start would fetch it whole."""
    wrong = server.serve("wrong", CONTENT, claims_length=len(CONTENT) + 5)
    right = server.serve("right", OTHER)

    fetch_files([remote(wrong, right, **known)], tmp_path, QUICK)

    assert (tmp_path / "a.bin").read_bytes() == OTHER
    end = f"bytes={len(CONTENT)}-"
    assert server.ranges("wrong") == [None, end, None, end]  # the first brings something


def test_a_broken_server_without_ranges_is_given_up_though_its_answers_differ_in_length(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("a.bin", CONTENT, ranges_work=False)
    server.files["a.bin"].break_after = [400_000, 500_000] * 9

    with pytest.raises(InputError, match="broke off"):
        fetch_files([remote(url)], tmp_path, QUICK)

    assert len(server.ranges("a.bin")) == 2 + QUICK.patience.attempts


@pytest.mark.parametrize("ranges_work", [True, False])
def test_what_has_the_published_sum_is_whole_whatever_length_was_promised(
    ranges_work: bool, server: Server, tmp_path: Path
) -> None:
    promised = len(CONTENT) + 5
    url = server.serve("a.bin", CONTENT, claims_length=promised, ranges_work=ranges_work)

    fetch_files([remote(url, sha256=sha256(CONTENT))], tmp_path, QUICK)

    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.ranges("a.bin") == [None, f"bytes={len(CONTENT)}-"]


def test_a_server_that_names_no_length_is_believed_up_to_the_published_size(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("a.bin", CONTENT, says_length=False)
    fetch_files([remote(url)], tmp_path / "any", QUICK)
    assert (tmp_path / "any" / "a.bin").read_bytes() == CONTENT

    with pytest.raises(InputError, match="is more than published"):
        fetch_files([remote(url, size_bytes=1000)], tmp_path / "small", QUICK)


def test_a_redirect_is_followed_and_resumed_behind_it(server: Server, tmp_path: Path) -> None:
    url = server.serve("real", CONTENT, tag='"1"', break_after=[300_000])
    server.serve("a.bin", b"", answers=[(302, {"Location": url})] * 2)

    fetch_files([remote(f"{server.url}/a.bin", size_bytes=len(CONTENT))], tmp_path, QUICK)

    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.ranges("real") == [None, "bytes=300000-"]


def test_private_hosts_are_asked_only_where_a_user_named_them(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("a.bin", CONTENT)

    with pytest.raises(InputError, match=r"host of a private network .127\.0\.0\.1"):
        fetch_files([RemoteFile(path="a.bin", urls=(url,))], tmp_path, QUICK)

    assert server.asked == []


def test_a_disk_that_is_too_small_is_found_before_the_download(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [remote(server.serve(f"{n}", CONTENT), path=f"{n}") for n in range(3)]
    usage = shutil.disk_usage(tmp_path)._replace(free=2_500_000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)

    with pytest.raises(StorageError, match=r"has 2\.5 MB free and the download needs 3\.0 MB more"):
        fetch_files(files, tmp_path, QUICK)

    assert {method for method, _, _ in server.asked} == {"HEAD"}


def test_two_cannot_fetch_into_one_folder(tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK), pytest.raises(InUseError, match="another process"):
        fetch_files([], tmp_path, QUICK)


def stopping_at(done_bytes: int) -> tuple[threading.Event, Callable[[str, int, int | None], None]]:
    stopped = threading.Event()

    def report(path: str, done: int, total: int | None) -> None:
        if done >= done_bytes:
            stopped.set()

    return stopped, report


@given(stops=st.lists(st.integers(1, len(CONTENT) - 1), min_size=1, max_size=4))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_however_often_it_is_stopped_the_file_is_the_same_and_never_starts_over(
    stops: list[int], server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stops")
    url = server.serve("a.bin", CONTENT, tag='"1"')
    server.asked.clear()
    for stop in sorted(stops):
        server.files["a.bin"].break_after = [stop // 2]
        stopped, report = stopping_at(stop)
        with pytest.raises(StoppedError):
            fetch_files(
                [remote(url)],
                folder,
                FetchOptions(patience=QUICK.patience, stopped=stopped, report=report),
            )

    fetch_files([remote(url)], folder, QUICK)

    assert (folder / "a.bin").read_bytes() == CONTENT
    starts = [int(asked[6:-1]) if asked else 0 for asked in server.ranges("a.bin")]
    assert starts == sorted(starts)


def test_a_stop_ends_a_wait_that_a_server_asked_for(server: Server, tmp_path: Path) -> None:
    url = server.serve("a.bin", CONTENT)
    server.files["a.bin"].answers = [(503, {"Retry-After": "60"})]
    stopped = threading.Event()
    threading.Timer(0.5, stopped.set).start()
    began_s = time.monotonic()

    with pytest.raises(StoppedError):
        fetch_files([remote(url)], tmp_path, FetchOptions(stopped=stopped))

    assert time.monotonic() - began_s < 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}', '{"schema_version": 9}'])
def test_a_damaged_record_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(text)

    with pytest.raises(InputError, match=r"\.fetched\.json: (is damaged|schema_version: is newer)"):
        fetch_files([], tmp_path, QUICK)
