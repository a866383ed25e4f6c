"""From finished runs to the database, boards as files, the site, and the board on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from cosmos_board.board.cube import Cube
from cosmos_board.board.export import to_csv, to_json
from cosmos_board.board.findings.findings import find_findings
from cosmos_board.board.leaderboard import rank_boards
from cosmos_board.cli.boards.analyse import describe_finding
from cosmos_board.cli.boards.board_rows import COLUMNS, list_rows
from cosmos_board.cli.tables import print_boards
from cosmos_board.core.errors import make_one_line
from cosmos_board.core.tracks import FULL
from cosmos_board.data.catalog.load import list_shared_cases
from cosmos_board.site.language.words import LANGUAGES
from cosmos_board.site.publish.build import build_site
from cosmos_board.site.publish.generate import SiteOptions
from cosmos_board.store.board import open_board
from cosmos_board.store.files import write_bytes
from cosmos_board.store.ingest import ingest

FILES = ("boards.csv", "boards.json", "findings.json")
"""What `publish` writes beside database and site; the bytes depend on the runs alone."""


def publish(runs: Sequence[Path], out: Path) -> None:
    """Write the database, boards, findings and site of finished runs, and print the boards.

    `out` gets `board.duckdb`, `FILES`, and `site/`, which shows everything: it is for one's own
    machine.

    Raises:
        InputError: If a run contradicts the database.
        StorageError: If the disk fails.
    """
    db = out / "board.duckdb"
    report = ingest(runs, db, replace=True, shared_cases=list_shared_cases())
    for line in (*report.failures, *report.notes):
        click.echo(make_one_line(line), err=True)
    with open_board(db) as connection:
        cube = Cube(connection, ("dice",))
        prompts = cube.prompts(FULL)
        overall = [rank_boards(cube, prompt=prompt)[0] for prompt in prompts]
        targets = [
            board for prompt in prompts for board in rank_boards(cube, prompt=prompt, by="target")
        ]
        findings = find_findings(cube)
    rows = list_rows([*overall, *targets])
    table = to_csv(COLUMNS, ([row[name] for name in COLUMNS] for row in rows))
    described = [describe_finding(each) for each in findings]
    for name, content in zip(FILES, (table, to_json(rows), to_json(described)), strict=True):
        write_bytes(out / name, content)
    click.echo("rendering the site", err=True)
    build_site(db, out / "site", SiteOptions(languages=LANGUAGES, local=True))
    print_boards(overall)
    for finding in findings:
        click.echo(f"{finding.id}: {finding.verdict}")
    click.echo(f"board: {db}", err=True)
    click.echo(f"site: {out / 'site' / 'index.html'}", err=True)
