"""`cosmos-board compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.options import METRIC, SELECTION

if TYPE_CHECKING:
    from cosmos_board.board.types import Comparison


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
    from cosmos_board.site.language.messages import describe_failing
    from cosmos_board.store.board import open_board

    with open_board(db) as connection:
        pair = compare(
            Cube(connection, (metric,)),
            a,
            b,
            prompt=prompt,
            metric=metric,
            selection=selection,  # type: ignore[arg-type]  # click checked it
        )
    failing = [
        f"{name}: incomplete: {describe_failing(counts)}" for name, counts in pair.failing.items()
    ]
    if as_json:
        document = {name: getattr(pair, name) for name in pair.__slots__} | {"failing": failing}
        click.echo(json.dumps(round_floats(document), ensure_ascii=False))
        return
    print_comparison(pair)
    for line in failing:
        click.echo(line)


def print_comparison(pair: Comparison) -> None:
    """Print a row a target and one over all of them, then how many each model wins."""
    from cosmos_board.cli.tables import format_interval, print_table

    rows = [*pair.targets, *([pair.overall] if pair.overall else [])]
    print_table(
        f"{pair.a} − {pair.b} · {pair.metric} · prompt {pair.prompt} · {pair.selection} selection",
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
    if not pair.targets:
        click.echo("no target on real images that both answered in full and neither trained on")
        return
    tested = len(pair.targets) - pair.untested
    parts = [f"targets: {len(pair.targets)}"]
    if tested:
        counts = f"worse on {pair.losses}, not separated on {pair.ties}"
        parts.append(f"{pair.a} better on {pair.wins}, {counts}")
    if pair.untested:
        parts.append(f"not tested on {pair.untested}: fewer than 10 clusters")
    click.echo("; ".join(parts))
