"""The sentences that say what the numbers of a board are."""

from __future__ import annotations

from collections.abc import Collection

from cosmos_board.board.types import Board
from cosmos_board.core.tracks import FULL, find_weakest_tier
from cosmos_board.metrics.table import METRICS
from cosmos_board.site.components.table import Badge
from cosmos_board.site.content.labels import prompt_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.standing import name_new_clusters, tier_cell


def caption(data: SiteData, board: Board, words: Words) -> str:
    """Return the sentences that say what a table's numbers are, and how sure."""
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
        *_explain_intervals(board, words),
        words("Data {version}.", version=data.version_label),
    ]
    return " ".join(parts)


def _explain_intervals(board: Board, words: Words) -> list[str]:
    """Return what is sure about a board: its intervals, ranks and letters."""
    if not board.rows:
        return []
    if not board.facts.ranks:
        return [
            words(
                "Too few clusters to rank: no target here has 10, so these are scores alone, "
                "without confidence interval or rank."
            )
        ]
    parts = [
        words(
            "95 % confidence intervals (CI) for {units} of these datasets.",
            units=name_new_clusters(board.facts, words),
        )
    ]
    if len(board.ranked) > 1:
        parts.append(
            words(
                "In brackets behind a rank: the ranks that these data leave open, at 95 % for all "
                "models together. Two models that share a letter are not separated."
            )
        )
    if least := say_detectable(board, words):
        parts.append(least)
    return parts


def say_detectable(board: Board, words: Words) -> str:
    """Return the least difference that a board could have shown; nothing without a pair."""
    if board.facts.detectable is None:
        return ""
    return words(
        "The least true difference between two models that such data show in 80 % of samples: "
        "{least} (median over pairs).",
        least=number(board.facts.detectable),
    )


def selection_label(selection: str, words: Words) -> str:
    """Return how a candidate was chosen, in words."""
    if selection == "oracle":
        return words("the candidate closest to the reference mask (oracle)")
    return words("candidate chosen by the model’s own predicted IoU")


def track_badges(track: str, tiers: Collection[str], words: Words) -> tuple[Badge, ...]:
    """Return the badges of a submission: its track, and how far the least checked run was."""
    if track == FULL:
        return ()
    tier = tier_cell(find_weakest_tier(tiers), words)
    badges = (Badge(words.term(track)), Badge(tier.text, tier.title))
    return tuple(badge for badge in badges if badge.text)
