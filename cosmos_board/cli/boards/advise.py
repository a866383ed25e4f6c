"""`cosmos-board advise`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.options import DATASETS

if TYPE_CHECKING:
    from cosmos_board.board.advice.advice import Advice
    from cosmos_board.board.advice.choice import Alternative, Choice
    from cosmos_board.board.advice.options import Option
    from cosmos_board.board.types import Share

MOST_SCORES = 10
"""Scores that are printed where nothing is recommended."""


@click.command("advise")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--modality", required=True, help="Such as ct.")
@click.option("--object", "name", required=True, help="Such as liver.")
@click.option("--size", "size_px", type=int, help="Area of the object in pixels.")
@DATASETS
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    db: Path,
    modality: str,
    name: str,
    size_px: int | None,
    datasets: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say which segmenter and prompt to use, what Dice to expect, and what risk."""
    from cosmos_board.board.advice.advice import advise
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.export import round_floats
    from cosmos_board.site.language.messages import say
    from cosmos_board.store.board import open_board

    with open_board(db, datasets) as connection:
        advice = advise(Cube(connection), modality, name, size_px)
    notes = [say(note) for note in advice.notes]
    if as_json:
        document = document_advice(advice) | {"notes": notes}
        click.echo(json.dumps(round_floats(document), ensure_ascii=False))
    else:
        for line in describe_advice(advice, notes):
            click.echo(line)


def document_advice(advice: Advice) -> dict[str, object]:
    """Return the advice as one document: what is advised, beside it all that was weighed."""
    facts = ("modality", "object", "size_px", "clusters", "references", "care", "careful_px")
    best = advice.best
    return {
        "verdict": advice.verdict,
        **_document_choice(best),
        "alternatives": [_document_alternative(one) for one in best.alternatives] if best else [],
        **{name: getattr(advice, name) for name in facts},
        "options": [_document_option(option) for option in advice.options],
        "within_effort": [
            {"effort": one.effort, "adequacy": one.adequacy, **_document_choice(one)}
            for one in advice.choices
        ],
        "near": [{"target": near.target, **_document_choice(near.best)} for near in advice.near],
    }


def _document_choice(choice: Choice | None) -> dict[str, object]:
    option = choice.option if choice else None
    return {
        "model": option.model if option else None,
        "prompt": option.prompt if option else None,
        "expected": choice.expected if choice else None,
        "low": choice.low if choice else None,
        "high": choice.high if choice else None,
        **_document_failure(choice.failure if choice else None),
    }


def _document_failure(share: Share | None) -> dict[str, object]:
    from cosmos_board.cli.boards.board_rows import flatten_share

    return {**flatten_share("failure", share)}


def _document_option(option: Option) -> dict[str, object]:
    names = ("model", "prompt", "mean", "low", "high")
    return {name: getattr(option, name) for name in names} | _document_failure(option.failure)


def _document_alternative(other: Alternative) -> dict[str, object]:
    names = ("difference", "low", "high", "verdict", "detectable", "needed_clusters", "effort")
    option = other.option
    return {
        "model": option.model,
        "prompt": option.prompt,
        "mean": option.mean,
        **{name: getattr(other, name) for name in names},
    }


def describe_advice(advice: Advice, notes: list[str]) -> Iterator[str]:
    """Yield the advice as lines, one fact each, with a line where nothing is known."""
    size = "" if advice.size_px is None else f" of about {advice.size_px} px"
    behind = f" ({_count_clusters(advice.clusters)})" if advice.clusters else ""
    yield f"{advice.object} in {advice.modality}{size}{behind}: {advice.verdict}"
    yield from notes
    if advice.best is not None:
        yield from _describe_choice(advice.best, len(advice.options))
        yield from _describe_less_work(advice.best, advice.clusters)
        yield _describe_care(advice.careful_px)
    else:
        yield from _describe_scores(advice.options)
    for near in advice.near:
        text = _name_option(near.best.option) if near.best else "nothing is advised there"
        yield f"near: {near.target}: {text}"


def _describe_choice(choice: Choice, count: int) -> Iterator[str]:
    ends = f"95 % interval {choice.low:.3f} to {choice.high:.3f}"
    if count > 1:
        ends += f", which allows for the choice among {count}"
    yield f"use {_name_option(choice.option)}"
    yield f"Dice to expect: {choice.expected:.3f} ({ends})"
    share = choice.failure
    ends = f"95 % interval {share.low:.1%} to {share.high:.1%}"
    yield f"Dice under 0.5: {share.value:.1%} of references ({ends})"


def _describe_less_work(choice: Choice, clusters: int) -> Iterator[str]:
    from cosmos_board.cli.tables import FURTHER

    for other in choice.list_less_work():
        difference = f"{_sign(other.difference)} ({_sign(other.low)} to {_sign(other.high)})"
        verdict = _describe_verdict(other, clusters)
        yield f"less work: {_name_option(other.option)}: {difference}: {verdict}"
    if any(other.verdict != "cannot tell" for other in choice.list_less_work()):
        yield f"less work: {FURTHER}"
    if not choice.list_less_work():
        yield "less work: no prompt of fewer clicks was scored"


def _describe_verdict(other: Alternative, clusters: int) -> str:
    if other.verdict == "as good":
        return "as good, to within 0.01 Dice"
    if other.verdict == "worse":
        return "worse"
    least = f"they could have shown a difference of {other.detectable:.3f}"
    needed = f"; about {other.needed_clusters:,} would tell" if other.needed_clusters else ""
    return f"cannot tell with these {_count_clusters(clusters)} ({least}{needed})"


def _describe_care(careful_px: int | None) -> str:
    if careful_px is None:
        return "how exact the prompt must be was not measured (study jitter)"
    if careful_px:
        return f"a displacement up to {careful_px} px costs at most 0.05 Dice"
    return "even a displacement under 10 px may cost more than 0.05 Dice"


def _describe_scores(options: tuple[Option, ...]) -> Iterator[str]:
    for option in options[:MOST_SCORES]:
        ends = "no interval"
        if option.low is not None and option.high is not None:
            ends = f"95 % interval {option.low:.3f} to {option.high:.3f}"
        yield f"score: {_name_option(option)}: mean Dice {option.mean:.3f} ({ends})"
    if len(options) > MOST_SCORES:
        yield f"{len(options) - MOST_SCORES} more with --json"


def _name_option(option: Option) -> str:
    return f"{option.model} with {option.prompt}"


def _count_clusters(count: int) -> str:
    return f"{count} cluster" if count == 1 else f"{count} clusters"


def _sign(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
