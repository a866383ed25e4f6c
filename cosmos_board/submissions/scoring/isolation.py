"""No network for a stranger's code: run in namespaces of its own, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import InputError

RECIPE = "SECURITY.md, running a stranger's code"
_INTERFACES = Path("/proc/net/dev")
_UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--ipc", "--pid", "--fork")
_KEPT = ("PATH", "LANG", "LC_ALL", "OMP_NUM_THREADS", "NO_COLOR", "CUDA_VISIBLE_DEVICES")


def is_code(model: str) -> bool:
    """Return whether a model's name stands for a file of code.

    Example:
        >>> is_code("my_model.py:MyModel"), is_code("grabcut")
        (True, False)
    """
    return model.rpartition(":")[0].endswith(".py")


def has_network() -> bool:
    """Return whether this process can see any network but its own loopback."""
    try:
        lines = _INTERFACES.read_text().splitlines()[2:]
    except OSError:
        return True  # no Linux, so nothing is known to be closed
    return any(line.split(":")[0].strip() != "lo" for line in lines)


def refuse_network(model: str) -> None:
    """Refuse to import a stranger's code where it could talk to anybody.

    Raises:
        InputError: If there is a network.
    """
    if is_code(model) and has_network():
        raise InputError("--model", model, "is code and there is a network", want=RECIPE)


def run_isolated(arguments: Sequence[str]) -> int:
    """Run `cosmos-board` with these arguments without network and return its exit code.

    The process has namespaces and a home folder of its own and none of our environment but
    `_KEPT`, so no token or key is in it.

    Raises:
        InputError: If this machine does not let us make such a process.
    """
    if not can_isolate():
        raise InputError("reproduce", "unshare", "is not allowed here", want=RECIPE)
    code = "from cosmos_board.cli.main import main; main()"
    with TemporaryDirectory(prefix="cosmos-board-") as home:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        done = subprocess.run(
            [*_UNSHARE, sys.executable, "-c", code, *arguments],
            env={**kept, "HOME": home, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
    return done.returncode


def can_isolate() -> bool:
    """Return whether this machine lets us make a process without network."""
    try:
        done = subprocess.run([*_UNSHARE, "true"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
