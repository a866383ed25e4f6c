"""What a stranger must not be able to do through the workflows, read off their files."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
STRANGERS = ("submission.yml",)
"""Workflows that look at a stranger's files."""


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_token_has_rights_but_those_a_job_names(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {}
    assert ("pull_request_target" in path.read_text()) == (path.name in STRANGERS)
    assert "workflow_run" not in path.read_text()
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_and_keeps_no_credentials(path: Path) -> None:
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False
    for line in re.findall(r"\buses: .*", path.read_text()):
        assert re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), "no version beside the pin"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_x01_x02_nothing_is_expanded_inside_a_shell(path: Path) -> None:
    for step in steps(path):
        assert "${{" not in step.get("run", "")
    assert not re.search(
        r"\$\{\{[^}]*(title|body|head_ref|head\.ref|label|message)", path.read_text()
    )


@pytest.mark.parametrize("name", STRANGERS)
def test_x09_the_check_of_a_stranger_can_write_nothing(name: str) -> None:
    path = ROOT / ".github" / "workflows" / name
    for job in read(path)["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
    assert not re.search(r"secrets\.|github\.token", path.read_text())
    used = [step["uses"].split("@")[0] for step in steps(path) if "uses" in step]
    assert used == ["actions/checkout", "actions/setup-python"], "no cache and no artifact"


def test_no_job_checks_out_a_strangers_commit() -> None:
    """What a request holds is fetched as objects by `.ci/check`, and written nowhere as files."""
    for path in WORKFLOWS:
        for step in steps(path):
            if "checkout" in step.get("uses", ""):
                assert step["with"].keys() <= {"persist-credentials", "fetch-depth"}
    script = (ROOT / ".ci" / "check").read_text()
    assert not re.search(r"git (checkout|merge|worktree|submodule|pull|clone)", script)
    assert "transfer.fsckObjects=true" in script


def test_the_check_listens_to_requests_to_main_alone() -> None:
    path = ROOT / ".github" / "workflows" / "submission.yml"
    trigger = yaml.load(path.read_text(), yaml.BaseLoader)["on"]
    assert trigger.keys() == {"pull_request_target"}
    assert trigger["pull_request_target"]["branches"] == ["main"]
    assert "edited" in trigger["pull_request_target"]["types"], "a request may get another base"


def find_linter(name: str) -> str | None:
    """Return where a linter is: on the path, or where `.ci/lint` installs it."""
    return shutil.which(name) or shutil.which(name, path=str(ROOT / "build" / "lint" / "bin"))


@pytest.mark.parametrize(
    "command",
    [["actionlint"], ["zizmor", "--offline", "--no-progress", "--persona", "auditor"]],
    ids=lambda command: command[0],
)
def test_linters_find_nothing(command: list[str]) -> None:
    program = find_linter(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed; .ci/lint installs it")
    words = [program, *command[1:], *map(str, WORKFLOWS)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_finding_is_allowed_and_says_why() -> None:
    allowed = [line for path in WORKFLOWS for line in path.read_text().splitlines()
               if "zizmor: ignore" in line]  # fmt: skip
    assert len(allowed) == 1
    assert re.search(r"ignore\[dangerous-triggers\] \w.{20,}", allowed[0])


@pytest.mark.parametrize("name", ["requirements.txt", "lint-requirements.txt"])
def test_what_strangers_jobs_install_is_pinned_by_hash(name: str) -> None:
    lines = (ROOT / ".ci" / name).read_text().splitlines()[1:]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.!+-]+ --hash=sha256:[0-9a-f]{64}", line), line


def test_the_lock_holds_every_dependency_in_a_version_that_is_wanted() -> None:
    lines = (ROOT / ".ci" / "requirements.txt").read_text().splitlines()[1:]
    pairs = (line.split(" ")[0].split("==") for line in lines)
    locked = {fold(name): version for name, version in pairs}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in project["dependencies"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(locked[fold(wanted.name)]), text


def fold(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("workflow", "job"), [("submission", "check"), ("publish", "build"), ("nightly", "rebuild")]
)
def test_jobs_that_meet_strangers_install_from_the_lock_alone(workflow: str, job: str) -> None:
    found = read(ROOT / ".github" / "workflows" / f"{workflow}.yml")["jobs"][job]["steps"]
    scripts = [step["run"] for step in found if "run" in step]
    assert "bash .ci/prepare" in scripts
    assert not any(re.search(r"\bpip\b|make", text) for text in scripts)
    for name in ("check", "publish", "site-url"):
        assert "pip install" not in (ROOT / ".ci" / name).read_text()
    script = (ROOT / ".ci" / "prepare").read_text()
    assert script.count("pip install") == 1
    assert "--only-binary=:all:" in script
    for line in re.findall(r'^"\$\{install\[@\]\}" .*$', script, re.MULTILINE):
        assert "--require-hashes" in line or "--no-index" in line
