"""Where numbers come from: versions, machine, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from cosmos_board.core.run_record import Provenance

_PACKAGES = (
    "cosmos-board", "numpy", "scipy", "opencv-python-headless", "pycocotools", "numba",
    "scikit-image", "torch", "torchvision", "segment-anything", "transformers", "onnxruntime",
)  # fmt: skip


def collect_provenance() -> Provenance:
    """Return versions, machine and commit."""
    return Provenance(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        processors=os.cpu_count(),
        packages={name: version for name in _PACKAGES if (version := _version(name))},
        commit=_commit(),
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of our own source tree, where we run from one."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
