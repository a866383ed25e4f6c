"""`cosmos-board compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.options import DATASETS, METRIC, SELECTION

if TYPE_CHECKING:
    from cosmos_board.board.types import Comparison, PairRow

_PAIR = ("difference", "low", "high", "verdict", "detectable", "held_back", "clusters")
_COUNTS = ("better", "worse", "equivalent", "not_separated", "not_tested")


@click.command("compare")
@click.argument("a")
@click.argument("b")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--prompt", default="box", show_default=True, help="One of the six prompts.")
@DATASETS
@METRIC
@SELECTION
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How the comparison is printed.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(
    a: str,
    b: str,
    db: Path,
    prompt: str,
    datasets: tuple[str, ...],
    metric: str,
    selection: str | None,
    form: str,
    as_json: bool,
) -> None:
    """Compare model A with model B, paired by target; differences are A − B."""
    from cosmos_board.board.compare import compare
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.export import round_floats
    from cosmos_board.store.board import open_board

    with open_board(db, datasets) as connection:
        pair = compare(
            Cube(connection, (metric,)),
            a,
            b,
            prompt=prompt,
            metric=metric,
            selection=selection,  # type: ignore[arg-type]  # click checked it
        )
    if as_json or form == "json":
        click.echo(json.dumps(round_floats(describe_comparison(pair)), ensure_ascii=False))
    else:
        print_comparison(pair)


def describe_comparison(pair: Comparison) -> dict[str, object]:
    """Return a comparison as one document; `difference` and its like are those over all targets."""
    from cosmos_board.cli.boards.board_rows import flatten_share

    shared = {name: getattr(pair, name) for name in ("a", "b", "prompt", "selection", "metric")}
    return {
        **shared,
        "track": pair.track,
        **_describe_row(pair.overall),
        **flatten_share("failures_a", pair.failures_a),
        **flatten_share("failures_b", pair.failures_b),
        **{name: getattr(pair, name) for name in _COUNTS},
        "targets": [{"target": row.slice.name, **_describe_row(row)} for row in pair.targets],
        "left_out": pair.left_out,
        "failing": list_failing(pair),
    }


def _describe_row(row: PairRow | None) -> dict[str, object]:
    """Return a pair; `note` says why an interval reaches further than its verdict."""
    from cosmos_board.cli.tables import FURTHER

    values = {name: getattr(row, name, None) for name in _PAIR}
    return {**values, "note": FURTHER if row and _outreaches(row) else None}


def _outreaches(row: PairRow) -> bool:
    from cosmos_board.board.ranking.pairs import outreaches

    return outreaches(row.verdict, row.low, row.high)


def list_failing(pair: Comparison) -> list[str]:
    """Return a line for each model of which too many answers failed."""
    return [
        f"{name}: incomplete: {counts.failed} of {counts.answers} answers on these targets failed"
        for name, counts in pair.failing.items()
    ]


def print_comparison(pair: Comparison) -> None:
    """Print a row a target and one over all of them, then what they amount to."""
    from cosmos_board.cli.tables import FURTHER, format_interval, print_table

    rows = [*pair.targets, *([pair.overall] if pair.overall else [])]
    print_table(
        f"{pair.a} − {pair.b} · {pair.metric} · prompt {pair.prompt} · {pair.selection} selection",
        ("target", "difference", "95 % interval", "clusters", "verdict"),
        [
            (
                str(row.slice),
                f"{row.difference:+.3f}",
                format_interval(row.low, row.high),
                str(row.clusters),
                describe_verdict(row),
            )
            for row in rows
        ],
    )
    if any(map(_outreaches, rows)):
        click.echo(f"* {FURTHER}")
    if not pair.targets:
        click.echo("no target on real images that both answered in full and neither trained on")
    else:
        click.echo(_count_verdicts(pair))
    for name, share in ((pair.a, pair.failures_a), (pair.b, pair.failures_b)):
        if share is not None:
            ends = f"95 % interval {share.low:.1%} to {share.high:.1%}"
            click.echo(f"{name}: Dice under 0.5 on {share.value:.1%} of references ({ends})")
    for line in list_failing(pair):
        click.echo(line)


def describe_verdict(row: PairRow) -> str:
    """Return a verdict in words: one that is open names what could have been shown.

    A star marks one that the interval reaches past; see `outreaches`.

    Example:
        >>> from cosmos_board.board.types import PairRow, Slice
        >>> row = PairRow(a="a", b="b", slice=Slice("overall"), difference=0.02, low=-0.01,
        ...     high=0.05, verdict="not separated", held_back=False, detectable=0.043, clusters=20)
        >>> describe_verdict(row)
        'not separated (could have shown 0.043)'
    """
    if row.verdict == "not tested":
        return "not tested: " + _explain_untested(row)
    if row.verdict != "not separated" or row.detectable is None:
        return f"{row.verdict} *" if _outreaches(row) else row.verdict
    held = "; one more failure could undo the difference" if row.held_back else ""
    return f"not separated (could have shown {row.detectable:.3f}{held})"


def _explain_untested(row: PairRow) -> str:
    if row.failed_often:
        return f"too many answers of {' and '.join(row.failed_often)} failed"
    return "no target has 10 clusters" if row.slice.kind == "overall" else "fewer than 10 clusters"


def _count_verdicts(pair: Comparison) -> str:
    count = f"{len(pair.targets)} target{'s' * (len(pair.targets) != 1)}"
    words = {
        "better": f"{pair.a} better on",
        "worse": "worse on",
        "equivalent": "equivalent on",
        "not_separated": "not separated on",
        "not_tested": "not tested on",
    }
    parts = [f"{text} {getattr(pair, name)}" for name, text in words.items() if getattr(pair, name)]
    return f"{count}: {', '.join(parts)}"
