"""`cosmos-board verify`."""

from __future__ import annotations

from pathlib import Path

import click

from cosmos_board.core.errors import ExitCode


@click.command("verify")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--site", required=True, type=click.Path(path_type=Path), help="Published folder.")
def command(db: Path, site: Path) -> None:
    """Derive every published number again from the rows and name each that differs.

    A site that lists its files is compared with that list too, page by page.
    """
    from cosmos_board.board.verify import verify_files
    from cosmos_board.site.frozen import FILES, verify_list
    from cosmos_board.site.generate import generate_site
    from cosmos_board.site.words import LANGUAGES

    derived = dict(generate_site(db).files)
    for language in LANGUAGES[1:]:
        if (site / language).is_dir():
            files = generate_site(db, language).files
            derived |= {f"{language}/{path}": content for path, content in files.items()}
    differences = [str(difference) for difference in verify_files(derived, site)]
    if (site / FILES).exists():
        differences += verify_list(site)
    for difference in differences:
        click.echo(difference, err=True)
    if differences:
        raise SystemExit(ExitCode.REFUSED)
    click.echo(f"{site}: {len(derived)} files follow from {db}")
