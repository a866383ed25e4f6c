"""`cosmos-board advise`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cosmos_board.board.advice.advice import Advice
    from cosmos_board.board.advice.options import Option
    from cosmos_board.board.studies.effects import Effect

MOST_SCORES = 5
"""Scores that are printed where nothing is recommended."""

_STATUS = {
    "known": "enough patients to advise",
    "inadequate": "no tested model is adequate for this target",
    "thin": "too few clusters to recommend a model",
    "unknown": "no data",
}


@click.command("advise")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--modality", required=True, help="Such as ct.")
@click.option("--object", "name", required=True, help="Such as liver.")
@click.option("--size", "size_px", type=int, help="Area of the object in pixels.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(db: Path, modality: str, name: str, size_px: int | None, as_json: bool) -> None:
    """Say which segmenter and prompt to use, what Dice to expect, and what risk."""
    from cosmos_board.board.advice.advice import advise
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.export import round_floats
    from cosmos_board.site.language.messages import say
    from cosmos_board.store.board import open_board

    with open_board(db) as connection:
        advice = advise(Cube(connection), modality, name, size_px)
    notes = [say(note) for note in advice.notes]
    if as_json:
        document = {field: getattr(advice, field) for field in advice.__slots__}
        click.echo(json.dumps(round_floats(document | {"notes": notes}), ensure_ascii=False))
    else:
        for line in describe_advice(advice, notes):
            click.echo(line)


def describe_advice(advice: Advice, notes: list[str]) -> Iterator[str]:
    """Yield the advice as lines, one fact each, with a line where nothing is known."""
    size = "" if advice.size_px is None else f" of about {advice.size_px} px"
    yield f"{advice.object} in {advice.modality}{size}: {_STATUS[advice.status]}"
    yield from notes
    if advice.best is not None:
        yield f"use {_describe_option(advice.best)}"
        yield from _describe_effort(advice)
    for option in advice.options[:MOST_SCORES] if advice.best is None else ():
        yield f"score: {_describe_option(option)}"
    for near in advice.near:
        yield f"near: {near.target}: {_describe_option(near.option)}"


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
    text = f"{option.model} with {option.prompt}: Dice {_describe_effect(option.dice)}"
    clusters = option.dice.clusters
    noun = "cluster" if clusters == 1 else "clusters"
    if option.failure.low is None:
        return f"{text} ({clusters} {noun})"
    if not option.failure.value:
        return f"{text}, under 0.5 in none of the references of {clusters} {noun}"
    share = f"{option.failure.value:.0%} ({option.failure.low:.0%} … {option.failure.high:.0%})"
    return f"{text}, under 0.5 in {share} of references ({clusters} {noun})"


def _describe_effect(effect: Effect) -> str:
    if effect.low is None:
        return f"{effect.value:.3f}, no interval"
    return f"{effect.value:.3f} ({effect.low:.3f} … {effect.high:.3f})"
