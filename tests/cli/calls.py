"""The command line, in this process or in one of its own."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import click

from cosmos_board.cli.main import group, main

PROGRAM = str(Path(sys.executable).with_name("cosmos-board"))


def call(*arguments: object, command: click.Command = group) -> subprocess.CompletedProcess[str]:
    """Run a command as the program does, in this process, and return what it said."""
    words = ["cosmos-board", *map(str, arguments)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    handler = signal.getsignal(signal.SIGTERM)
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", words):
        try:
            main(command)
        except SystemExit as left:
            code = int(left.code or 0)
        finally:
            signal.signal(signal.SIGTERM, handler)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def run_program(
    *arguments: object, preexec_fn: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program and return what it said."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=preexec_fn,
    )


def assert_refused(done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    """Assert one line, the right exit code and no traceback."""
    lines = [line for line in done.stderr.splitlines() if "images/s" not in line]
    assert done.returncode == code, done.stderr
    assert len(lines) == 1, done.stderr
    assert words in lines[0]
