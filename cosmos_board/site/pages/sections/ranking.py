"""The ranked table of one board: every column it can have, and how it is captioned."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from cosmos_board.board.types import Board, BoardKey, BoardRow
from cosmos_board.core.tracks import FULL
from cosmos_board.metrics.table import METRICS, Metric
from cosmos_board.site.components.table import (
    Cell,
    Column,
    Raw,
    Row,
    Table,
    heat_of,
    marks_of,
    score_cell,
)
from cosmos_board.site.content.labels import model_url, prompt_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number, percent, signed, span
from cosmos_board.site.language.words import Words

_FIRST_METRICS = ("nsd", "hd95_px", "iou", "boundary_iou", "assd_px", "hd_px")
EXTRA_METRICS = (
    *_FIRST_METRICS,
    *(name for name in METRICS if name not in ("dice", *_FIRST_METRICS)),
)
"""Metrics beside the one that ranks; those after the second start hidden."""

DEFINITIONS = "docs/definitions/"
_FAILING = re.compile(r"incomplete: (\d+) of (\d+) answers failed")
_ROW_FIELDS = tuple(field.name for field in fields(BoardRow))


@dataclass(frozen=True, slots=True)
class Ranking:
    """A board and the boards of the same slice whose scores stand beside it."""

    board: Board
    metric: Metric
    oracle: Mapping[str, float]
    others: Mapping[str, Mapping[str, float]]
    """Scores by metric, then by model."""


def collect_ranking(data: SiteData, board: Board) -> Ranking:
    """Return `board` with what stands beside it in its table."""
    key = board.key

    def scores(selection: str, metric: str) -> dict[str, float]:
        other = BoardKey(key.slice, key.prompt, selection, metric, key.track, key.scope)  # type: ignore[arg-type]
        found = data.boards.get(other)
        return {row.model: row.score for row in found.rows} if found else {}

    others = {name: scores(key.selection, name) for name in EXTRA_METRICS if name != key.metric}
    oracle = {} if key.selection == "oracle" else scores("oracle", key.metric)
    return Ranking(board, METRICS[key.metric], oracle, {k: v for k, v in others.items() if v})


def ranking_table(
    data: SiteData, board: Board, words: Words, *, top: int | None = None, name: str = "board"
) -> Table:
    """Return the table of `board`, or of its first `top` rows with fewer columns."""
    ranking = collect_ranking(data, board)
    short = top is not None
    rows = board.rows[:top]
    columns = _columns(ranking, words, short=short)
    marks = marks_of([(row.low, row.score, row.high) for row in rows])
    shades = heat_of(
        [row.score if board.ranked else None for row in rows],
        lowest_is_best=not board.higher_is_better,
    )
    ties = shared_ties(rows)
    body = []
    for row, mark, shade in zip(rows, marks, shades, strict=True):
        cells = _cells(row, ranking, words, data)
        cells["score"] = Cell(
            number(row.score, 3 if not ranking.metric.unit else 2),
            row.score,
            heat=shade,
            strong=row.rank == 1,
        )
        cells["interval"] = Cell(
            span(row.low, row.high, 3 if not ranking.metric.unit else 2) or words("no CI"),
            row.low,
            mark=mark,
            muted=row.low is None,
        )
        body.append(
            Row(
                tuple(cells[column.key] for column in columns),
                tie=ties.get(row.tie_group),
                listed=row.rank is None,
            )
        )
    if not short:
        body.extend(_absent_rows(board, columns, words))
    return Table(
        name=name,
        caption=caption(data, board, words),
        columns=columns,
        rows=tuple(body),
        records=tuple(_record(row, ranking) for row in rows),
        empty=words("No model has been scored here yet."),
    )


def shared_ties(rows: Sequence[BoardRow]) -> dict[int | None, int]:
    """Return the tie groups of more than one model, numbered from 0; lone leaders are no tie."""
    groups = [row.tie_group for row in rows if row.tie_group is not None]
    shared = sorted({group for group in groups if groups.count(group) > 1})
    return {group: place for place, group in enumerate(shared)}


def _record(row: BoardRow, ranking: Ranking) -> dict[str, Raw]:
    """Return what a download holds of a row: all that the board knows of it."""
    record: dict[str, Raw] = {"metric": ranking.metric.name, "prompt": ranking.board.key.prompt}
    record["selection"] = ranking.board.key.selection
    record |= {name: getattr(row, name) for name in _ROW_FIELDS}
    record["oracle"] = ranking.oracle.get(row.model)
    return record | {name: scores.get(row.model) for name, scores in ranking.others.items()}


def caption(data: SiteData, board: Board, words: Words) -> str:
    """Return the sentence that says what a table's numbers are."""
    metric, facts, key = METRICS[board.key.metric], board.facts, board.key
    parts = [
        words(
            "{metric}, prompt “{prompt}”, {selection}.",
            metric=words.pick(metric.label, metric.label_zh) + f" {metric.direction}",
            prompt=prompt_label(key.prompt, words),
            selection=selection_label(key.selection, words),
        ),
        words.plural(
            len(facts.targets),
            "Mean over clusters: {references} in {clusters} ({units}).",
            "Macro mean over {n} targets: {references} in {clusters} ({units}).",
            references=words.count(facts.references, "reference"),
            clusters=words.count(facts.clusters, "cluster"),
            units=words.listing(words.term(unit) for unit in facts.cluster_units) or DASH,
        ),
    ]
    if any(row.low is not None for row in board.rows):
        parts.append(
            words(
                "95 % confidence intervals (CI) for new patients of the same datasets; shaded "
                "rows are ties."
            )
        )
    elif board.rows:
        parts.append(words("Under 10 clusters: scores alone, and nobody is ranked."))
    parts.append(words("Data {version}.", version=data.version_label))
    return " ".join(parts)


