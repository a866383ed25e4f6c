"""`python -m cosmos_board.cli.submissions.publish`: what landed on main → database and site.

What `publish.yml` runs, and what a maintainer runs to build the same site locally.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.core.errors import CosmosBoardError
from cosmos_board.store.files import write_bytes

if TYPE_CHECKING:
    from cosmos_board.site.publish.versions import Published, Read
    from cosmos_board.submissions.history.rebuild import Rebuilt
    from cosmos_board.submissions.history.versions import History

_PATH = click.Path(path_type=Path)
ENTRIES = "entries.json"
"""Lists what is shown, what is not and why, and the commit of main that it was made of."""


@click.command("publish")
@click.option(
    "--submissions",
    type=_PATH,
    default=Path("submissions"),
    show_default=True,
    help="Folder of submissions, in a clone with its whole history.",
)
@click.option(
    "--pack",
    "packs",
    multiple=True,
    type=_PATH,
    help="Pack that entries are scored on; may be repeated.",
)
@click.option(
    "--run",
    "runs",
    multiple=True,
    type=_PATH,
    help="A maintainers' run, shown on the full track beside the submissions; may be repeated.",
)
@click.option(
    "--external",
    type=_PATH,
    help="Keeps what entries pin elsewhere, by slug. Default: external/ in --out.",
)
@click.option(
    "--earlier",
    help="The site as it is published, a folder or https address: boards of another benchmark"
    " version are kept from it under v/.",
)
@click.option(
    "--rewritten",
    metavar="COMMIT",
    help="The commit that the published site was made of, where the history of main was rewritten"
    " on purpose and no longer holds it.",
)
@click.option(
    "--step",
    type=click.Choice(["all", "board", "site"]),
    default="all",
    show_default=True,
    help="board: database and list of entries. site: the pages, from these.",
)
@click.option(
    "--out",
    type=_PATH,
    default=Path("build/publish"),
    show_default=True,
    help="Folder for database, site and list of entries; only one of ours is replaced.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    default=("en",),
    show_default=True,
    help="Of the site; may be repeated.",
)
def command(
    submissions: Path,
    packs: tuple[Path, ...],
    runs: tuple[Path, ...],
    external: Path | None,
    earlier: str | None,
    rewritten: str | None,
    step: str,
    out: Path,
    languages: tuple[str, ...],
) -> None:
    """Check and score every submission on main anew, and render the site of them.

    What does not pass is left out and named; it stops nothing else. Nothing is written where main
    no longer holds the commit that the published site was made of. Without --pack the demo packs
    are built.
    """
    from cosmos_board.curation.demo import build_demo_packs
    from cosmos_board.data.catalog.load import list_shared_cases
    from cosmos_board.data.pack import open_pack
    from cosmos_board.site.publish.build import read_blocks
    from cosmos_board.site.publish.versions import read_published
    from cosmos_board.store.folders import carry_over, replace_folder
    from cosmos_board.store.ingest import ingest
    from cosmos_board.submissions.checks.packs import list_known
    from cosmos_board.submissions.history.rebuild import rebuild_board
    from cosmos_board.submissions.history.versions import read_history

    read, blocks = _open_earlier(earlier), read_blocks(out / "site")
    if step == "site":
        _render(read, blocks, out, languages)
    else:
        with replace_folder(out, "publish", inputs=[submissions, *packs, *runs]) as work:
            for name in ("packs", "external", *(["site"] if step == "board" else [])):
                carry_over(out / name, work / name)
            before, history = read_published(read), read_history(submissions)
            history.refuse_rewritten(before.head, rewritten)
            say = functools.partial(click.echo, err=True)
            built = packs or build_demo_packs(work / "packs", progress=say)
            known = list_known([open_pack(path) for path in built], submissions)
            rebuilt = rebuild_board(history, known, work, external=external)
            ingest(runs, rebuilt.db, shared_cases=list_shared_cases())
            _list_entries(before, history, rebuilt, work)
            if step == "all":
                _render(read, blocks, work, languages)
    if step != "board":
        click.echo(f"{out / 'site' / 'index.html'}: rendered")


def _list_entries(before: Published, history: History, rebuilt: Rebuilt, out: Path) -> None:
    """Write which entries are shown, which are not and why; earlier boards are kept."""
    frozen = before.keep(rebuilt.benchmark)
    rebuilt.write_table(frozen)
    down = {slug: sorted(names) for slug, names in history.list_taken_down().items()}
    listed = {"head": history.head, **rebuilt.describe(), "frozen": frozen, "taken_down": down}
    write_bytes(out / ENTRIES, json.dumps(listed, indent=1).encode())
    for line in (*listed["problems"], *listed["merged_although_held"]):
        click.echo(line, err=True)
    click.echo(f"{len(rebuilt.shown)} submissions, as of {history.head[:12]}")


def _render(read: Read, blocks: bytes | None, out: Path, languages: tuple[str, ...]) -> None:
    """Render the site; `blocks` are those of the last one here, unless `read` has any."""
    from cosmos_board.site.content.blocks import BLOCKS_PATH
    from cosmos_board.site.publish.build import render_site
    from cosmos_board.site.publish.generate import SiteOptions
    from cosmos_board.site.publish.versions import (
        keep_frozen,
        list_site,
        read_listed,
        read_published,
        write_list,
    )
    from cosmos_board.store.folders import replace_folder

    listed = json.loads((out / ENTRIES).read_bytes())
    version, before, db = listed["benchmark"], read_published(read), out / "board.duckdb"
    blocks = read_listed(read, before, BLOCKS_PATH) or blocks
    with replace_folder(out / "site", "site", inputs=[db]) as site:
        render_site(db, site, SiteOptions(languages=languages, earlier=blocks))
        keep_frozen(read, before, site, version, without=listed["taken_down"])
        write_list(site, list_site(site, version, before.keep(version), listed["head"]))


def _open_earlier(earlier: str | None) -> Read:
    from cosmos_board.site.publish.versions import read_folder, read_web

    if earlier is None:
        return lambda _: None
    return read_web(earlier) if "://" in earlier else read_folder(Path(earlier))


if __name__ == "__main__":
    try:
        command(standalone_mode=False)
    except CosmosBoardError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
