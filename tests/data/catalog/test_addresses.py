from __future__ import annotations

import re
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.catalog.addresses import load_downloads, parse_downloads, read_downloads
from cosmos_board.data.catalog.load import load_catalog

DOWNLOADS = load_downloads()


def test_downloads_are_of_datasets_of_the_study() -> None:
    assert set(DOWNLOADS) <= {dataset.name for dataset in load_catalog().cosmos}


def test_thirty_datasets_and_more_are_downloaded_whole_or_in_part() -> None:
    fetched = [name for name, one in DOWNLOADS.items() if one.fetching != "by hand"]

    assert len(fetched) == 34
    assert sum(DOWNLOADS[name].fetching == "all" for name in fetched) == 28


def test_every_download_says_who_states_it_and_addresses_are_used_once() -> None:
    addresses = [url for one in DOWNLOADS.values() for file in one.files for url in file.urls]
    images = "hf://datasets/neheller/KiTS-Challenge-Imaging"  # of kits19 and kits21
    single = [url for url in addresses if not url.startswith(images)]

    assert all(one.source for one in DOWNLOADS.values())
    assert len(single) == len(set(single))
    assert all(not file.private for one in DOWNLOADS.values() for file in one.files)


def test_a_range_of_numbers_is_a_file_for_each() -> None:
    files = DOWNLOADS["kits19"].files

    assert len(files) == 2 * 210
    assert files[209].path == "data/case_00209/imaging.nii.gz"
    assert files[209].urls[0].endswith("/images/case_00209.nii.gz")


def test_the_size_of_a_whole_is_the_sum_of_its_files_or_what_the_source_says() -> None:
    assert DOWNLOADS["epfl-em"].size_bytes == 4 * 129919357
    assert DOWNLOADS["chaos"].size_bytes == 890_800_000
    assert DOWNLOADS["acdc"].size_bytes is None


def test_hosts_of_a_users_own_file_may_be_private(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[acdc]\nsource = "us"\nfiles = [{ path = "a.zip", urls = ["http://10.0.0.1/a.zip"] }]'
    )

    (file,) = read_downloads(path)["acdc"].files

    assert file.private


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('path = "../a", urls = []', r"path: is no path below the folder .got '\.\./a'"),
        ('path = "/a", urls = []', "path: is no path"),
        ('path = "a/.b", urls = []', "path: is no path"),
        ("path = 3, urls = []", "path: is no path"),
        ('path = "a", urls = ["b"]', "urls: is no address .got 'b'"),
        ('path = "a", urls = [], sha256 = "AB"', "sha256: is no sha256"),
        ('path = "a", urls = [], md5 = "12"', "md5: is no md5"),
        ('path = "a", urls = [], size = 3', "size: is unknown"),
        ('path = "a", urls = [], size_bytes = 0', "size_bytes: "),
        ('path = "a{n}", urls = [], numbers = "1-3"', "numbers: is no range"),
        ('path = "a", urls = [], numbers = "1..3"', "numbers: are of many files"),
        (f'path = "a", urls = [], varies = true, md5 = "{"0" * 32}"', "varies: has no sum"),
        ('path = "a", urls = [] }, { path = "a", urls = []', "files: name a path twice .got a"),
    ],
)
def test_a_wrong_row_is_one_line_with_its_field(row: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"mine: acdc: (files\[0\]\.)?{message}"):
        parse_downloads(f'[acdc]\nsource = "us"\nfiles = [{{ {row} }}]', "mine")


@pytest.mark.parametrize("content", [b"[", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(content)

    with pytest.raises(InputError, match="is no TOML"):
        read_downloads(tmp_path / "a.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_downloads(tmp_path / "none.toml")


@pytest.mark.parametrize("page", ["docs/datasets.md", "zh/docs/datasets.md"])
def test_the_example_of_the_guide_is_a_file_of_addresses(page: str) -> None:
    text = (Path(__file__).parents[3] / "site" / page).read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)

    (file,) = parse_downloads(example, page)["kvasir-seg"].files

    assert len(file.urls) == 2
    assert file.sha256 == DOWNLOADS["kvasir-seg"].files[0].sha256