def selection_label(selection: str, words: Words) -> str:
    """Return how a candidate was chosen, in words."""
    if selection == "oracle":
        return words("best candidate by the reference mask (oracle)")
    return words("candidate chosen by the model’s own predicted IoU")


def _columns(ranking: Ranking, words: Words, *, short: bool) -> tuple[Column, ...]:
    board, metric = ranking.board, ranking.metric
    direction = "high" if board.higher_is_better else "low"
    unit = f" ({metric.unit})" if metric.unit else ""
    label = words.pick(metric.label, metric.label_zh)
    ranks, definition = "docs/ranking/#ranks", f"{DEFINITIONS}#{metric.name}"
    columns = [
        Column(key="rank", label="#", numeric=True, frozen=True),
        Column(key="model", label=words("Model"), frozen=True),
        Column(key="score", label=label + unit, numeric=True, best=direction, help=definition),  # type: ignore[arg-type]
        Column(key="interval", label=words("95 % CI"), help="docs/ranking/#intervals"),
        Column(key="ranks", label=words("Rank range"), numeric=True, help=ranks),
        Column(key="first", label=words("P(rank 1)"), numeric=True, best="high", help=ranks),
    ]
    if ranking.oracle:
        columns.append(
            Column(
                key="oracle", label=words("Oracle"), numeric=True, best=direction,  # type: ignore[arg-type]
                help="docs/ranking/#selection",
            )
        )  # fmt: skip
    columns += _metric_columns(ranking, words, short=short)
    if any(row.gain_over_box_prior is not None for row in board.rows):
        columns.append(
            Column(
                key="gain", label=words("Δ to box-ellipse baseline"), numeric=True, best="high",
                help="docs/ranking/#baselines",
            )
        )  # fmt: skip
    columns.append(Column(key="family", label=words("Family"), facet=True))
    if short:
        return tuple(columns)
    return (*columns, *_detail_columns(board, words))


def _metric_columns(ranking: Ranking, words: Words, *, short: bool) -> list[Column]:
    columns = []
    for place, name in enumerate(ranking.others):
        metric = METRICS[name]
        if short and place > 1:
            break
        unit = f" ({metric.unit})" if metric.unit else ""
        columns.append(
            Column(
                key=name,
                label=words.pick(metric.label, metric.label_zh) + unit,
                numeric=True,
                best="high" if metric.higher_is_better else "low",
                help=f"{DEFINITIONS}#{name}",
                hidden=place > 1,
            )
        )
    return columns


