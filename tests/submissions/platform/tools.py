"""What the machine of a job has: git, bash, and a Python whose packages are these tests' own.

`python3 -m venv` makes an environment that sees this environment's packages, and its `pip` installs
nothing but the checkout that it is asked for: a copy of its code, made once for each tree of it.
`npm ci` brings one script, and `make demo` leaves a run that was made before.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from sys import executable

_PYTHON = """#!/bin/bash
# Stands for python3: makes environments that need no download.
set -euo pipefail
[ "${{1:-}} ${{2:-}}" = "-m venv" ] || exec {python} "$@"
{python} -m venv --without-pip "$3"
packages=("$3"/lib/python*/site-packages)
printf "%s\\n" {shared} >"$packages/shared.pth"
mkdir "$packages/pip" "$packages/numba"
echo 'raise ImportError("is not in the lock")' >"$packages/numba/__init__.py"
touch "$packages/pip/__init__.py"
cp {pip} "$packages/pip/__main__.py"
"""

_PIP = '''"""Stands for pip: a list of packages is there already, a checkout is put on the path."""
import pathlib, subprocess, sys

words = sys.argv[1:]
assert words[0] == "install" and "--only-binary=:all:" in words, words
assert ("--require-hashes" in words) != ("--no-index" in words), words
if "--no-index" in words:
    checkout = pathlib.Path(words[-1]).resolve()
    git = ["git", "-C", str(checkout)]
    tree = subprocess.check_output([*git, "rev-parse", "HEAD:cosmos_board"], text=True).strip()
    kept = pathlib.Path({cache!r}) / tree
    if not kept.exists():
        kept.mkdir()
        code = ["cosmos_board", "site", "mkdocs.yml", "mkdocs.zh.yml"]
        archive = subprocess.check_output([*git, "archive", "HEAD", *code])
        subprocess.run(["tar", "-x", "-C", str(kept)], input=archive, check=True)
    pathlib.Path(__file__).parents[1].joinpath("project.pth").write_text(str(kept))
'''


_NPM = """#!/bin/bash
[ "$1" = ci ] && mkdir -p node_modules/hyparquet/src && touch node_modules/hyparquet/src/index.js
"""


def make_tools(folder: Path, run: Path) -> dict[str, str]:
    """Write the programs of a job's machine into `folder` and return its environment.

    Args:
        folder: A new folder.
        run: The run that `make demo` leaves.
    """
    bin_, cache = folder / "bin", folder / "cache"
    bin_.mkdir(parents=True)
    cache.mkdir()
    (folder / "pip.py").write_text(_PIP.format(cache=str(cache)))
    shared = " ".join(path for path in sys.path if path.endswith("site-packages"))
    programs = {
        "python3": _PYTHON.format(python=executable, shared=shared, pip=folder / "pip.py"),
        "npm": _NPM,
        "make": f'#!/bin/bash\n[ "$*" = demo ]\nmkdir -p build/demo\ncp -r {run} build/demo/run\n',
    }
    for name, text in programs.items():
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    return {
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "OMP_NUM_THREADS": "1",
        "NO_MKDOCS_2_WARNING": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
