"""Which two models are separated: one verdict for every pair of a board, as a map."""

from __future__ import annotations

from itertools import combinations

from cosmos_board.board.ranking.pairs import outreaches, pair_row
from cosmos_board.board.types import Board, PairRow, PairTable, PairVerdict
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.content.labels import model_url
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import number, signed
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.captions import say_detectable
from cosmos_board.site.pages.sections.writer import PageWriter

SHOWN = 8
"""Models in a map of pairs; the comparison has all."""

HELD_BACK = "?*"
"""Mark of a pair that only the added failure keeps from being separated."""

_MARKS: dict[PairVerdict, str] = {
    "better": "▲", "worse": "▼", "equivalent": "=", "not separated": "?", "not tested": "–",
}  # fmt: skip
_SHADES: dict[PairVerdict, float] = {"better": 1.0, "equivalent": 0.35}
_RECORD = (
    *("a", "b", "difference", "low", "high", "verdict", "held_back", "detectable", "clusters"),
)
"""What a download holds of a pair."""


def pair_map(data: SiteData, board: Board, words: Words) -> Table | None:
    """Return the verdict of the row's model against the column's; None for fewer than two."""
    table = data.pairs.get(board.key)
    ranked = board.ranked[:SHOWN]
    if table is None or len(ranked) < 2:
        return None
    names = [row.model for row in ranked]
    rows = []
    for place, row in enumerate(ranked, 1):
        cells = [Cell(f"{place}. {row.label}", row.model, model_url(row.model))]
        cells += [_cell(find_pair(table, row.model, other), words) for other in names]
        rows.append(Row(tuple(cells)))
    numbers = (
        Column(key=f"vs-{place}", label=str(place), numeric=True)
        for place in range(1, len(names) + 1)
    )
    pairs = (find_pair(table, first, second) for first, second in combinations(names, 2))
    return Table(
        name="pairs",
        caption=_caption(data, board, words),
        columns=(Column(key="model", label=words("Model"), frozen=True), *numbers),
        rows=tuple(rows),
        records=tuple({name: getattr(row, name) for name in _RECORD} for row in pairs if row),
        tools=False,
    )


def _caption(data: SiteData, board: Board, words: Words) -> str:
    parts = [
        words(
            "Row minus column, Dice; columns are numbered as the rows. All pairs of this board are "
            "judged together, by 95 % intervals that hold for all of them. ▲ better and ▼ worse: "
            "beyond ±0.01, also if the better model failed in one more cluster; = equivalent: "
            "within ±0.01; ? not separated; ?* not separated only because one more failure would "
            "undo the difference."
        ),
        say_detectable(board, words),
        words("Data {version}.", version=data.version_label),
    ]
    return " ".join(part for part in parts if part)


def find_pair(table: PairTable, a: str, b: str) -> PairRow | None:
    """Return A against B out of a table; None where they are one model or one is not ranked."""
    if table.family is None or a == b or not {a, b} <= set(table.models):
        return None
    return pair_row(table, a, b)


def _cell(row: PairRow | None, words: Words) -> Cell:
    if row is None:
        return Cell("·", muted=True)
    mark = HELD_BACK if row.held_back else _MARKS[row.verdict]
    return Cell(
        f"{mark} {signed(row.difference)}",
        row.difference,
        heat=_SHADES.get(row.verdict),
        muted=row.verdict in ("not separated", "not tested"),
        title=say_verdict(row, words),
    )


def say_verdict(row: PairRow, words: Words) -> str:
    """Return a verdict in words, with what the data could have shown where it shows nothing."""
    if row.held_back:
        return words("not separated: one more failure would undo the difference")
    if row.verdict == "not separated" and row.detectable is not None:
        return words(
            "not separated: the least true difference that such data show in 80 % of samples is "
            "{least}",
            least=number(row.detectable),
        )
    return add_further(words.term(row.verdict), row, words)


def add_further(said: str, row: PairRow, words: Words) -> str:
    """Return what is said of a verdict, and why its interval reaches further where it does."""
    if not outreaches(row.verdict, row.low, row.high):
        return said
    return words.separate([said, say_further(words)])


def verdict_cell(
    verdict: PairVerdict, interval: tuple[float | None, float | None], words: Words, *, held: bool
) -> Cell:
    """Return a verdict for a table, with a star where its interval reaches further than it says.

    Args:
        verdict: Of the first against the second.
        interval: Of their difference.
        words: Of the page's language.
        held: Whether only one more failure keeps them from being separated.
    """
    name = words.term(verdict)
    if outreaches(verdict, *interval):
        return Cell(name, verdict, note="*", title=say_further(words))
    note = words("one more failure would undo the difference") if held else ""
    return Cell(name, verdict, note=note)


def say_further(words: Words) -> str:
    """Return why an interval may reach further than the verdict beside it says."""
    return words(
        "the interval also allows for one more failed patient; the verdict rests on the interval "
        "without that"
    )


def explain_star(words: Words) -> str:
    """Return what the star behind a verdict stands for, as a sentence of its own."""
    return words("* {reason}.", reason=say_further(words))


def add_pairs(page: PageWriter, board: Board) -> None:
    """Add the comparison of every two models; nothing where fewer than two are ranked."""
    table = pair_map(page.data, board, page.words)
    if table is not None:
        page.heading(page.words("Pairwise comparison"), "told-apart")
        page.table(table)
