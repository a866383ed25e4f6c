"""Tracks and tiers: where scores come from, and how thoroughly they were checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal, TypeAlias, get_args

Track: TypeAlias = Literal["core", "full", "counts"]
"""A kind of run. Tracks never share a ranking."""

CORE: Final = "core"
"""Predictions on a frozen sample, scored here."""

FULL: Final = "full"
"""Runs over every reference, scored where they were made."""

COUNTS: Final = "counts"
"""Submitted pixel counts over every reference; boundaries cannot be scored from counts."""

SUBMITTED = (CORE, COUNTS)
"""Tracks of pull requests."""

Tier: TypeAlias = Literal["self-reported", "audited", "re-run"]
"""Who computed a score: the submitter; we, who scored their predictions or a sample of them;
maintainers, who ran the model."""

TIERS: tuple[Tier, ...] = get_args(Tier)
"""From least to most checked."""

_COUNTED = frozenset({"dice", "iou"})


def choose_metrics(track: str, metrics: Sequence[str]) -> tuple[str, ...]:
    """Return those of `metrics` that `track` can be ranked on.

    Example:
        >>> choose_metrics("counts", ["dice", "nsd"])
        ('dice',)
    """
    return tuple(name for name in metrics if track != COUNTS or name in _COUNTED)


def find_weakest_tier(tiers: Collection[str]) -> str:
    """Return the least checked of `tiers`, an unknown word before any other; empty if none.

    Example:
        >>> find_weakest_tier({"re-run", "audited"}), find_weakest_tier({"guessed", "audited"})
        ('audited', 'guessed')
    """
    unknown = sorted(set(tiers) - set(TIERS))
    return next((tier for tier in (*unknown, *TIERS) if tier in tiers), "")
