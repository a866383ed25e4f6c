"""Killing programs at any moment, and finding what is left of them: for tests on Linux."""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "COSMOS_BOARD_TEST_MARK"
PATIENCE_S = 40.0
"""For processes that were just starting: they look for their parent once they have begun."""

CLI = str(Path(sys.executable).with_name("cosmos-board"))


@dataclass(frozen=True)
class Program:
    """A command, whose processes are known by a word in their environment."""

    command: Sequence[str]
    environment: dict[str, str]

    @property
    def mark(self) -> str:
        return self.environment[MARK]

    def start(self) -> subprocess.Popen[bytes]:
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(self.command, env=self.environment, stdout=nowhere, stderr=nowhere)

    def finish(self, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.command, env=self.environment, capture_output=True, text=True, timeout=timeout_s
        )


def make_program(command: Sequence[str], **environment: str) -> Program:
    """Return a command that can be told from all others that run."""
    return Program(command, {**os.environ, **environment, MARK: secrets.token_hex(8)})


def list_processes(mark: str) -> list[int]:
    """Return the processes that have the word in their environment and are no zombies."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if wanted not in (place / "environ").read_bytes().split(b"\0"):
                continue
            if (place / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(int(place.name))
        except OSError:  # it has just ended
            continue
    return sorted(found)


def wait_for_none(mark: str, patience_s: float = PATIENCE_S) -> list[int]:
    """Return the processes that are still there after a while; none is as it should be."""
    deadline = time.monotonic() + patience_s
    while (left := list_processes(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def count_memory_bytes(processes: Sequence[int]) -> int:
    """Return how much memory processes hold."""
    total = 0
    for process in processes:
        try:
            pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except OSError:
            continue
        total += pages * os.sysconf("SC_PAGE_SIZE")
    return total


def kill_at(program: Program, moment_s: float, rng: random.Random, *, victims: str) -> bool:
    """Start a program and kill it at a moment; return whether it was still running.

    Args:
        program: What is started.
        moment_s: Seconds after its start.
        rng: Chooses among its workers.
        victims: `parent`, `worker` (then the parent, a moment later) or `both` (worker first).
    """
    with program.start() as parent:
        try:
            parent.wait(moment_s)
        except subprocess.TimeoutExpired:
            pass
        else:
            return False
        workers = [pid for pid in list_processes(program.mark) if pid != parent.pid]
        if workers and victims != "parent":
            _kill(rng.choice(workers))
            if victims == "worker":
                time.sleep(rng.uniform(0, 1))
        parent.kill()
    return True


def kill_when(program: Program, is_time: Callable[[], bool], patience_s: float = 60) -> None:
    """Start a program and kill it when it is time."""
    with program.start() as parent:
        deadline = time.monotonic() + patience_s
        try:
            while not is_time():
                assert parent.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            parent.kill()


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def iter_moments(count: int, early_s: float, late_s: float, seed: int = 0) -> Iterator[float]:
    """Yield moments of which every second lies before `early_s`, the others up to `late_s`."""
    rng = random.Random(seed)
    for number in range(count):
        yield rng.uniform(early_s, late_s) if number % 2 else rng.uniform(0, early_s)


def hash_tree(folder: Path) -> str:
    """Return a hash over the names and bytes of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()
