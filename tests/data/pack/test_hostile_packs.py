"""Packs made to break whoever opens them: each is a line of text and nothing more."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.pack import open_pack
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.pack.info import INFO_NAME, PackFile, dump_info, read_info
from cosmos_board.store.parquet import iter_rows, write_rows
from cosmos_board.store.schema import PACK_IMAGES, PACK_PROMPTS, PACK_REFERENCES
from tests.curation.units import build_discs

PART = "part-00000.parquet"


def make_png(height: int, width: int, depth: int = 8, colour: int = 0, extra: bytes = b"") -> bytes:
    """Return a small PNG file that claims to be a picture of this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + head + extra + body + chunk(b"IEND", b"")


def bomb_text() -> bytes:
    """Return a PNG chunk of 64 MiB of text in 64 KiB."""
    data = b"k\x00\x00" + zlib.compress(bytes(64 << 20), 9)
    return (
        struct.pack(">I", len(data))
        + b"zTXt"
        + data
        + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    )


def change_row(folder: str, schema: Any, change: dict[str, object]) -> Callable[[Path], None]:  # noqa: ANN401
    def apply(pack: Path) -> None:
        first, *others = iter_rows(pack / folder / PART, schema)
        write_rows(pack / folder / PART, schema, [{**first, **change}, *others])

    return apply


def claim(height: int, width: int, **how: Any) -> Callable[[Path], None]:  # noqa: ANN401
    change = {"height": height, "width": width, "png": make_png(height, width, **how)}
    return change_row("images", PACK_IMAGES, change)


def put_info(text: bytes) -> Callable[[Path], None]:
    def apply(pack: Path) -> None:
        (pack / INFO_NAME).write_bytes(text)

    return apply


def put(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    def apply(pack: Path) -> None:
        (pack / name).unlink()
        make(pack / name)

    return apply


def cut(pack: Path) -> None:
    os.truncate(pack / "images" / PART, 200)


def split_groups(pack: Path) -> None:
    rows = list(iter_rows(pack / "images" / PART, PACK_IMAGES))
    write_rows(pack / "images" / PART, PACK_IMAGES, rows, rows_per_group=1)


def repeat_image(pack: Path) -> None:
    rows = list(iter_rows(pack / "images" / PART, PACK_IMAGES))
    write_rows(pack / "images" / PART, PACK_IMAGES, [rows[0], *rows])


def climb_out(pack: Path) -> None:
    info = read_info(pack)
    outside = PackFile(path="../../../../../../etc/passwd", size_bytes=1, sha256="0")
    (pack / INFO_NAME).write_bytes(dump_info(replace(info, files=(*info.files, outside))))


INFO_CASES = {
    "no JSON": put_info(b"{"),
    "empty": put_info(b""),
    "binary": put_info(bytes(range(256))),
    "deep": put_info(b'{"a":' * 50_000),
    "not a number": put_info(b'{"schema_version": NaN}'),
    "version as text": put_info(b'{"schema_version": "1"}'),
    "version of a later day": put_info(b'{"schema_version": 99}'),
    "version as truth": put_info(b'{"schema_version": true}'),
    "huge number": put_info(b'{"schema_version": 1, "name": ' + b"9" * 5_000 + b"}"),
    "name that climbs": put_info(b'{"schema_version": 1, "name": "../x"}'),
    "too large": put(INFO_NAME, lambda path: path.write_bytes(b" " * (17 << 20))),
    "folder": put(INFO_NAME, lambda path: path.mkdir()),
    "device": put(INFO_NAME, lambda path: path.symlink_to("/dev/zero")),
    "pipe": put(INFO_NAME, os.mkfifo),
    "link to nowhere": put(INFO_NAME, lambda path: path.symlink_to("nowhere")),
}

READ_CASES = {
    "cut file": cut,
    "no Parquet": put(f"images/{PART}", lambda path: path.write_bytes(b"PAR1" * 50)),
    "empty file": put(f"images/{PART}", lambda path: path.touch()),
    "folder for a file": put(f"images/{PART}", lambda path: path.mkdir()),
    "pipe for a file": put(f"prompts/{PART}", os.mkfifo),
    "device for a file": put(f"references/{PART}", lambda path: path.symlink_to("/dev/zero")),
    "missing file": put(f"references/{PART}", lambda path: None),
    "table of another kind": put(
        f"prompts/{PART}", lambda path: write_rows(path, PACK_REFERENCES, [])
    ),
    "other row groups": split_groups,
    "picture of 10 gigapixels": claim(100_000, 100_000),
    "picture of 2 ** 30 rows": claim(2**30, 1),
    "picture without rows": claim(0, 0),
    "picture with few rows": claim(40, 40),
    "16-bit picture": claim(40, 40, depth=16),
    "palette picture": claim(40, 40, colour=3),
    "text bomb": claim(40, 40, extra=bomb_text()),
    "negative height": change_row("images", PACK_IMAGES, {"height": -40}),
    "lines in a name": change_row("images", PACK_IMAGES, {"image_id": "a\nb\x1b[31m"}),
    "run lengths for another size": change_row("references", PACK_REFERENCES, {"rle": b"PPYo0"}),
    "many run lengths": change_row("references", PACK_REFERENCES, {"rle": b"1" * 2_000_000}),
    "box of one number": change_row("prompts", PACK_PROMPTS, {"box": [1]}),
    "points without labels": change_row("prompts", PACK_PROMPTS, {"labels": []}),
    "unknown image": change_row("references", PACK_REFERENCES, {"image_id": "0" * 16}),
}

CHECK_CASES = {"image twice": repeat_image, "file that climbs out": climb_out}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_discs(tmp_path_factory.mktemp("packs") / "pack", range(2))


@pytest.fixture
def pack(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "pack"))


@pytest.mark.parametrize("name", INFO_CASES)
def test_a_hostile_pack_json_is_refused_in_one_line(pack: Path, name: str) -> None:
    INFO_CASES[name](pack)

    with pytest.raises(InputError) as caught:
        open_pack(pack)

    assert str(caught.value).count("\n") == 0
    assert check_pack(pack) == [str(caught.value)]


@pytest.mark.parametrize("name", [*READ_CASES, *CHECK_CASES])
def test_a_hostile_pack_is_a_few_lines_to_the_check(pack: Path, name: str) -> None:
    (READ_CASES | CHECK_CASES)[name](pack)

    problems = check_pack(pack)

    assert problems
    assert all(problem.isprintable() for problem in problems)


@pytest.mark.parametrize("name", READ_CASES)
def test_a_hostile_pack_ends_a_reader_with_our_error(pack: Path, name: str) -> None:
    READ_CASES[name](pack)

    with pytest.raises(InputError):
        list(open_pack(pack).iter_items())
