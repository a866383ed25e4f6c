"""Figures that several kinds of page share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from cosmos_board.board.types import Board, BoardRow, Slice
from cosmos_board.metrics.table import METRICS
from cosmos_board.site.components.figure import COLOURS, Axis, Figure, Point, Series
from cosmos_board.site.content.labels import metric_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import number, with_interval
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.matrix import (
    Across,
    matrix_table,
    order_models,
    prompt_columns,
)
from cosmos_board.site.pages.sections.notices import say_full
from cosmos_board.site.pages.sections.standing import (
    find_leader,
    find_rivals,
    name_new_clusters,
)
from cosmos_board.site.pages.sections.writer import PageWriter
from cosmos_board.store.queries.cards import Timing

MOST_ROWS = 15
"""Models that a figure names; the table has the rest."""


def interval_figure(board: Board, words: Words) -> Figure | None:
    """Return scores with their confidence intervals, in the order of the board."""
    metric = METRICS[board.key.metric]
    rows = [row for row in _list_standing(board) if isfinite(row.score)][:MOST_ROWS]
    if not rows:
        return None
    label = metric_label(metric, words)
    groups: dict[str, list[Point]] = {}
    for place, row in enumerate(rows):
        group = words("ranked") if row.rank is not None else words("listed, not ranked")
        text = with_interval(f"{row.label}: {number(row.score)}", row.low, row.high)
        groups.setdefault(group, []).append(Point(row.score, place, row.low, row.high, text))
    ranked = words("ranked")
    return Figure(
        name="intervals",
        title=words(
            "Scores of {models} with confidence intervals", models=words.count(len(rows), "model")
        ),
        says=_interval_sentence(board, words),
        x=Axis(label=label),
        y=Axis(label="", categories=tuple(row.label for row in rows)),
        series=tuple(
            Series(name=name, points=tuple(points), colour=5 if name == ranked else -1)
            for name, points in groups.items()
        ),
        interval="x",
    )


def _list_standing(board: Board | None) -> list[BoardRow]:
    """Return the rows that score on the same targets: not those of models trained on some."""
    return [row for row in board.rows if row.status != "trained-on"] if board else []


def _interval_sentence(board: Board, words: Words) -> str:
    if not board.facts.ranks:
        return words(
            "Too few clusters for confidence intervals: scores alone, and nobody is ranked."
        )
    bars = words(
        "Bars are 95 % confidence intervals for {units} of these datasets.",
        units=name_new_clusters(board.facts, words),
    )
    first, rivals = find_leader(board), find_rivals(board)
    if first is None:
        return bars
    if rivals:
        models = words.count(len(rivals), "model")
        told = words("{model} is ranked first; not separated from it: {models}.",
                     model=first.label, models=models)  # fmt: skip
    else:
        told = words("{model} is ranked first and separated from all others.", model=first.label)
    return f"{bars} {told}"


def prompt_figure(columns: Sequence[Across], words: Words) -> Figure | None:
    """Return how each model’s score changes with what the user gives."""
    boards = [(place, column) for place, column in enumerate(columns) if column.board]
    best: dict[str, tuple[float, str]] = {}
    for _, column in boards:
        for row in _list_standing(column.board):
            best[row.model] = max(best.get(row.model, (-1.0, row.label)), (row.score, row.label))
    chosen = sorted(best, key=lambda model: (-best[model][0], model))[:COLOURS]
    if not chosen:
        return None
    series = []
    for colour, model in enumerate(sorted(chosen)):
        points = []
        for place, column in boards:
            for row in _list_standing(column.board):
                if row.model == model:
                    text = f"{row.label}, {column.label}: {number(row.score)}"
                    points.append(Point(place, row.score, row.low, row.high, text))
        series.append(
            Series(name=best[model][1], points=tuple(points), colour=colour, line=len(points) > 1)
        )
    return Figure(
        name="prompts",
        title=words("Dice of {models} by prompt", models=words.count(len(chosen), "model")),
        says=words(
            "Reading from left to right, the user gives more. Everything mode is scored by the "
            "mask closest to the reference mask."
        ),
        x=Axis(label="", categories=tuple(column.label for column in columns)),
        y=Axis(label=words("Dice")),
        series=tuple(series),
    )


def cost_figure(board: Board, data: SiteData, words: Words) -> Figure | None:
    """Return quality against time per image on the device that timed most models."""
    device = _busiest(data.timings)
    rows = {row.model: row for row in board.rows if row.status in ("ranked", "too-few-clusters")}
    seconds = {
        model: total
        for model in rows
        if (total := seconds_per_image(data.timings, model, device, board.key.prompt)) is not None
    }
    if len(seconds) < 2:
        return None
    front, points, best = [], [], -1.0
    for model in sorted(seconds, key=lambda name: (seconds[name], -rows[name].score)):
        row = rows[model]
        text = f"{row.label}: {number(row.score)}, {number(seconds[model] * 1000, 0)} ms"
        point = Point(seconds[model] * 1000, row.score, row.low, row.high, text)
        points.append(point)
        if row.score > best:
            best = row.score
            front.append(point)
    measured = words(
        "Measured on {device}: one embedding and one prompt, after warm-up.", device=device
    )
    scores = Series(name=words("models"), points=tuple(points), colour=5, labels=True)
    line = Series(
        name=words("Pareto front"),
        points=tuple(front),
        colour=-1,
        line=True,
        marks=False,
        dashed=True,
    )
    ranks = board.facts.ranks  # a front puts models in an order
    return Figure(
        name="cost",
        title=words("Dice against time per image"),
        says=words("Dashed: Pareto front of the scores.") + " " + measured if ranks else measured,
        x=Axis(label=words("milliseconds per image and prompt (log scale)"), log=True),
        y=Axis(label=words("Dice")),
        series=(line, scores) if ranks else (scores,),
    )


def _busiest(timings: Sequence[Timing]) -> str:
    counts: dict[str, set[str]] = {}
    for timing in timings:
        counts.setdefault(timing.device, set()).add(timing.model)
    return min(counts, key=lambda device: (-len(counts[device]), device), default="")


def seconds_per_image(
    timings: Sequence[Timing], model: str, device: str, prompt: str
) -> float | None:
    """Return the seconds for one image and one prompt; None where a stage was not timed."""
    stages = {
        timing.stage: timing.median_s
        for timing in sorted(timings, key=lambda timing: timing.items)
        if timing.model == model and timing.device == device
    }
    needed = ("embed", "everything") if prompt == "everything" else ("embed", "prompt")
    if any(stage not in stages for stage in needed):
        return None
    return sum(stages[stage] for stage in needed)


def spread_figure(data: SiteData, board: Board, words: Words) -> Figure | None:
    """Return how each model's Dice is distributed over the reference masks of a target."""
    standing = {row.model for row in _list_standing(board)}
    found = data.spread(board.key.slice.name, board.key.prompt)
    spreads = [spread for spread in found if spread.model in standing]
    best_first = sorted(spreads, key=lambda spread: (-spread.quantiles[2], spread.model))
    chosen = best_first[:MOST_ROWS]
    if not chosen:
        return None
    outer, inner = [], []
    for place, spread in enumerate(chosen):
        q05, q25, q50, q75, q95 = spread.quantiles
        label = data.label(spread.model)
        text = words(
            "{model}: median {median}, half between {low} and {high}, {lost} of {n} under 0.1",
            model=label,
            median=number(q50),
            low=number(q25),
            high=number(q75),
            lost=spread.lost,
            n=spread.references,
        )
        outer.append(Point(q50, place, q05, q95, text))
        inner.append(Point(q50, place, q25, q75, text))
    labels = tuple(data.label(spread.model) for spread in chosen)
    return Figure(
        name="spread",
        title=words("Per-mask Dice of {models}", models=words.count(len(chosen), "model")),
        says=words(
            "Dot: median reference mask. Thick: interquartile range. Thin: from the 5th to the "
            "95th percentile. A long tail to the left is a model that sometimes fails altogether."
        )
        + say_full(data, words),
        x=Axis(label=words("Dice of one reference mask"), low=0.0, high=1.0),
        y=Axis(label="", categories=labels),
        series=(
            Series(
                name=words("90 % of reference masks"), points=tuple(outer), colour=5, marks=False
            ),
            Series(name=words("interquartile range"), points=tuple(inner), colour=5, thick=True),
        ),
        interval="x",
    )


def add_prompts(
    page: PageWriter,
    part: Slice,
    caption: str,
    *,
    urls: Mapping[str, str] | None = None,
    models: Sequence[str] | None = None,
) -> None:
    """Add the scores of a slice by prompt, as a table and as a figure; see `matrix_table`.

    Columns link to the `urls` by prompt; where there is none, to the page of the prompt. Rows are
    `models`, by default all in the order of the slice's leaderboard.
    """
    data, words = page.data, page.words
    columns = prompt_columns(data, part, words, urls)
    if models is None:
        models = order_models(data.main_board(part), columns)
    table = matrix_table(data, columns, words, name="by-prompt", caption=caption, models=models)
    page.heading(words("By prompt"), "prompts")
    page.table(table)
    page.figure(prompt_figure(columns, words))
