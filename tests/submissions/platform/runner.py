"""Runs the workflows of a repository as the platform does: each `run` step as it stands, in bash.

`actions/checkout` is a clone of what it names, artifacts are folders, and Pages is a folder.
What a step would install is on the machine already: see `tools.py`. Nothing else is left out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.submissions.repositories import git

KNOWN = ("setup-python", "attest-build-provenance")
_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")


@dataclass(frozen=True)
class Outcome:
    """How a run of a workflow ended."""

    conclusion: str
    """`success` or `failure`."""

    summary: str
    log: str
    place: Path
    """Folder that has a checkout of each job, by the job's key."""


def run_workflow(
    hub: Path,
    name: str,
    trigger: str,
    context: Mapping[str, Any],
    place: Path,
    tools: Mapping[str, str],
    pages: Path,
    until: str = "",
) -> Outcome | None:
    """Run the workflow `name` of the default branch; None where its `on` asks for no run.

    Steps after the first whose script ends with `until` are left, where that is given.
    """
    text = git(hub, "show", f"main:.github/workflows/{name}.yml")
    workflow = yaml.load(text, Loader=yaml.BaseLoader)
    asked = workflow["on"].get(trigger) or {}
    base = context["github"]["event"].get("pull_request", {}).get("base", {}).get("ref", "main")
    if "branches" in asked and base not in asked["branches"]:
        return None
    place.mkdir(parents=True)
    (place / "summary.md").touch()
    log = ""
    for key, job in workflow["jobs"].items():
        job_run = _Job(hub, context, place, place / key, tools, pages)
        job_run.checkout.mkdir()
        for step in job["steps"]:
            done = job_run.take(step)
            log += done.stdout
            if done.returncode or (until and step.get("run", "").endswith(until)):
                ended = "failure" if done.returncode else "success"
                return Outcome(ended, (place / "summary.md").read_text(), log, place)
    return Outcome("success", (place / "summary.md").read_text(), log, place)


@dataclass(frozen=True)
class _Job:
    hub: Path
    context: Mapping[str, Any]
    place: Path
    checkout: Path
    tools: Mapping[str, str]
    pages: Path

    def take(self, step: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """Take one step."""
        if "run" in step:
            return self._run(step["run"], step.get("env", {}))
        action = step["uses"].split("@")[0].split("/")[-1]
        given = {name: self._expand(text) for name, text in step.get("with", {}).items()}
        if action not in KNOWN:
            getattr(self, "_" + action.replace("-", "_"))(given)
        return subprocess.CompletedProcess([], 0, "", "")

    def _run(self, script: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        assert "${{" not in script
        github = self.context["github"]
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.checkout,
            env={
                **self.tools,
                "GITHUB_REPOSITORY": github["repository"],
                "GITHUB_SHA": github["sha"],
                "GITHUB_STEP_SUMMARY": str(self.place / "summary.md"),
                **{name: self._expand(text) for name, text in env.items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def _expand(self, text: str) -> str:
        def find(match: re.Match[str]) -> str:
            value: Any = self.context
            for part in match[1].split("."):
                value = value.get(part, "") if isinstance(value, Mapping) else ""
            return str(value)

        return _EXPRESSION.sub(find, text)

    def _checkout(self, given: Mapping[str, str]) -> None:
        assert given["persist-credentials"] == "false"
        assert "ref" not in given, "the code is main's"
        depth = [] if given.get("fetch-depth") == "0" else ["--depth", "1"]
        words = ["clone", "-q", *depth, "-b", "main", f"file://{self.hub}", str(self.checkout)]
        git(self.place, *words)
        assert git(self.checkout, "rev-parse", "HEAD") == self.context["github"]["sha"]

    def _upload_artifact(self, given: Mapping[str, str]) -> None:
        paths = [self.checkout / line for line in given["path"].split()]
        root = paths[0] if len(paths) == 1 else self.checkout / "build" / "publish"
        for path in paths:
            target = self.place / "artifacts" / given["name"] / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, target)

    def _download_artifact(self, given: Mapping[str, str]) -> None:
        _copy(self.place / "artifacts" / given["name"], self.checkout / given["path"])

    def _upload_pages_artifact(self, given: Mapping[str, str]) -> None:
        _copy(self.checkout / given["path"], self.place / "artifacts" / "github-pages")

    def _deploy_pages(self, _: Mapping[str, str]) -> None:
        shutil.rmtree(self.pages, ignore_errors=True)
        _copy(self.place / "artifacts" / "github-pages", self.pages)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
