"""Which packs a submission is checked against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cosmos_board.data.pack import Pack
    from cosmos_board.submissions.checks.submission import CheckInputs


def open_packs(folder: Path, packs: tuple[Path, ...]) -> list[Pack]:
    """Return the packs given, or the demo packs that the submission names, out of the cache."""
    from cosmos_board.data.pack import open_pack

    if packs:
        return [open_pack(path) for path in packs]
    from cosmos_board.curation.demo import DEMO_PACKS, find_demo_pack
    from cosmos_board.data.demo.wheels import find_cache
    from cosmos_board.submissions.format.manifest import read_pack_names

    cache = find_cache()
    return [
        open_pack(find_demo_pack(DEMO_PACKS[name], cache, say=_say))
        for name in read_pack_names(folder)
        if name in DEMO_PACKS
    ]


def _say(line: str) -> None:
    click.echo(line, err=True)


def make_inputs(opened: list[Pack], folder: Path, external: Path | None) -> CheckInputs:
    """Return what a submission is checked against: these packs, indices in git, taken names."""
    import secrets

    from cosmos_board.core.errors import InputError
    from cosmos_board.submissions.checks.packs import list_known
    from cosmos_board.submissions.checks.submission import CheckInputs
    from cosmos_board.submissions.history.versions import read_history

    try:
        accepted = read_history(folder.parent).list_accepted(without=folder.name)
    except InputError:  # outside a clone nobody else is known
        accepted = []
    return CheckInputs(
        packs=list_known(opened, folder.parent),
        accepted=accepted,
        external=external,
        seed=secrets.token_hex(16),
    )
