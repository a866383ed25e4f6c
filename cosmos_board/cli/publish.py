"""`python -m cosmos_board.cli.publish`: accepted submissions → database, site, list of entries.

What `publish.yml` runs, and what a maintainer runs to see the same site at home.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.core.errors import CosmosBoardError, ExitCode

if TYPE_CHECKING:
    from cosmos_board.site.frozen import Read


@click.command("publish")
@click.option(
    "--submissions",
    type=click.Path(path_type=Path),
    default=Path("submissions"),
    show_default=True,
    help="Folder of submissions with its ledger.",
)
@click.option(
    "--pack",
    "packs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Pack that entries are scored on; may be repeated.",
)
@click.option(
    "--run",
    "runs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A maintainers' run, shown on the full track beside the submissions; may be repeated.",
)
@click.option(
    "--external",
    type=click.Path(path_type=Path),
    help="Keeps what entries pin elsewhere, by slug. Default: external/ in --out.",
)
@click.option(
    "--earlier",
    help="The site as it is published, a folder or https address: boards of another benchmark"
    " version are kept from it under v/.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("build/publish"),
    show_default=True,
    help="Folder for database, site and list of entries.",
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
    out: Path,
    languages: tuple[str, ...],
) -> None:
    """Check and score every accepted submission anew, and render the site of them.

    Without --pack the demo packs are built.
    """
    from cosmos_board.curation.demo import build_demo_packs
    from cosmos_board.data.pack import open_pack
    from cosmos_board.site.blocks import BLOCKS_PATH
    from cosmos_board.site.build import build_site
    from cosmos_board.site.frozen import (
        keep_frozen,
        list_site,
        read_listed,
        read_published,
        write_list,
    )
    from cosmos_board.store.ingest import ingest
    from cosmos_board.store.ledger_rows import write_ledger_table
    from cosmos_board.submissions.pack_index import list_known
    from cosmos_board.submissions.rebuild import make_ledger_table, rebuild_board

    read = _open_earlier(earlier)
    before = read_published(read)
    paths = list(packs) or build_demo_packs(
        out / "packs", progress=lambda line: click.echo(line, err=True)
    )
    known = list_known([open_pack(path) for path in paths], submissions)
    rebuilt = rebuild_board(submissions, known, out, external=external)
    for problem in rebuilt.problems:
        click.echo(f"{problem}", err=True)
    ingest(runs, rebuilt.db)
    table = make_ledger_table(submissions, rebuilt, known)
    frozen = before.keep(table.benchmark)
    write_ledger_table(rebuilt.db, replace(table, frozen=frozen))
    blocks = read_listed(read, before, BLOCKS_PATH)
    build_site(rebuilt.db, out / "site", languages=languages, earlier=blocks)
    keep_frozen(read, before, out / "site", table.benchmark)
    write_list(out / "site", list_site(out / "site", table.benchmark, frozen))
    listed = {
        "shown": [asdict(entry) for entry in rebuilt.shown],
        "left_out": rebuilt.left_out,
        "benchmark": table.benchmark,
        "frozen": list(frozen),
        "problems": [str(problem) for problem in rebuilt.problems],
    }
    (out / "entries.json").write_text(json.dumps(listed, indent=1), "utf-8")
    for slug, reason in rebuilt.left_out.items():
        click.echo(f"{slug}: left out: {reason}", err=True)
    click.echo(f"{out / 'site' / 'index.html'}: {len(rebuilt.shown)} submissions")
    if rebuilt.problems:
        raise SystemExit(ExitCode.REFUSED)


def _open_earlier(earlier: str | None) -> Read:
    from cosmos_board.site.frozen import read_folder, read_web

    if earlier is None:
        return lambda _: None
    return read_web(earlier) if "://" in earlier else read_folder(Path(earlier))


if __name__ == "__main__":
    try:
        command(standalone_mode=False)
    except CosmosBoardError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
