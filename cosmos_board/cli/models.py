"""`cosmos-board models`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from cosmos_board.core.errors import ExitCode


@click.group("models")
def command() -> None:
    """List, show, fetch and check segmenters."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_models(as_json: bool) -> None:
    """List the segmenters that can be named."""
    from cosmos_board.models.registry import is_ready, list_cards

    cards = list_cards()
    if as_json:
        click.echo(json.dumps([{**asdict(card), "ready": is_ready(card.name)} for card in cards]))
        return
    from cosmos_board.cli.tables import print_table

    print_table(
        "Segmenters",
        ("model", "kind", "weights", "input", "prompts", "ready"),
        [
            (
                card.name,
                card.kind,
                f"{card.parameters / 1e6:.1f} M" if card.parameters else "–",
                f"{card.input_size_px} px" if card.input_size_px else "native",
                str(len(card.prompts)),
                _readiness(card.name),
            )
            for card in cards
        ],
        left=2,
    )


def _readiness(name: str) -> str:
    """Say what is between a user and this segmenter."""
    from cosmos_board.models.checkpoints import CHECKPOINTS
    from cosmos_board.models.registry import is_ready

    if is_ready(name):
        return "yes"
    return f"models fetch {name}" if name in CHECKPOINTS else "needs --checkpoint"


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(name: str, as_json: bool) -> None:
    """Show the card of a segmenter."""
    from cosmos_board.models.registry import get_card

    card = asdict(get_card(name))
    if as_json:
        click.echo(json.dumps(card))
        return
    from cosmos_board.cli.tables import print_facts

    print_facts(card)


@command.command("fetch")
@click.argument("name")
def fetch(name: str) -> None:
    """Download the published weights of a segmenter; resumes, and checks the sha256."""
    from cosmos_board.cli.progress import show_download
    from cosmos_board.models.checkpoints import fetch_checkpoint
    from cosmos_board.models.registry import get_card

    get_card(name)
    with show_download(name) as report:
        path = fetch_checkpoint(name, report=report)
    click.echo(str(path))


@command.command("check")
@click.argument("name")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Weights, where needed.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--everything", is_flag=True, help="Everything mode too, which takes longer.")
def check(name: str, checkpoint: Path | None, device: str, everything: bool) -> None:
    """Check that an adapter keeps its promises: axes, boxes, scale, determinism, batches."""
    from cosmos_board.models.conformance import find_problems
    from cosmos_board.models.registry import load_segmenter

    segmenter = load_segmenter(name, checkpoint=checkpoint, device=device)
    problems = find_problems(segmenter, everything=everything)
    for problem in problems:
        click.echo(f"{name}: {problem.check}: {problem.text}", err=True)
    if problems:
        raise SystemExit(ExitCode.REFUSED)
    click.echo(f"{name}: conforms")
