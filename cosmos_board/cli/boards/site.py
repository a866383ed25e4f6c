"""`cosmos-board site`."""

from __future__ import annotations

from pathlib import Path

import click

LOCAL = click.option(
    "--local",
    is_flag=True,
    help="Show also what may not be published, such as scores of under 10 patients. For your own "
    "machine alone; every page says so.",
)


@click.group("site")
def command() -> None:
    """Build or serve the website of a board."""


@command.command("build")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("build/site"),
    show_default=True,
    help="Folder of the site; only a site of ours is replaced.",
)
@click.option("--url", default="", help="Address that the site will have.")
@click.option(
    "--language",
    "languages",
    multiple=True,
    type=click.Choice(["en", "zh"]),
    default=("en", "zh"),
    show_default=True,
    help="May be repeated.",
)
@click.option(
    "--earlier",
    help="The site as it is published, a folder or https address: patients of restricted datasets "
    "are added to it or taken from it at least 10 at a time. Default: the site in --out.",
)
@LOCAL
def build(
    db: Path, out: Path, url: str, languages: tuple[str, ...], earlier: str | None, local: bool
) -> None:
    """Render the site; it takes the place of the last one once it is whole."""
    from cosmos_board.site.content.blocks import BLOCKS_PATH
    from cosmos_board.site.publish.build import build_site
    from cosmos_board.site.publish.generate import SiteOptions
    from cosmos_board.site.publish.versions import read_listed, read_published, read_site

    blocks = None
    if earlier is not None:
        read = read_site(earlier)
        blocks = read_listed(read, read_published(read), BLOCKS_PATH)
    options = SiteOptions(languages=languages, site_url=url, local=local, earlier=blocks)
    report = build_site(db, out, options)
    click.echo(f"{out / 'index.html'}: {report.pages} pages, {report.size_bytes / 1e6:.1f} MB")


@command.command("serve")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="On 127.0.0.1."
)
@LOCAL
def serve(db: Path, port: int, local: bool) -> None:
    """Serve the site on this machine and follow changes of the database."""
    from cosmos_board.site.publish.build import serve_site

    serve_site(db, address=f"127.0.0.1:{port}", local=local)
