"""The ranked table of one board: every column it can have, and how it is captioned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

from cosmos_board.board.types import AbsentModel, Board, BoardRow
from cosmos_board.core.tracks import FULL
from cosmos_board.metrics.table import METRICS, Metric
from cosmos_board.site.components.table import Cell, Column, Raw, Row, Table, heat_of
from cosmos_board.site.content.labels import metric_label, model_url, prompt_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.messages import TIER_TEXTS, describe_failing, status_text
from cosmos_board.site.language.numbers import DASH, number, percent
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.tables import Direction, RecordTable

_FIRST_METRICS = ("nsd", "hd95_px", "iou", "boundary_iou", "assd_px", "hd_px")
EXTRA_METRICS = (
    *_FIRST_METRICS,
    *(name for name in METRICS if name not in ("dice", *_FIRST_METRICS)),
)
"""Metrics beside the one that ranks; those after the second start hidden."""

SHOWN_METRICS = 2

DEFINITIONS = "docs/definitions/"
_ROW_FIELDS = tuple(field.name for field in fields(BoardRow) if field.name != "failing")


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
    """Return the table of `board`, or of its first `top` rows with fewer columns."""
    ranking, rows = collect_ranking(data, board), board.rows[:top]
    table = RecordTable(data, words, rows)
    _add_score(table, ranking, data, words)
    _add_metrics(table, ranking, words, short=top is not None)
    if any(row.gain_over_box_prior is not None for row in board.rows):
        table.change(
            "gain",
            words("Δ to box-ellipse baseline"),
            lambda row: row.gain_over_box_prior,
            digits=_digits(ranking.metric),
            best="high",
            help="docs/ranking/#baselines",
        )
    table.text("family", words("Family"), lambda row: row.family, facet=True)
    if top is None:
        _add_details(table, ranking, words)
    ties = shared_ties(rows)
    built = table.build(
        name,
        caption(data, board, words),
        empty=words("No model has been scored here yet."),
        listed=lambda row: row.rank is None,
        tie=lambda row: ties.get(row.tie_group),
    )
    absent = [_absent_row(one, built.columns, words) for one in board.absent if top is None]
    records = tuple(_record(row, ranking) for row in rows)
    return replace(built, rows=(*built.rows, *absent), records=records)


def _digits(metric: Metric) -> int:
    return 2 if metric.unit else 3


def _add_score(
    table: RecordTable[BoardRow], ranking: Ranking, data: SiteData, words: Words
) -> None:
    """Add rank, model and score, how sure they are, and the score with the best mask."""
    board, digits, ranks = ranking.board, _digits(ranking.metric), "docs/ranking/#ranks"
    scores = [row.score if board.ranked else None for row in table.records]
    shades = heat_of(scores, lowest_is_best=not board.higher_is_better)
    shade = {row.model: shade for row, shade in zip(table.records, shades, strict=True)}

    def model(row: BoardRow) -> Cell:
        url = model_url(row.model) if row.model in data.models else ""
        badges = track_badges(board.key.track, row.tier, words)
        return Cell(row.label, row.model, url, status_label(row, words), badges=badges)

    def score(row: BoardRow) -> Cell:
        text, first = number(row.score, digits), row.rank == 1
        return Cell(text, row.score, heat=shade[row.model], strong=first)

    table.count("rank", "#", lambda row: row.rank, frozen=True)
    table.cells("model", words("Model"), model, frozen=True)
    label, definition = metric_label(ranking.metric, words), f"{DEFINITIONS}#{ranking.metric.name}"
    table.cells("score", label, score, numeric=True, best=ranking.best, help=definition)
    table.interval(
        lambda row: (row.low, row.high),
        around=lambda row: row.score,
        digits=digits,
        help="docs/ranking/#intervals",
    )
    table.cells("ranks", words("Rank range"), _rank_range, numeric=True, help=ranks)
    table.share("first", words("P(rank 1)"), lambda row: row.p_first, best="high", help=ranks)
    if ranking.oracle:
        oracle, about = partial(_score_of, ranking.oracle), "docs/ranking/#selection"
        table.score("oracle", words("Oracle"), oracle, digits=digits, best=ranking.best, help=about)


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
            best="high" if metric.higher_is_better else "low",
            help=f"{DEFINITIONS}#{name}",
            hidden=place >= SHOWN_METRICS,
        )


def _score_of(scores: Mapping[str, float], row: BoardRow) -> float | None:
    return scores.get(row.model)


def _add_details(table: RecordTable[BoardRow], ranking: Ranking, words: Words) -> None:
    """Add what only the whole table has room for."""
    digits, macro = _digits(ranking.metric), len(ranking.board.facts.targets) > 1

    def micro(row: BoardRow) -> Cell:
        moved = words("moves by micro mean") if row.rank_moves else ""
        return Cell(number(row.micro, digits), row.micro, note=moved)

    table.text("kind", words("Kind"), lambda row: words.term(row.kind), facet=True, hidden=True)
    table.count("references", words("Reference masks"), lambda row: row.references)
    table.count("clusters", words("Clusters"), lambda row: row.clusters)
    table.share("coverage", words("Coverage"), lambda row: row.coverage, hidden=True)
    score = "docs/ranking/#score"
    table.cells("micro", words("Micro mean"), micro, numeric=True, hidden=not macro, help=score)
    table.score(
        "balanced",
        words("Dataset-balanced"),
        lambda row: row.dataset_balanced,
        digits=digits,
        hidden=True,
        help=score,
    )
    table.share("penalised", words("Nothing drawn"), lambda row: row.penalised, best="low")
    table.share("failed", words("Failed"), lambda row: row.failed, best="low", hidden=True)
    overlap, exposure = words("Training overlap"), "docs/ranking/#contamination"
    tiers = "docs/ranking/#tiers"
    table.text("exposure", overlap, lambda row: words.term(row.exposure), facet=True, help=exposure)
    label = words("Checked")
    table.cells("tier", label, lambda row: tier_cell(row.tier, words), facet=True, help=tiers)


def _rank_range(row: BoardRow) -> Cell:
    if row.rank_low is None or row.rank_high is None:
        return Cell(DASH, muted=True)
    same = row.rank_low == row.rank_high
    return Cell(str(row.rank_low) if same else f"{row.rank_low}–{row.rank_high}", row.rank_low)


def _absent_row(absent: AbsentModel, columns: Sequence[Column], words: Words) -> Row:
    """Return the row of a model that has no score here, with the reason."""
    cells = {
        "model": Cell(absent.label, absent.model, model_url(absent.model)),
        "interval": Cell(words.term(absent.reason), muted=True),
    }
    dash = Cell(DASH, muted=True)
    return Row(tuple(cells.get(column.key, dash) for column in columns), listed=True)


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
    record["status"] = status_text(row)
    record["oracle"] = ranking.oracle.get(row.model)
    return record | {name: scores.get(row.model) for name, scores in ranking.others.items()}


def caption(data: SiteData, board: Board, words: Words) -> str:
    """Return the sentence that says what a table's numbers are."""
    metric, facts, key = METRICS[board.key.metric], board.facts, board.key
    parts = [
        words(
            "{metric}, prompt “{prompt}”, {selection}.",
            metric=words(metric.label) + f" {metric.direction}",
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


def track_badges(track: str, tier: str, words: Words) -> tuple[str, ...]:
    """Return the badges of a submission: its track, and how far it was checked."""
    if track == FULL:
        return ()
    return tuple(words.term(name) for name in (track, tier) if name)


def tier_cell(tier: str, words: Words) -> Cell:
    """Return how far scores were checked; on hover, what that promises and what not."""
    texts: dict[str, str] = {**TIER_TEXTS}
    return Cell(words.term(tier), tier, title=words.term(texts.get(tier, "")))


def status_label(row: BoardRow, words: Words) -> str:
    """Return why a model holds no rank, in words; nothing where it holds one."""
    if row.status in ("ranked", "too-few-clusters"):  # the caption says so of all rows at once
        return ""
    if failing := failing_label(row, words):
        return failing
    if row.status == "incomplete":
        return words("covers {share}", share=percent(row.coverage))
    if row.status == "trained-on":
        return words("trained on {share} of the targets", share=percent(row.trained_on))
    return words.term(row.status)


def failing_label(row: BoardRow, words: Words) -> str:
    """Return how many answers failed where these are too many for a rank; else nothing."""
    return describe_failing(row.failing, words) if row.failing else ""
