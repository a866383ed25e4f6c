"""Run by `make test-light` where no extra is installed: the light half must work without torch."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from cosmos_board.store.board import open_board_to_write

COMMANDS = (
    ("--help",),
    ("data", "list"),
    ("models", "list"),
    ("rank", "--help"),
    ("submit", "check", "--help"),
    ("site", "build", "--help"),
)


def main() -> int:
    """Run every command; return the number that failed."""
    if importlib.util.find_spec("torch") is not None:
        sys.stderr.write("torch is installed here, so this shows nothing\n")
        return 1
    program = Path(sys.executable).with_name("cosmos-board")
    folder = Path(tempfile.mkdtemp(prefix="cosmos-board-light-"))
    with open_board_to_write(folder / "board.duckdb"):
        pass
    build = ("site", "build", "--db", str(folder / "board.duckdb"), "--out", str(folder / "site"))
    failures = 0
    for command in (*COMMANDS, build):
        done = subprocess.run([str(program), *command], capture_output=True, text=True, check=False)
        failures += done.returncode != 0
        sys.stdout.write(f"cosmos-board {' '.join(command)}: exit {done.returncode}\n")
        sys.stdout.write(done.stderr)
    return failures


if __name__ == "__main__":
    sys.exit(main())
