"""How exact a prompt must be: what its displacement costs the option that is advised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosmos_board.board.advice.options import Option
from cosmos_board.board.studies.effects import Effect
from cosmos_board.board.studies.jitter import JitterRow

CAREFUL_DROP = 0.05
"""Largest acceptable loss of Dice by a displaced prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What a displacement of the prompt costs."""

    level: int
    """Displacements lie in [level, level + 10) pixels."""

    drop: Effect


def find_care(option: Option, target: str, jitter: Sequence[JitterRow]) -> tuple[Care, ...]:
    """Return what displacements cost an option, the smallest first."""
    mode = "first" if option.prompt in ("point", "box", "box-point") else "all"
    return tuple(
        Care(level=row.level, drop=row.drop)
        for row in sorted(jitter, key=lambda row: row.level)
        if (row.model, row.prompt, row.selection, row.mode, row.target)
        == (option.model, option.prompt, "predicted", mode, target)
    )


def find_careful_px(care: tuple[Care, ...]) -> int | None:
    """Return the displacement up to which at most 0.05 Dice is surely lost.

    0 where even the least displacement may cost more; None where that was not measured.
    """
    if not care or care[0].drop.verdict_ends is None:
        return None
    careful_px = 0
    for step in care:
        ends = step.drop.verdict_ends
        if ends is None or ends[1] > CAREFUL_DROP:
            break
        careful_px = step.level + 10
    return careful_px
