"""Advice as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from cosmos_board.board.advice.advice import Advice
from cosmos_board.board.advice.options import Option
from cosmos_board.board.studies.effects import Effect

MOST_SCORES = 5
"""Scores that are printed where nothing is recommended."""


def describe_advice(advice: Advice) -> Iterator[str]:
    """Yield what the board knows, a line a fact; it says where it knows nothing."""
    size = "" if advice.size_px is None else f" of about {advice.size_px} px"
    yield f"{advice.object} in {advice.modality}{size}: {_STATUS[advice.status]}"
    yield from advice.notes
    if advice.best is not None:
        yield f"use {_describe_option(advice.best)}"
        yield from _describe_effort(advice)
    for option in advice.options[:MOST_SCORES] if advice.best is None else ():
        yield f"score: {_describe_option(option)}"
    for near in advice.near:
        yield f"near: {near.target}: {_describe_option(near.option)}"


_STATUS = {
    "known": "enough patients to advise",
    "inadequate": "no tested model is adequate for this target",
    "thin": "too few clusters to recommend a model",
    "unknown": "no data",
}


def _describe_effort(advice: Advice) -> Iterator[str]:
    if advice.simpler is not None:
        yield f"equivalent and less work: {_describe_option(advice.simpler)}"
    if advice.careful_px is None:
        yield "how exact the prompt must be was not measured (study jitter)"
    elif advice.careful_px:
        yield f"a displacement up to {advice.careful_px} px costs at most 0.05 Dice"
    else:
        yield "even a displacement under 10 px may cost more than 0.05 Dice"


def _describe_option(option: Option) -> str:
    said = f"{option.model} with {option.prompt}: Dice {_describe_effect(option.dice)}"
    clusters = option.dice.clusters
    noun = "cluster" if clusters == 1 else "clusters"
    if option.failure.low is None:
        return f"{said} ({clusters} {noun})"
    if not option.failure.value:
        return f"{said}, under 0.5 in none of the references of {clusters} {noun}"
    share = f"{option.failure.value:.0%} ({option.failure.low:.0%} … {option.failure.high:.0%})"
    return f"{said}, under 0.5 in {share} of references ({clusters} {noun})"


def _describe_effect(effect: Effect) -> str:
    if effect.low is None:
        return f"{effect.value:.3f}, no interval"
    return f"{effect.value:.3f} ({effect.low:.3f} … {effect.high:.3f})"
