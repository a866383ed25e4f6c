"""Commands say what their options are, and stop when they are told to."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from cosmos_board.cli.main import COMMANDS
from cosmos_board.cli.progress import stop_on_signal


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


def test_a_command_that_is_told_to_stop_says_so_with_its_own_code() -> None:
    script = (
        "import os, signal, time, click; from cosmos_board.cli.main import main\n"
        "@click.command()\n"
        "def slow(): os.kill(os.getpid(), signal.SIGTERM); time.sleep(20)\n"
        "import sys; sys.argv = ['slow']; main(slow)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stderr.strip()) == (75, "stopped")


def test_a_second_signal_stops_a_run_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), stop_on_signal() as stopped:  # noqa: PT012
        signal.raise_signal(signal.SIGTERM)
        assert stopped.is_set()
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize(("name", "command"), EVERY, ids=[name for name, _ in EVERY])
def test_every_option_says_what_it_is(name: str, command: click.Command) -> None:
    options = [one for one in command.params if isinstance(one, click.Option)]

    assert [one.opts for one in options if not one.help] == []
    assert command.help