def _detail_columns(board: Board, words: Words) -> list[Column]:
    macro = len(board.facts.targets) > 1
    return [
        Column(key="kind", label=words("Kind"), facet=True, hidden=True),
        Column(key="references", label=words("Reference masks"), numeric=True),
        Column(key="clusters", label=words("Clusters"), numeric=True),
        Column(key="coverage", label=words("Coverage"), numeric=True, hidden=True),
        Column(key="micro", label=words("Micro mean"), numeric=True, hidden=not macro,
               help="docs/ranking/#score"),
        Column(key="balanced", label=words("Dataset-balanced"), numeric=True, hidden=True,
               help="docs/ranking/#score"),
        Column(key="penalised", label=words("Nothing drawn"), numeric=True, best="low"),
        Column(key="failed", label=words("Failed"), numeric=True, best="low", hidden=True),
        Column(key="exposure", label=words("Training overlap"), facet=True,
               help="docs/ranking/#contamination"),
        Column(key="tier", label=words("Checked"), facet=True, help="docs/ranking/#tiers"),
    ]  # fmt: skip


def _cells(row: BoardRow, ranking: Ranking, words: Words, data: SiteData) -> dict[str, Cell]:
    digits = 3 if not ranking.metric.unit else 2
    moved = words("moves by micro mean") if row.rank_moves else ""
    cells = {
        "rank": Cell(DASH if row.rank is None else str(row.rank), row.rank, muted=row.rank is None),
        "model": Cell(
            row.label,
            row.model,
            model_url(row.model) if row.model in data.models else "",
            status_label(row, words),
            badges=track_badges(ranking.board.key.track, row.tier, words),
        ),
        "ranks": _rank_range(row),
        "first": Cell(percent(row.p_first), row.p_first, muted=row.p_first is None),
        "oracle": score_cell(ranking.oracle.get(row.model), digits=digits),
        "gain": Cell(
            signed(row.gain_over_box_prior, digits),
            row.gain_over_box_prior,
            muted=row.gain_over_box_prior is None,
        ),
        "family": Cell(row.family),
        "kind": Cell(words.term(row.kind)),
        "references": Cell(number(row.references, 0), row.references),
        "clusters": Cell(number(row.clusters, 0), row.clusters),
        "coverage": Cell(percent(row.coverage), row.coverage),
        "micro": Cell(number(row.micro, digits), row.micro, note=moved),
        "balanced": score_cell(row.dataset_balanced, digits=digits),
        "penalised": Cell(percent(row.penalised), row.penalised),
        "failed": Cell(percent(row.failed), row.failed),
        "exposure": Cell(words.term(row.exposure)),
        "tier": Cell(words.term(row.tier)),
    }
    for name, scores in ranking.others.items():
        cells[name] = score_cell(scores.get(row.model), digits=2 if METRICS[name].unit else 3)
    return cells


def track_badges(track: str, tier: str, words: Words) -> tuple[str, ...]:
    """Return the badges of a submission: its track, and how far it was checked."""
    if track == FULL:
        return ()
    return tuple(words.term(name) for name in (track, tier) if name)


def status_label(row: BoardRow, words: Words) -> str:
    """Return why a model holds no rank, in words; nothing where it holds one."""
    if row.status in ("ranked", "too-few-clusters"):  # the caption says so of all rows at once
        return ""
    if row.status == "incomplete":
        return words("covers {share}", share=percent(row.coverage))
    if failing := failing_label(row, words):
        return failing
    if row.status == "trained-on":
        return words("trained on {share} of the targets", share=percent(row.trained_on))
    return words.term(row.status)


def failing_label(row: BoardRow, words: Words) -> str:
    """Return how many answers failed where these are too many for a rank; else nothing."""
    match = _FAILING.fullmatch(row.status)
    if match is None:
        return ""
    failed, answers = match.groups()
    return words("{failed} of {answers} answers failed", failed=failed, answers=answers)


def _rank_range(row: BoardRow) -> Cell:
    if row.rank_low is None or row.rank_high is None:
        return Cell(DASH, muted=True)
    if row.rank_low == row.rank_high:
        return Cell(str(row.rank_low), row.rank_low)
    return Cell(f"{row.rank_low}–{row.rank_high}", row.rank_low)


def _absent_rows(board: Board, columns: Sequence[Column], words: Words) -> list[Row]:
    rows = []
    for absent in board.absent:
        reason = words.term(absent.reason)
        cells = {
            "rank": Cell(DASH, muted=True),
            "model": Cell(absent.label, absent.model, model_url(absent.model)),
            "interval": Cell(reason, muted=True),
        }
        rows.append(
            Row(
                tuple(cells.get(column.key, Cell(DASH, muted=True)) for column in columns),
                listed=True,
            )
        )
    return rows
