"""Tracks: kinds of entry that never share a ranking, and what each can be ranked on."""

from __future__ import annotations

from collections.abc import Sequence

CORE = "core"
"""Predictions on a frozen sample, scored here."""

FULL = "full"
"""Runs over every reference, scored where they were made."""

COUNTS = "counts"
"""Submitted pixel counts over every reference; boundaries cannot be scored from counts."""

SUBMITTED = (CORE, COUNTS)
"""Tracks of pull requests."""

TIERS = ("self-reported", "audited", "re-run")
"""Who stands behind a score, from least to most checked: the submitter; we, who scored their
predictions; maintainers, who ran the model."""

_COUNTED = frozenset({"dice", "iou"})


def choose_metrics(track: str, metrics: Sequence[str]) -> tuple[str, ...]:
    """Return those of `metrics` that `track` can be ranked on.

    Example:
        >>> choose_metrics("counts", ["dice", "nsd"])
        ('dice',)
    """
    return tuple(name for name in metrics if track != COUNTS or name in _COUNTED)
