"""A board as pages show it: the ranked table, and what stands apart below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from cosmos_board.board.types import Board, BoardRow, Slice, ThinTarget
from cosmos_board.metrics.table import METRICS
from cosmos_board.site.components.table import Cell, Raw
from cosmos_board.site.content.labels import metric_label, model_url
from cosmos_board.site.language.numbers import DASH, percent, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.ranking import ranking_table
from cosmos_board.site.pages.sections.standing import name_new_clusters
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageWriter

SHOWN = 8
"""Models in the table of targets with few clusters; its file has all."""


def add_ranking(
    page: PageWriter, board: Board, *, top: int | None = None, name: str = "board"
) -> None:
    """Add the table of a board, of its first `top` rows or of all, and what stands apart."""
    page.table(ranking_table(page.data, board, page.words, top=top, name=name))
    _add_trained(page, board, f"{name}-trained")
    _add_thin(page, board, f"{name}-thin")


def _add_trained(page: PageWriter, board: Board, name: str) -> None:
    """Add the models that were trained on a part of the data; nothing where there is none."""
    data, words = page.data, page.words
    rows = [row for row in board.rows if row.status == "trained-on"]
    if not rows:
        return

    def model(row: BoardRow) -> Cell:
        return Cell(row.label, row.model, model_url(row.model) if row.model in data.models else "")

    table = RecordTable(data, words, rows)
    table.cells("model", words("Model"), model, frozen=True)
    targets = words.count(len(board.facts.targets) + len(board.facts.thin), "target")
    table.text(
        "trained",
        words("Trained on"),
        lambda row: words("{share} of {targets}", share=percent(row.trained_on), targets=targets),
    )
    caption = words("Trained on this data, so not ranked.")
    if any(row.clean_targets for row in rows):
        _add_clean_scores(table, board, words)
        caption = words(
            "Trained on a part of this data, so not ranked. Scores are those on a model’s clean "
            "targets alone, whose datasets it was not trained on, and differences are paired "
            "there. 95 % confidence intervals (CI) for {units} of these datasets.",
            units=name_new_clusters(board.facts, words),
        )
        if board.facts.thin:
            caption += " " + words("Targets under 10 clusters have no part in them.")
    caption += " " + words("Data {version}.", version=data.version_label)
    page.table(table.build(name, caption, tools=False, listed=lambda _: True))


def _add_clean_scores(table: RecordTable[BoardRow], board: Board, words: Words) -> None:
    """Add the scores on the targets that a model was not trained on."""

    def score(row: BoardRow) -> float | None:
        return row.score if row.clean_targets else None

    label = metric_label(METRICS[board.key.metric], words)
    table.count("clean", words("Clean targets"), lambda row: row.clean_targets)
    table.score("score", words("{metric} on clean targets", metric=label), score)
    if board.facts.ranks:
        table.interval(lambda row: (row.low, row.high) if row.clean_targets else None)
    if any(row.behind for row in table.records):
        leader = board.ranked[0].label
        table.change(
            "behind",
            words("Difference from {model} on clean targets", model=leader),
            lambda row: row.behind.difference if row.behind else None,
        )
        table.text(
            "behind-interval",
            words("95 % CI of the difference"),
            lambda row: span(row.behind.low, row.behind.high) or DASH if row.behind else DASH,
        )


def _add_thin(page: PageWriter, board: Board, name: str) -> None:
    """Add the targets with few clusters, scores alone; nothing where there is none."""
    data, words, thin = page.data, page.words, board.facts.thin
    if not thin:
        return
    scores = {target.target: dict(target.scores) for target in thin}
    table = RecordTable(data, words, thin)
    table.slice("target", words("Target"), lambda target: Slice("target", target.target))
    table.count("clusters", words("Clusters"), lambda target: target.clusters)
    for row in board.rows[:SHOWN]:
        own = {target: of.get(row.model) for target, of in scores.items()}
        table.score(f"score-{row.model}", row.label, partial(_score_of, own))
    caption = words(
        "Fewer than 10 clusters: scores alone. These targets have no part in the scores, "
        "intervals and ranks above. Data {version}.",
        version=data.version_label,
    )
    built = table.build(name, caption, tools=False, listed=lambda _: True)
    page.table(replace(built, records=tuple(_thin_record(target, board) for target in thin)))


def _score_of(scores: Mapping[str, float | None], target: ThinTarget) -> float | None:
    return scores[target.target]


def _thin_record(target: ThinTarget, board: Board) -> dict[str, Raw]:
    """Return what a download holds of a target: the score of every model of the board."""
    scores: Mapping[str, float] = dict(target.scores)
    record: dict[str, Raw] = {"target": target.target, "clusters": target.clusters}
    return record | {row.model: scores.get(row.model) for row in board.rows}
