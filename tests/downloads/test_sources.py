from __future__ import annotations

from pathlib import Path

import fsspec
import numpy as np
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.downloads.fetch import FetchOptions, fetch_files
from cosmos_board.downloads.files import Patience, RemoteFile
from cosmos_board.downloads.sources import find_web_address
from tests.downloads.server import Server

CONTENT = np.random.default_rng(3).bytes(500_009)
QUICK = FetchOptions(patience=Patience(attempts=2, first_wait_s=0.01, stall_s=2))


def test_an_address_of_the_hub_is_the_one_that_its_client_gives() -> None:
    assert (
        find_web_address("hf://datasets/owner/some.name/folder/a b.zip")
        == "https://huggingface.co/datasets/owner/some.name/resolve/main/folder/a%20b.zip"
    )
    assert (
        find_web_address("hf://datasets/owner/name@1a2b/a.zip")
        == "https://huggingface.co/datasets/owner/name/resolve/1a2b/a.zip"
    )


@pytest.mark.parametrize("url", ["hf://owner/model/a.zip", "hf://datasets/owner", "hf:x"])
def test_an_address_of_the_hub_that_is_none_is_one_line(url: str) -> None:
    with pytest.raises(InputError, match="is no file of a dataset on the hub"):
        find_web_address(url)


def test_a_file_comes_from_the_hub_that_the_client_is_set_to(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.serve("datasets/owner/name/resolve/main/a.bin", CONTENT, tag='"1"')
    monkeypatch.setattr("huggingface_hub.file_download.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        server.url + "/{repo_id}/resolve/{revision}/{filename}",
    )  # fmt: skip
    file = RemoteFile(path="a.bin", urls=("hf://datasets/owner/name/a.bin",), private=True)

    fetch_files([file], tmp_path, QUICK)

    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("begun", [0, 200_000], ids=["anew", "resumed"])
def test_what_fsspec_can_open_is_fetched_and_resumed(begun: int, tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    (bucket / "a.bin").write_bytes(CONTENT)
    file = RemoteFile(path="a.bin", urls=(f"local://{bucket}/a.bin",))
    mark = str(fsspec.filesystem("local").info(f"{bucket}/a.bin")["mtime"])
    out = tmp_path / "out"
    if begun:
        out.mkdir()
        (out / ".a.bin.partial").write_bytes(CONTENT[:begun])
        (out / ".a.bin.partial.json").write_text(
            f'{{"url": "{file.urls[0]}", "mark": "{mark}", "total": {len(CONTENT)}}}'
        )
    seen: list[int] = []
    options = FetchOptions(
        patience=QUICK.patience, report=lambda path, done, total: seen.append(done)
    )

    fetch_files([file], out, options)

    assert (out / "a.bin").read_bytes() == CONTENT
    assert min(seen) == begun


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nosuch://bucket/a.bin", "cannot be opened"),
        ("local:///nowhere/at/all.bin", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened_is_one_line(url: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=reason):
        fetch_files([RemoteFile(path="a.bin", urls=(url,))], tmp_path, QUICK)
