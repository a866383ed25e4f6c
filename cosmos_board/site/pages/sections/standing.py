"""Where models stand on a board, in words: who is ranked first, how surely, and who is not."""

from __future__ import annotations

import re

from cosmos_board.board.types import Board, BoardFacts, BoardRow, Share
from cosmos_board.site.components.table import Cell
from cosmos_board.site.language.messages import TIER_TEXTS, describe_incomplete
from cosmos_board.site.language.numbers import DASH, percent, percent_interval
from cosmos_board.site.language.words import Words

_LETTER = re.compile(r"[a-z]\d*")


def find_leader(board: Board | None) -> BoardRow | None:
    """Return the model that is ranked first, where at least two models are ranked."""
    ranked = board.ranked if board is not None else ()
    return ranked[0] if len(ranked) > 1 else None


def find_rivals(board: Board) -> list[BoardRow]:
    """Return the other ranked models that are not separated from the first: they share a letter."""
    if not board.ranked:
        return []
    first, *others = board.ranked
    letters = set(_LETTER.findall(first.letters))
    return [row for row in others if letters.intersection(_LETTER.findall(row.letters))]


def count_rivals(board: Board, words: Words) -> str:
    """Return how many models are not separated from the first; nothing where none is."""
    rivals = len(find_rivals(board))
    if not rivals:
        return ""
    return words.plural(
        rivals, "not separated from {n} other model", "not separated from {n} other models"
    )


def explain_no_leader(board: Board, words: Words) -> str:
    """Return why a board names nobody first."""
    if not board.facts.ranks:
        return words("too few clusters to rank")
    if board.ranked:
        return words("one model is ranked")
    return words("nobody is ranked yet")


def format_range(row: BoardRow) -> str:
    """Return the ranks that the intervals leave open, such as `(1–4)`; empty without a rank."""
    return "" if row.rank_low is None else f"({row.rank_low}–{row.rank_high})"


def format_rank(row: BoardRow) -> str:
    """Return a rank with its range, such as `2 (1–4)`; a dash where there is none."""
    return DASH if row.rank is None else f"{row.rank} {format_range(row)}".rstrip()


def format_share(share: Share | None) -> str:
    """Return a share with its exact interval; a dash where there is none."""
    return DASH if share is None else percent_interval(share.value, share.low, share.high)


def status_label(row: BoardRow, words: Words) -> str:
    """Return why a model holds no rank, in words; nothing where it holds one."""
    if row.status in ("ranked", "too-few-clusters"):  # the caption says so of all rows at once
        return ""
    if row.status == "incomplete":
        return words("incomplete: {reason}", reason=describe_incomplete(row, words))
    if row.status == "trained-on":
        return words("trained on {share} of the targets", share=percent(row.trained_on))
    return words.term(row.status)


def note_no_rank(row: BoardRow, words: Words) -> str:
    """Return what stands under the score of a model without a rank, where something must."""
    if row.status != "trained-on":
        return describe_incomplete(row, words)
    if not row.clean_targets:
        return words.term("trained-on")
    return words.plural(row.clean_targets, "on {n} clean target", "on {n} clean targets")


def name_new_clusters(facts: BoardFacts, words: Words) -> str:
    """Return what intervals speak of, such as `new patients`: the units that are independent."""
    units = {
        "patient": words("new patients"),
        "volume": words("new volumes"),
        "image": words("new images"),
    }
    return words.listing(units[unit] for unit in facts.cluster_units)


def tier_cell(tier: str, words: Words) -> Cell:
    """Return how far scores were checked; on hover, what that promises and what not."""
    texts = {str(name): text for name, text in TIER_TEXTS.items()}
    return Cell(words.term(tier), tier, title=words.term(texts.get(tier, "")))
