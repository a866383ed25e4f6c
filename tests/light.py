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
    ("models", "worker-kit"),
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
    with tempfile.TemporaryDirectory(prefix="cosmos-board-light-") as folder:
        board = Path(folder) / "board.duckdb"
        with open_board_to_write(board):
            pass
        build = ("site", "build", "--db", str(board), "--out", str(Path(folder) / "site"))
        return sum(run(program, command) != 0 for command in (*COMMANDS, build))


def run(program: Path, command: tuple[str, ...]) -> int:
    """Run one command, say how it ended and return its exit code."""
    done = subprocess.run([str(program), *command], capture_output=True, text=True, check=False)
    sys.stdout.write(f"cosmos-board {' '.join(command)}: exit {done.returncode}\n")
    sys.stdout.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
