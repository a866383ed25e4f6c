"""Which two models can be told apart: a map of all pairs, and mean ranks with their cliques."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from statistics import fmean

from cosmos_board.board.ranking.pairs import pair_row
from cosmos_board.board.types import Board, PairRow, PairTable, PairVerdict, Slice
from cosmos_board.site.components.svg import MeanRanks, render_mean_ranks
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import model_url
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import signed
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.writer import PageWriter

SHOWN = 8
"""Models in a map of pairs; the comparison has all."""

MOST = 15
"""Models that a diagram of ranks can hold."""

_OPPOSITE: dict[PairVerdict, PairVerdict] = {"better": "worse", "worse": "better"}
_MARKS = {"better": "▲", "worse": "▼", "equivalent": "=", "undecided": "?",
          "not tested": "–"}  # fmt: skip
_SHADES = {"better": 1.0, "equivalent": 0.35}
_RECORD = ("a", "b", "difference", "low", "high", "p", "p_holm", "verdict", "clusters")
"""What a download holds of a pair."""


def pair_map(data: SiteData, board: Board, words: Words) -> Table | None:
    """Return the verdict of the row's model against the column's; None for fewer than two."""
    table = data.pairs.get(board.key)
    if table is None or len(table.models) < 2:
        return None
    names = table.models[:SHOWN]
    labels = {row.model: row.label for row in board.rows}
    rows = []
    for place, first in enumerate(names, 1):
        cells = [Cell(f"{place}. {labels[first]}", first, model_url(first))]
        cells += [_cell(find_pair(table, first, second), words) for second in names]
        rows.append(Row(tuple(cells)))
    caption = words(
        "Row minus column, Dice. ▲ better and ▼ worse: the paired 95 % confidence interval "
        "lies beyond ±0.01; = equivalent: the 90 % one lies within; ? undecided. Columns are "
        "numbered as the rows. Data {version}.",
        version=data.version_label,
    )
    numbers = (
        Column(key=f"vs-{place}", label=str(place), numeric=True)
        for place in range(1, len(names) + 1)
    )
    pairs = (find_pair(table, first, second) for first, second in combinations(names, 2))
    return Table(
        name="pairs",
        caption=caption,
        columns=(Column(key="model", label=words("Model"), frozen=True), *numbers),
        rows=tuple(rows),
        records=tuple({name: getattr(row, name) for name in _RECORD} for row in pairs if row),
        tools=False,
    )


def find_pair(table: PairTable, a: str, b: str) -> PairRow | None:
    """Return A against B out of a table, whichever of them is ranked better there.

    None where they are one model, or one of them is not ranked.
    """
    if a == b or a not in table.models or b not in table.models:
        return None
    place_a, place_b = table.models.index(a), table.models.index(b)
    first, second = min(place_a, place_b), max(place_a, place_b)
    place = first * len(table.models) - first * (first + 1) // 2 + second - first - 1
    row = pair_row(table, place, table.models[first], table.models[second])
    if place_a < place_b:
        return row
    low, high = (None if end is None else -end for end in (row.high, row.low))
    verdict = None if row.verdict is None else _OPPOSITE.get(row.verdict, row.verdict)
    difference = -row.difference
    return replace(row, a=a, b=b, difference=difference, low=low, high=high, verdict=verdict)


def _cell(row: PairRow | None, words: Words) -> Cell:
    if row is None:
        return Cell("·", muted=True)
    verdict = row.verdict or "undecided"
    return Cell(
        f"{_MARKS[verdict]} {signed(row.difference)}",
        row.difference,
        heat=_SHADES.get(verdict),
        muted=verdict in ("undecided", "not tested"),
        title=words.term(verdict),
    )


def mean_ranks(data: SiteData, board: Board, targets: Sequence[Board]) -> MeanRanks | None:
    """Return mean ranks over `targets`, with cliques by Holm-corrected signed-rank tests.

    None where fewer than three models or three targets allow it.
    """
    table = data.pairs.get(board.key)
    if table is None or len(targets) < 3 or not 3 <= len(table.models) <= MOST:
        return None
    ranks: dict[str, list[int]] = {name: [] for name in table.models}
    for target in targets:
        scores = {row.model: row.score for row in target.rows if row.model in ranks}
        if len(scores) == len(ranks):
            for name, score in scores.items():
                ranks[name].append(1 + sum(other > score for other in scores.values()))
    if len(next(iter(ranks.values()))) < 3:
        return None
    order = sorted(ranks, key=lambda name: (fmean(ranks[name]), name))
    labels = {row.model: row.label for row in board.rows}
    return MeanRanks(
        names=tuple(order),
        labels=tuple(labels[name] for name in order),
        ranks=tuple(fmean(ranks[name]) for name in order),
        cliques=tuple(_cliques(order, table)),
        targets=len(next(iter(ranks.values()))),
    )


def _cliques(order: Sequence[str], table: PairTable) -> Iterator[tuple[int, int]]:
    differ = {
        frozenset((row.a, row.b))
        for first, second in combinations(table.models, 2)
        if (row := find_pair(table, first, second)) and row.p_holm is not None and row.p_holm < 0.05
    }
    reached = 0
    for first in range(len(order)):
        last = first
        while last + 1 < len(order) and all(
            frozenset((order[place], order[last + 1])) not in differ
            for place in range(first, last + 1)
        ):
            last += 1
        if last > first and last > reached:
            yield first, last
            reached = last


def add_pairs(page: PageWriter, part: Slice, board: Board) -> None:
    """Add the pairwise comparison, and mean ranks where targets allow it."""
    data, words = page.data, page.words
    table = pair_map(data, board, words)
    if table is None:
        return
    page.heading(words("Pairwise comparison"), "told-apart")
    page.table(table)
    targets = sorted({target.target for target in data.targets_of(part)})
    boards = [data.board(Slice("target", name), board.key.prompt) for name in targets]
    ranks = mean_ranks(data, board, [target for target in boards if target and target.ranked])
    if ranks is None:
        return
    models = words.count(len(ranks.names), "model")
    title = words("Mean ranks of {models} over targets", models=models)
    says = words(
        "Mean rank over {targets}, 1 is best. A bar joins models of which no two "
        "differ (Wilcoxon on cluster means, Holm, 5 %). Mean ranks depend on who else is "
        "listed: read the confidence intervals first.",
        targets=words.count(ranks.targets, "target"),
    )
    page.html(render("ranks.html", drawing=render_mean_ranks(ranks, title), says=says))
