"""Small git repositories that stand for the platform."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_WHO = {
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(repo: Path, *words: str) -> str:
    """Run git in `repo` and return what it prints."""
    done = subprocess.run(
        ["git", "-C", str(repo), *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, **_WHO},
    )
    return done.stdout.strip()


def commit_all(repo: Path, message: str = "change") -> str:
    """Commit everything and return the commit."""
    git(repo, "add", "-A", "-f")
    git(repo, "commit", "-q", "-m", message)
    return git(repo, "rev-parse", "HEAD")


def make_repository(path: Path) -> str:
    """Make a repository with an empty submissions folder and return its first commit."""
    path.mkdir(parents=True, exist_ok=True)
    git(path, "init", "-q", "-b", "main")
    (path / "submissions").mkdir(exist_ok=True)
    (path / "submissions" / "README.md").write_text("data only\n")
    return commit_all(path, "start")
