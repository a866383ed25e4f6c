"""`cosmos-board compare`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cosmos_board.cli.options import METRIC, SELECTION


@click.command("compare")
@click.argument("a")
@click.argument("b")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--prompt", default="box", show_default=True, help="One of the six prompts.")
@METRIC
@SELECTION
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    a: str, b: str, db: Path, prompt: str, metric: str, selection: str | None, as_json: bool
) -> None:
    """Compare model A with model B, paired by target; differences are A − B."""
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.export import round_floats
    from cosmos_board.board.ranking.compare import compare
    from cosmos_board.cli.tables import format_interval, print_table
    from cosmos_board.store.board import open_board

    with open_board(db) as connection:
        found = compare(
            Cube(connection, (metric,)),
            a,
            b,
            prompt=prompt,
            metric=metric,
            selection=selection,  # type: ignore[arg-type]  # click checked it
        )
    if as_json:
        click.echo(json.dumps(round_floats(found), ensure_ascii=False))
        return
    rows = [*found.targets, *([found.overall] if found.overall else [])]
    print_table(
        f"{found.a} − {found.b} · {found.metric} · prompt {found.prompt} · "
        f"{found.selection} selection",
        ("target", "difference", "95 % interval", "p (Holm)", "clusters", "verdict"),
        [
            (
                str(row.slice),
                f"{row.difference:+.3f}",
                format_interval(row.low, row.high),
                "–" if row.p_holm is None else f"{row.p_holm:.3g}",
                str(row.clusters),
                row.verdict or "–",
            )
            for row in rows
        ],
    )
    if not found.targets:
        click.echo("no target on real images that both answered in full and neither trained on")
        return
    tested = len(found.targets) - found.untested
    parts = [f"targets: {len(found.targets)}"]
    if tested:
        counts = f"worse on {found.losses}, not separated on {found.ties}"
        parts.append(f"{found.a} better on {found.wins}, {counts}")
    if found.untested:
        parts.append(f"not tested on {found.untested}: fewer than 10 clusters")
    click.echo("; ".join(parts))
    for line in found.failing:
        click.echo(line)
