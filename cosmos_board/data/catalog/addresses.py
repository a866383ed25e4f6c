"""Where the files of a dataset are: what is downloaded, and what a person must put there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from cosmos_board.core.errors import InputError, describe_unreadable
from cosmos_board.data.validation import FieldError, Rows, Table, parse_table, want
from cosmos_board.downloads.files import RemoteFile, is_safe_path

Fetching: TypeAlias = Literal["all", "in part", "by hand"]
"""What `data fetch` can do for a dataset: everything, some of it, or say what a person must do."""

_NUMBERS = re.compile(r"(\d+)\.\.(\d+)")
_ADDRESS = re.compile(r"[a-z][a-z0-9+]*:\S+")
_HEX = {
    name: re.compile(rf"[0-9a-f]{{{digits}}}") for name, digits in (("sha256", 64), ("md5", 32))
}


def _want_sum(name: str) -> object:
    return want(
        lambda text: text == "" or (isinstance(text, str) and bool(_HEX[name].fullmatch(text))),
        f"is no {name}",
        "lower-case hexadecimal digits",
    )


class FileRow(Table):
    """One file, or one for each number of a range."""

    path: Annotated[
        str,
        want(
            lambda path: isinstance(path, str) and is_safe_path(path),
            "is no path below the folder",
            "a/b.zip",
        ),
    ]
    """Below the folder of the download."""

    urls: Rows[str]
    """In the order in which they are tried; none where a person must put the file."""

    numbers: str = ""
    """Range `00..19` of what `{n}` stands for in path and urls; as many digits as its start has."""

    sha256: Annotated[str, _want_sum("sha256")] = ""
    md5: Annotated[str, _want_sum("md5")] = ""
    size_bytes: Annotated[int, Field(gt=0)] | None = None
    varies: bool = False

    @model_validator(mode="after")
    def _check_across_fields(self) -> FileRow:
        for url in self.urls:
            if not _ADDRESS.fullmatch(url):
                raise FieldError("is no address", field="urls", got=repr(url))
        if self.numbers and not _NUMBERS.fullmatch(self.numbers):
            raise FieldError("is no range", field="numbers", got=self.numbers, want="00..19")
        if self.numbers and (self.sha256 or self.md5 or "{n}" not in self.path):
            raise FieldError("are of many files, with {n} in path and no sums", field="numbers")
        if self.varies and (self.sha256 or self.md5 or self.size_bytes):
            raise FieldError("has no sum and no size to state", field="varies")
        return self

    def expand(self, *, private: bool) -> Iterator[RemoteFile]:
        """Yield its files."""
        for number in self._list_numbers():
            yield RemoteFile(
                path=self.path.replace("{n}", number),
                urls=tuple(url.replace("{n}", number) for url in self.urls),
                sha256=self.sha256,
                md5=self.md5,
                size_bytes=self.size_bytes,
                varies=self.varies,
                private=private,
            )

    def _list_numbers(self) -> list[str]:
        if not self.numbers:
            return [""]
        first, _, last = self.numbers.partition("..")
        return [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]


class Download(Table):
    """How to get the files of one dataset."""

    source: str
    """Who states addresses and sums."""

    file_rows: Rows[FileRow] = Field(alias="files")
    about_bytes: int | None = None
    """Size of the whole, rounded, where the files do not state theirs."""

    by_hand: str = ""
    """What no program may or can do: where the rest is and what to put where."""

    private: bool = False
    """Whether addresses may lead to hosts of private networks; only in a file of the user's own."""

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """Its files, in the order of the file."""
        return tuple(file for row in self.file_rows for file in row.expand(private=self.private))

    @property
    def size_bytes(self) -> int | None:
        """Size of the whole, as far as it is known."""
        sizes = [file.size_bytes for file in self.files]
        if sizes and None not in sizes:
            return sum(size for size in sizes if size)
        return self.about_bytes

    @property
    def fetching(self) -> Fetching:
        """What `data fetch` can do for it."""
        with_address = [bool(row.urls) for row in self.file_rows]
        if not any(with_address):
            return "by hand"
        return "all" if all(with_address) and not self.by_hand else "in part"


@cache
def load_downloads() -> dict[str, Download]:
    """Return what the catalog knows of downloads, by dataset; others are got by hand."""
    text = files("cosmos_board.data.catalog").joinpath("addresses.toml").read_text("utf-8")
    return parse_downloads(text, "addresses.toml")


def read_downloads(path: Path) -> dict[str, Download]:
    """Return the downloads of a user's own file of addresses, whose hosts may be private.

    Raises:
        InputError: If it cannot be read or an entry is wrong.
    """
    try:
        downloads = parse_downloads(path.read_text("utf-8"), path)
    except OSError as error:
        raise describe_unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(path, "", "is no TOML", got=error) from error
    return {
        name: download.model_copy(update={"private": True}) for name, download in downloads.items()
    }


def parse_downloads(text: str, where: object) -> dict[str, Download]:
    """Return the downloads of a file of addresses; InputError where an entry is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(where, "", "is no TOML", got=error) from error
    downloads = {
        name: parse_table(Download, entry, f"{where}: {name}") for name, entry in document.items()
    }
    for name, download in downloads.items():
        paths = [file.path for file in download.files]
        if twice := sorted({path for path in paths if paths.count(path) > 1}):
            raise InputError(f"{where}: {name}", "files", "name a path twice", got=twice[0])
    return downloads
