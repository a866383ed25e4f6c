"""Whoever asks a command for help is told what each of its options is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from cosmos_board.cli.main import COMMANDS


def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and those below it, by the words that call them."""
    yield name, command
    for inner, one in getattr(command, "commands", {}).items():
        yield from walk(f"{name} {inner}", one)


EVERY = [
    pair
    for name, (module, _) in COMMANDS.items()
    for pair in walk(name, import_module(f"cosmos_board.cli.{module}").command)
]


@pytest.mark.parametrize(("name", "command"), EVERY, ids=[name for name, _ in EVERY])
def test_every_option_says_what_it_is(name: str, command: click.Command) -> None:
    options = [one for one in command.params if isinstance(one, click.Option)]

    assert [one.opts for one in options if not one.help] == []
    assert command.help
