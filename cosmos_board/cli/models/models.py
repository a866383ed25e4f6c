"""`cosmos-board models`."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from cosmos_board.cli.options import DEVICE
from cosmos_board.cli.progress import send_prints_to_stderr
from cosmos_board.core.errors import ExitCode


@click.group("models")
def command() -> None:
    """List, show, fetch and check segmenters."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_models(as_json: bool) -> None:
    """List the segmenters that can be named, and how each known model is loaded."""
    from cosmos_board.models.cards import KNOWN
    from cosmos_board.models.registry import is_ready, list_cards

    cards = {name: known.card for name, known in KNOWN.items()}
    cards.update((card.name, card) for card in list_cards())
    if as_json:
        click.echo(
            json.dumps(
                [
                    {**asdict(card), **_facts(name), "ready": is_ready(name)}
                    for name, card in cards.items()
                ]
            )
        )
        return
    from cosmos_board.cli.tables import print_table

    print_table(
        "Segmenters",
        ("model", "--model", "kind", "ready", "weights", "input", "prompts"),
        [
            (
                name,
                str(_facts(name)["loads_as"] or _facts(name)["how"] or "–"),
                card.kind,
                _readiness(name),
                f"{card.parameters / 1e6:.1f} M" if card.parameters else "–",
                f"{card.input_size_px} px" if card.input_size_px else "native",
                str(len(card.prompts)),
            )
            for name, card in cards.items()
        ],
        left=4,
        keep=2,
    )


def _facts(name: str) -> dict[str, object]:
    """Return how a model is loaded and what is known of its weights."""
    from cosmos_board.models.cards import KNOWN

    known = KNOWN.get(name)
    if known is None:
        return {"loads_as": name, "also": None, "how": None, "checkpoint": None, "sha256": None}
    return {
        "loads_as": known.loads_as,
        "also": known.address if known.address != known.loads_as else None,
        "how": known.how,
        "checkpoint": known.checkpoint,
        "sha256": known.sha256,
        "preprocessing": known.preprocessing,
        "volume_prompts": known.volume_prompts,
    }


def _readiness(name: str) -> str:
    """Say what is between a user and this segmenter."""
    from cosmos_board.models.registry import is_ready, resolve_name
    from cosmos_board.models.weights.checkpoints import CHECKPOINTS

    if is_ready(name):
        return "yes"
    if name in CHECKPOINTS or resolve_name(name).startswith("hf:"):
        return f"models fetch {name}"
    facts = _facts(name)
    if facts["how"]:
        return "needs FILE"
    return "needs --checkpoint" if facts["loads_as"] else "needs your own class"


@command.command("show")
@click.argument("name")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Weights, where needed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(name: str, checkpoint: Path | None, as_json: bool) -> None:
    """Show the card of a segmenter, how it is loaded, and where its weights are.

    NAME is whatever `eval --model` takes: a name, file.py:Class, a file of weights, hf:, onnx: or
    clicks: and an address, or exec: and a command. All but names are loaded to be shown.
    """
    from cosmos_board.models.registry import find_card

    with send_prints_to_stderr():
        card = {**asdict(find_card(name, checkpoint)), **_facts(name)}
    if as_json:
        click.echo(json.dumps(card))
        return
    from cosmos_board.cli.tables import print_facts

    if card["checkpoint"]:
        card["sha256"] = card["sha256"] or "unknown"
    print_facts({key: fact for key, fact in card.items() if fact is not None})


@command.command("fetch")
@click.argument("name")
def fetch(name: str) -> None:
    """Download the published weights of a segmenter; resumes, and checks the sha256.

    NAME may be hf:OWNER/NAME: of such a repository only JSON and safetensors are fetched.
    """
    from cosmos_board.cli.transfers import show_transfers
    from cosmos_board.models.registry import get_card, resolve_name
    from cosmos_board.models.weights.checkpoints import fetch_checkpoint

    prefix, _, address = resolve_name(name).partition(":")
    if prefix == "hf":
        from cosmos_board.models.external.hf_files import fetch as fetch_repository

        click.echo(str(fetch_repository(address)))
        return
    get_card(name)
    with show_transfers(name) as report:
        path = fetch_checkpoint(name, report=partial(report, name))
    click.echo(str(path))


@command.command("check")
@click.argument("name")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Weights, where needed.")
@DEVICE
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


@command.command("worker-kit")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File or folder to write. Default: print it."
)
def worker_kit(out: Path | None) -> None:
    """Print or write worker_kit.py, for a model in an environment of its own (exec:)."""
    from cosmos_board.models.external.kit_file import read_kit, write_kit

    if out is None:
        click.echo(read_kit(), nl=False)
    else:
        click.echo(str(write_kit(out)))
