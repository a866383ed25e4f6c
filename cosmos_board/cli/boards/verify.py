"""`cosmos-board verify`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cosmos_board.core.errors import ExitCode, InputError

SHOWN = 20
"""Differences that are printed; a site of another program differs everywhere."""


@click.command("verify")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--site", required=True, type=click.Path(path_type=Path), help="Published folder.")
def command(db: Path, site: Path) -> None:
    """Derive every published number again from the rows and name each that differs.

    A site that lists its files is compared with that list too, page by page.
    """
    from cosmos_board.board.verify import verify_files
    from cosmos_board.site.language.words import LANGUAGES
    from cosmos_board.site.publish.build import read_blocks
    from cosmos_board.site.publish.generate import SiteOptions, generate_site
    from cosmos_board.site.publish.versions import FILES, verify_list

    published, local = _read_manifest(site)
    options = SiteOptions(local=local, earlier=read_blocks(site))
    english = generate_site(db, options=options)
    if published != english.version:
        raise InputError(
            site,
            "data version",
            "the site is of another database: rebuild it with `cosmos-board site build`",
            got=published or "none",
            want=english.version or "none",
        )
    derived = dict(english.files)
    for language in LANGUAGES[1:]:
        if (site / language).is_dir():
            files = generate_site(db, language, options).files
            derived |= {f"{language}/{path}": content for path, content in files.items()}
    differences = [str(difference) for difference in verify_files(derived, site)]
    if (site / FILES).exists():
        differences += verify_list(site)
    for difference in differences[:SHOWN]:
        click.echo(difference, err=True)
    if len(differences) > SHOWN:
        click.echo(f"{site}: and {len(differences) - SHOWN} more differences", err=True)
    if differences:
        raise SystemExit(ExitCode.REFUSED)
    click.echo(f"{site}: {len(derived)} files follow from {db}")


def _read_manifest(site: Path) -> tuple[str, bool]:
    """Return the data version that a site says it is of, and whether it was built `--local`."""
    from cosmos_board.site.pages.boards.explore import MANIFEST

    path = site / MANIFEST
    try:
        document = json.loads(path.read_bytes())
        return str(document["data_version"]), bool(document.get("local", False))
    except FileNotFoundError:
        raise InputError(path, "", "does not exist, so this is no built site") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "", f"is no list of files: {error}") from error
