"""The ranked table of one board: every column it can have, and what a download holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial

from cosmos_board.board.distances import SHOWN as MEDIANS
from cosmos_board.board.types import AbsentModel, Board, BoardRow, Share
from cosmos_board.metrics.table import METRICS, Metric
from cosmos_board.site.components.table import Cell, Column, Raw, Row, Table, heat_of
from cosmos_board.site.content.labels import metric_label, model_url
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.messages import status_text
from cosmos_board.site.language.numbers import DASH, number, percent, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.captions import caption, track_badges
from cosmos_board.site.pages.sections.standing import (
    format_range,
    format_share,
    status_label,
    tier_cell,
)
from cosmos_board.site.pages.sections.tables import Direction, RecordTable

_FIRST_METRICS = ("nsd", "nsd_rel", "iou", "boundary_iou")
EXTRA_METRICS = (
    *_FIRST_METRICS,
    *(
        name
        for name, metric in METRICS.items()
        if name not in ("dice", *_FIRST_METRICS) and metric.ranked
    ),
)
"""Metrics beside the one that ranks; those after the second start hidden."""

SHOWN_METRICS = 2

DEFINITIONS = "docs/definitions/"
RANKING = "docs/ranking/"
_ROW_FIELDS = tuple(
    field.name for field in fields(BoardRow) if not field.name.startswith(("failing", "unanswered"))
)


@dataclass(frozen=True, slots=True)
class Ranking:
    """A board and the boards of the same slice whose scores stand beside it."""

    board: Board
    metric: Metric
    oracle: Mapping[str, float]
    others: Mapping[str, Mapping[str, float]]
    """Scores by metric, then by model."""

    @property
    def best(self) -> Direction:
        """The direction in which a model improves."""
        return "high" if self.board.higher_is_better else "low"


def collect_ranking(data: SiteData, board: Board) -> Ranking:
    """Return `board` with what stands beside it in its table."""
    key = board.key

    def scores(**changes: str) -> dict[str, float]:
        other = data.boards.get(replace(key, **changes))  # type: ignore[arg-type]
        return {row.model: row.score for row in other.rows} if other else {}

    others = {name: scores(metric=name) for name in EXTRA_METRICS if name != key.metric}
    oracle = {} if key.selection == "oracle" else scores(selection="oracle")
    return Ranking(board, METRICS[key.metric], oracle, {k: v for k, v in others.items() if v})


def ranking_table(
    data: SiteData, board: Board, words: Words, *, top: int | None = None, name: str = "board"
) -> Table:
    """Return the table of `board`, or of its first `top` rows with fewer columns.

    Models that were trained on a part of the data are not in it: their scores rest on other
    targets.
    """
    ranking = collect_ranking(data, board)
    rows = [row for row in board.rows if row.status != "trained-on"][:top]
    table = RecordTable(data, words, rows)
    _add_score(table, ranking, data, words)
    _add_metrics(table, ranking, words, short=top is not None)
    if any(row.gain_over_box_prior is not None for row in rows):
        table.change(
            "gain",
            words("Δ to box-ellipse baseline"),
            lambda row: row.gain_over_box_prior,
            digits=_digits(ranking.metric),
            best="high",
            help=f"{RANKING}#baselines",
        )
    table.text("family", words("Family"), lambda row: row.family, facet=True)
    if top is None:
        _add_details(table, ranking, words)
    built = table.build(
        name,
        caption(data, board, words),
        empty=words("No model has been scored here yet."),
        listed=lambda row: board.facts.ranks and row.rank is None,
    )
    absent = [_absent_row(one, built.columns, words) for one in board.absent if top is None]
    records = tuple(_record(row, ranking) for row in rows)
    return replace(built, rows=(*built.rows, *absent), records=records)


def _digits(metric: Metric) -> int:
    return 2 if metric.unit else 3


def _add_score(
    table: RecordTable[BoardRow], ranking: Ranking, data: SiteData, words: Words
) -> None:
    """Add rank, model and score, how sure they are, and the score with the closest mask."""
    board, digits = ranking.board, _digits(ranking.metric)
    scores = [row.score if row.rank is not None else None for row in table.records]
    shades = heat_of(scores, lowest_is_best=not board.higher_is_better)
    shade = {row.model: shade for row, shade in zip(table.records, shades, strict=True)}

    def model(row: BoardRow) -> Cell:
        url = model_url(row.model) if row.model in data.models else ""
        badges = track_badges(board.key.track, {row.tier}, words)
        return Cell(row.label, row.model, url, status_label(row, words), badges=badges)

    def score(row: BoardRow) -> Cell:
        return Cell(number(row.score, digits), row.score, heat=shade[row.model])

    if board.facts.ranks:
        table.cells("rank", "#", _rank_cell, numeric=True, frozen=True)
    table.cells("model", words("Model"), model, frozen=True)
    label, definition = metric_label(ranking.metric, words), f"{DEFINITIONS}#{ranking.metric.name}"
    table.cells("score", label, score, numeric=True, best=ranking.best, help=definition)
    if board.facts.ranks:
        _add_certainty(table, digits, words)
        _add_failures(table, words)
    if ranking.oracle:
        oracle, about = partial(_score_of, ranking.oracle), f"{RANKING}#selection"
        table.score("oracle", words("Oracle"), oracle, digits=digits, best=ranking.best, help=about)


def _rank_cell(row: BoardRow) -> Cell:
    return Cell(number(row.rank, 0), row.rank, note=format_range(row), muted=row.rank is None)


def _add_certainty(table: RecordTable[BoardRow], digits: int, words: Words) -> None:
    """Add intervals and letters."""
    table.interval(
        lambda row: (row.low, row.high),
        around=lambda row: row.score,
        digits=digits,
        help=f"{RANKING}#intervals",
    )
    if any(row.low_elsewhere is not None for row in table.records):
        table.text(
            "elsewhere",
            words("95 % CI, new datasets"),
            lambda row: span(row.low_elsewhere, row.high_elsewhere, digits) or DASH,
            help=f"{RANKING}#datasets",
        )
    if any(row.letters for row in table.records):
        letters = words("Letters")
        table.text(
            "letters", letters, lambda row: row.letters or DASH, help=f"{RANKING}#ranks", wrap=True
        )


def _lead_cell(row: BoardRow) -> Cell:
    share = row.lead_share
    # None of a thousand resamples is no proof that there are none.
    text = "< 1 %" if share is not None and share < 0.01 else percent(share)
    return Cell(text, share, muted=share is None)


def _add_failures(table: RecordTable[BoardRow], words: Words) -> None:
    """Add the shares of references that failed and for which nothing was drawn."""
    if any(row.failure for row in table.records):
        _add_share(table, "failure", words("Failures (Dice < 0.5)"), lambda row: row.failure)
        _add_share(table, "empty", words("Nothing drawn"), lambda row: row.empty)
    for name in MEDIANS:
        values = {row.model: getattr(row, name) for row in table.records}
        if any(value is not None for value in values.values()):
            metric = METRICS[name]
            label = words("Median {metric}", metric=metric_label(metric, words))
            about = f"{RANKING}#distances"
            median = partial(_score_of, values)
            table.score(name, label, median, digits=1, best="low", help=about)


def _add_share(
    table: RecordTable[BoardRow], key: str, label: str, of: Callable[[BoardRow], Share | None]
) -> None:
    """Add a column of shares, each with its exact interval."""

    def cell(row: BoardRow) -> Cell:
        share = of(row)
        value = share.value if share else None
        return Cell(format_share(share), value, muted=share is None)

    table.cells(key, label, cell, numeric=True, best="low", help=f"{RANKING}#failures")


def _add_metrics(
    table: RecordTable[BoardRow], ranking: Ranking, words: Words, *, short: bool
) -> None:
    """Add the scores by other metrics; in a short table the first few."""
    names = list(ranking.others)[: SHOWN_METRICS if short else None]
    for place, name in enumerate(names):
        metric, scores = METRICS[name], ranking.others[name]
        table.score(
            name,
            metric_label(metric, words),
            partial(_score_of, scores),
            digits=_digits(metric),
            best="high",
            help=f"{DEFINITIONS}#{name}",
            hidden=place >= SHOWN_METRICS,
        )


def _score_of(scores: Mapping[str, float | None], row: BoardRow) -> float | None:
    return scores.get(row.model)


def _add_details(table: RecordTable[BoardRow], ranking: Ranking, words: Words) -> None:
    """Add what only the whole table has room for."""
    digits, macro = _digits(ranking.metric), len(ranking.board.facts.targets) > 1

    def micro(row: BoardRow) -> Cell:
        moved = words("moves by micro mean") if row.rank_moves else ""
        return Cell(number(row.micro, digits), row.micro, note=moved)

    def failed(row: BoardRow) -> Cell:
        return Cell(percent(row.failed) if row.failed else words("none"), row.failed)

    if any(row.lead_share is not None for row in table.records):
        leads = words("Leads in … of resamples")
        table.cells("leads", leads, _lead_cell, numeric=True, help=f"{RANKING}#ranks")
    table.text("kind", words("Kind"), lambda row: words.term(row.kind), facet=True, hidden=True)
    table.count("references", words("Reference masks"), lambda row: row.references)
    table.count("clusters", words("Clusters"), lambda row: row.clusters)
    table.share("coverage", words("Coverage"), lambda row: row.coverage, hidden=True)
    score = f"{RANKING}#score"
    table.cells("micro", words("Micro mean"), micro, numeric=True, hidden=not macro, help=score)
    table.score(
        "balanced",
        words("Dataset-balanced"),
        lambda row: row.dataset_balanced,
        digits=digits,
        hidden=True,
        help=score,
    )
    label = words("Failed answers")
    table.cells("failed", label, failed, numeric=True, best="low", hidden=True)
    overlap, exposure = words("Training overlap"), f"{RANKING}#contamination"
    tiers = f"{RANKING}#tiers"
    table.text("exposure", overlap, lambda row: words.term(row.exposure), facet=True, help=exposure)
    label = words("Checked")
    table.cells("tier", label, lambda row: tier_cell(row.tier, words), facet=True, help=tiers)


def _absent_row(absent: AbsentModel, columns: Sequence[Column], words: Words) -> Row:
    """Return the row of a model that has no score here, with the reason."""
    reason = words.term(absent.reason)
    dash = Cell(DASH, muted=True)
    model = Cell(absent.label, absent.model, model_url(absent.model), reason)
    return Row(tuple(model if column.key == "model" else dash for column in columns), listed=True)


def _record(row: BoardRow, ranking: Ranking) -> dict[str, Raw]:
    """Return what a download holds of a row: all that the board knows of it."""
    record: dict[str, Raw] = {"metric": ranking.metric.name, "prompt": ranking.board.key.prompt}
    record["selection"] = ranking.board.key.selection
    for name in _ROW_FIELDS:
        record |= _flatten(name, getattr(row, name))
    record["status"] = status_text(row)
    record["oracle"] = ranking.oracle.get(row.model)
    return record | {name: scores.get(row.model) for name, scores in ranking.others.items()}


_PARTS = {"failure": "value", "empty": "value", "behind": "difference"}
"""Fields that are a number with its interval, and what the number is called there."""


def _flatten(name: str, value: object) -> dict[str, Raw]:
    """Return a number with its interval as three values; else the value itself."""
    if name not in _PARTS:
        return {name: value}  # type: ignore[dict-item]  # the other fields are plain values
    parts = (_PARTS[name], "low", "high")
    ends = [getattr(value, part) if is_dataclass(value) else None for part in parts]
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
