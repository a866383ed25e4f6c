"""Advice as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from cosmos_board.board.advice import Advice
from cosmos_board.board.advice_options import Option
from cosmos_board.board.studies.effects import Effect


def describe_advice(advice: Advice) -> Iterator[str]:
    """Yield what the board knows, a line a fact; it says where it knows nothing."""
    size = "" if advice.size_px is None else f" of about {advice.size_px} px"
    yield f"{advice.object} in {advice.modality}{size}: {advice.status}"
    if advice.best is not None:
        yield f"use {_describe_option(advice.best)}"
    if advice.simpler is not None:
        yield f"as good with less work: {_describe_option(advice.simpler)}"
    if advice.careful_px is not None:
        yield (
            f"a displacement up to {advice.careful_px} px costs at most 0.05 Dice"
            if advice.careful_px
            else "even a displacement under 10 px may cost more than 0.05 Dice"
        )
    elif advice.best is not None:
        yield "how careful the prompt must be was not measured (study jitter)"
    for near in advice.near:
        yield f"near: {near.target}: {_describe_option(near.option)}"
    yield from advice.notes


def _describe_option(option: Option) -> str:
    return (
        f"{option.model} with {option.prompt}: Dice {_describe_effect(option.dice)}, "
        f"under 0.5 in {option.failure.value:.0%} of cases ({option.dice.clusters} clusters)"
    )


def _describe_effect(effect: Effect) -> str:
    if effect.low is None:
        return f"{effect.value:.3f}, no interval"
    return f"{effect.value:.3f} ({effect.low:.3f} … {effect.high:.3f})"
