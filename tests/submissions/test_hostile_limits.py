"""No process that meets a stranger's bytes takes more than 512 MB or 10 s, whatever they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.submissions.hostile import CASES
from tests.submissions.hostile_folders import FOLDERS, MANIFESTS
from tests.submissions.hostile_parquet import PARQUET
from tests.submissions.samples import Sample

MOST_BYTES = 512 << 20
MOST_S = 10.0
ALL = {**CASES, **FOLDERS, **MANIFESTS, **PARQUET}
HEAVY = ("Q18", "L14", "B33", "B36", "B75")
"""Those that cost most before there were limits; the others are measured every night."""

_LAUNCHER = """
import json, os, sys, time
began = time.monotonic()
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, used.ru_maxrss << 10, time.monotonic() - began]))
"""
"""A process counts what its parent held when it began, so the parent that measures is a small one.
What a process used is the most of itself and of its own children."""


def measure(folder: Path, pack: Path, external: Path) -> tuple[int, int, float, str]:
    """Return exit code, most bytes of any process, seconds and the lines of `submit check`."""
    command = [sys.executable, "-m", "cosmos_board", "submit", "check", str(folder)]
    command += ["--pack", str(pack), *(["--external", str(external)] if external.is_dir() else [])]
    log = folder.parents[1] / "log"
    with log.open("wb") as lines:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command],
            stdout=subprocess.PIPE, stderr=lines, check=True, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip
    *said, last = done.stdout.decode().splitlines()
    code, used, seconds = json.loads(last)
    return code, used, seconds, "\n".join([*said, log.read_text(errors="replace")])


@pytest.mark.parametrize(
    "name",
    [name if name in HEAVY else pytest.param(name, marks=pytest.mark.slow) for name in sorted(ALL)],
)
def test_hostile_bytes_stay_within_limits(
    name: str, sample: Sample, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    case = ALL[name]
    case.make(sample, tmp_path)
    folders = [*(tmp_path / "submissions").glob("*"), *(tmp_path / "made/submissions").glob("*")]
    if not folders:
        pytest.skip("no folder of files")
    code, used, seconds, said = measure(folders[0], sample.pack, tmp_path / "files")
    record_property("bytes", used)
    record_property("seconds", seconds)
    assert code in (0, 1), said
    assert "Traceback" not in said
    assert used <= MOST_BYTES
    assert seconds <= MOST_S
