"""The starter board: a few open datasets, small enough to be fetched and evaluated over lunch."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator, Field

from cosmos_board.core.targets import Target
from cosmos_board.data.catalog.addresses import Download, FileRow
from cosmos_board.data.validation import Rows, Table, parse_table
from cosmos_board.downloads.files import RemoteFile

_Count = Annotated[int, Field(gt=0)]


def _check_targets(targets: dict[str, int]) -> dict[str, int]:
    for name in targets:
        Target(*name.split(".", 1))
    return targets


class Expected(Table):
    """What the downloaded files hold, by their publishers."""

    units: _Count
    """Pictures, or volumes."""

    clusters: _Count
    """Patients, or pictures where no patient is known."""


class StarterSet(Table):
    """What is taken of one dataset."""

    name: str
    """As in the catalog."""

    file_rows: Rows[str | FileRow] = Field(alias="files")
    """Paths among the catalog's files, or files of another part than the study's."""

    version: str = ""
    part: str
    megabytes: Annotated[float, Field(gt=0)]
    """Size of the download, 10⁶ bytes."""

    units: _Count | None = None
    """Pictures or volumes that are taken, evenly over their names; None: all."""

    slices: _Count | None = None
    """Slices that are taken of each volume, evenly over those with a reference; None: all."""

    longest_side_px: _Count | None = None
    """Larger pictures are reduced to it; None: none is."""

    expect: Expected
    targets: Annotated[dict[str, _Count], AfterValidator(_check_targets)]
    """How many clusters of each target the sample holds at most."""

    def pick_files(self, own: Download | None, catalog: Download | None) -> tuple[RemoteFile, ...]:
        """Return the files to fetch; addresses of the user's own go before those stated here."""
        stated = [row for row in self.file_rows if isinstance(row, FileRow)]
        known = [
            *(catalog.files if catalog else ()),
            *(file for row in stated for file in row.expand(private=False)),
            *(own.files if own else ()),
        ]
        by_path = {file.path: file for file in known}
        paths = (row if isinstance(row, str) else row.path for row in self.file_rows)
        return tuple(by_path[path] for path in paths)


@cache
def load_starter() -> Mapping[str, StarterSet]:
    """Return what is taken of each dataset, by its name."""
    text = files("cosmos_board.data.catalog").joinpath("starter.toml").read_text("utf-8")
    return {
        name: parse_table(StarterSet, {"name": name, **entry}, f"starter.toml: {name}")
        for name, entry in tomllib.loads(text).items()
    }
