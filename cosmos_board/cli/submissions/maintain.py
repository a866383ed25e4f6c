"""`cosmos-board submit`: what maintainers add beside submissions."""

from __future__ import annotations

from pathlib import Path

import click

_ROOT = click.option(
    "--root",
    default=Path("submissions"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of submissions.",
)


@click.command("index")
@click.argument("pack", type=click.Path(path_type=Path))
@_ROOT
def index(pack: Path, root: Path) -> None:
    """For maintainers: keep the index of PACK in git, so that counts on it can be submitted."""
    from cosmos_board.data.pack import open_pack
    from cosmos_board.submissions.checks.packs import write_pack_index

    click.echo(f"{write_pack_index(root, open_pack(pack))}: written")


@click.command("decide")
@click.argument("slug")
@click.option(
    "--word",
    required=True,
    type=click.Choice(["withdrawn", "taken-down", "released", "audited", "re-run"]),
    help="The decision.",
)
@click.option("--who", required=True, type=int, help="Your numeric GitHub id.")
@click.option("--why", required=True, help="Shown on the board.")
@click.option("--version", type=click.IntRange(1), help="Default: the newest that landed.")
@_ROOT
def decide(slug: str, word: str, who: int, why: str, version: int | None, root: Path) -> None:
    """For maintainers: add a decision on SLUG to decisions.toml, for a pull request of its own."""
    from cosmos_board.submissions.history.decisions import add_decision
    from cosmos_board.submissions.history.versions import read_history

    entry = read_history(root).entries.get(slug)
    if entry is None or not entry.versions:
        raise click.BadParameter(f"no version of {slug} landed on main", param_hint="SLUG")
    path = add_decision(root, slug, version or entry.number, word, who, why)
    click.echo(f"{path}: {slug} version {version or entry.number} {word}; propose it to main")


MAINTAINERS = (index, decide)
"""Every command of this file."""
