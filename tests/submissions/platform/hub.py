"""A platform to test on: a bare repository with forks, pull requests, merges and their events.

Requests, merges and events are as the platform documents them: a request's head is
`refs/pull/NUMBER/head` of the base repository, whoever opened it is a numeric id, and
`pull_request_target` runs the workflow file and the code of the default branch.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.submissions.platform.runner import Outcome, run_workflow
from tests.submissions.repositories import commit_all, git

NAME = "owner/cosmos-board"


@dataclass(frozen=True)
class Request:
    """A pull request."""

    number: int
    author: int
    fork: Path
    branch: str
    base: str


@dataclass(frozen=True)
class Board:
    """What a run of `publish` made."""

    outcome: Outcome
    listed: Mapping[str, Any]
    """`entries.json`."""

    @property
    def shown(self) -> dict[str, int]:
        """Version of each entry that is ranked, by slug."""
        return {row["slug"]: row["version"] for row in self.listed["shown"]}

    @property
    def left_out(self) -> dict[str, str]:
        """Why an entry is not ranked, by slug."""
        found: dict[str, str] = self.listed["left_out"]
        return found


@dataclass
class Hub:
    """The base repository, its pull requests and its published site."""

    path: Path
    """Bare."""

    work: Path
    """Folder for clones and jobs."""

    tools: Mapping[str, str]
    """Environment that stands for what the machine of a job has installed."""

    variables: Mapping[str, str]
    """The repository's own settings, `vars` in workflows."""

    requests: list[Request] = field(default_factory=list)
    jobs: int = 0

    @property
    def site(self) -> Path:
        """The site as it is published; absent before the first time."""
        return Path(self.variables["PUBLISHED_URL"])

    def copy(self, work: Path) -> Hub:
        """Return the same platform in another folder; forks and jobs stay behind."""
        shutil.copytree(self.path, work / "hub.git", copy_function=_link)
        if self.site.exists():
            shutil.copytree(self.site, work / "pages")
        variables = {**self.variables, "PUBLISHED_URL": str(work / "pages")}
        return Hub(work / "hub.git", work, self.tools, variables, list(self.requests))

    def find(self, ref: str = "main") -> str:
        """Return the commit of a branch."""
        return git(self.path, "rev-parse", ref)

    def fork(self, name: str) -> Path:
        """Return a clone of the repository as it is now, for somebody to push from."""
        path = self.work / "forks" / name
        if not path.exists():
            git(self.work, "clone", "-q", str(self.path), str(path))
        return path

    def branch(self, name: str, change: Callable[[Path], object], start: str = "main") -> Path:
        """Make a branch in the fork `name`, which is named alike, and commit a change on it."""
        fork = self.fork(name)
        git(fork, "fetch", "-q", "origin")
        git(fork, "checkout", "-q", "-B", name, f"origin/{start}")
        change(fork)
        commit_all(fork, f"change of {name}")
        return fork

    def open(self, name: str, author: int, base: str = "main") -> Request:
        """Open a pull request of the branch that the fork `name` has."""
        request = Request(len(self.requests) + 1, author, self.work / "forks" / name, name, base)
        self.requests.append(request)
        self.push(request)
        return request

    def propose(self, name: str, author: int, change: Callable[[Path], object]) -> Request:
        """Make a branch with a change and open a pull request of it."""
        self.branch(name, change)
        return self.open(name, author)

    def change(self, request: Request, change: Callable[[Path], object]) -> None:
        """Push one more commit to the branch of a request."""
        change(request.fork)
        commit_all(request.fork, "change again")
        self.push(request)

    def push(self, request: Request) -> None:
        """Bring the branch of a request to the base repository, forced or not."""
        ref = f"refs/pull/{request.number}/head"
        git(request.fork, "push", "-q", "-f", str(self.path), f"{request.branch}:{ref}")

    def describe(self, request: Request) -> dict[str, Any]:
        """Return the event of a request as it is now."""
        head = self.find(f"refs/pull/{request.number}/head")
        return {
            "action": "synchronize",
            "number": request.number,
            "pull_request": {
                "number": request.number,
                "user": {"id": request.author},
                "head": {"sha": head, "ref": request.branch},
                "base": {"sha": self.find(request.base), "ref": request.base},
            },
            "repository": {"name": NAME.split("/")[1], "default_branch": "main"},
        }

    def check(self, request: Request, event: dict[str, Any] | None = None) -> Outcome:
        """Run the check of a request, by the event that its last push made."""
        found = self._run("submission", "pull_request_target", event or self.describe(request))
        return found or Outcome("none", "", "", self.work)

    def publish(self, *, render: bool = False, **inputs: str) -> Board:
        """Run what a push to main starts: the whole of it, or up to the database alone."""
        found = self._run("publish", "push", {"inputs": inputs}, "" if render else "--step board")
        assert found is not None
        path = found.place / "build" / "build" / "publish" / "entries.json"
        listed = json.loads(path.read_bytes()) if path.exists() else {}
        return Board(found, listed)

    def merge(self, request: Request, how: str = "merge") -> str:
        """Merge a request in one of the platform's three ways and return main's new commit."""
        desk = self.work / "merges"
        shutil.rmtree(desk, ignore_errors=True)
        git(self.work, "clone", "-q", str(self.path), str(desk))
        git(desk, "fetch", "-q", "origin", f"refs/pull/{request.number}/head:head")
        title = f"Merge request {request.number}"
        if how == "merge":
            git(desk, "merge", "-q", "--no-ff", "-m", title, "head")
        elif how == "squash":
            git(desk, "merge", "-q", "--squash", "head")
            git(desk, "commit", "-q", "-m", title)
        else:
            git(desk, "checkout", "-q", "head")
            git(desk, "rebase", "-q", "main")
            git(desk, "checkout", "-q", "-B", "main", "head")
        git(desk, "push", "-q", "origin", "main")
        return self.find()

    def _run(
        self, name: str, trigger: str, event: dict[str, Any], until: str = ""
    ) -> Outcome | None:
        self.jobs += 1
        place = self.work / "jobs" / str(self.jobs)
        github = {
            "event": event,
            "repository": NAME,
            "repository_owner": NAME.split("/")[0],
            "sha": self.find(),
            "ref": "refs/heads/main",
        }
        context = {"github": github, "vars": self.variables, "inputs": event.get("inputs", {})}
        where = (context, place, self.tools, self.site)
        return run_workflow(self.path, name, trigger, *where, until)


def _link(source: str, target: str) -> None:
    """Objects are never written again, so a copy can be the same file."""
    if "/objects/" in source:
        Path(target).hardlink_to(source)
    else:
        shutil.copy(source, target)
