"""What a stranger must not be able to do through the workflows, read off their files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

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
    assert "pull_request_target" not in path.read_text()
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_and_keeps_no_credentials(path: Path) -> None:
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


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
    assert "secrets." not in path.read_text()
    assert "cache" not in [step.get("uses", "").split("/")[-1] for step in steps(path)]
    first, second = (step for step in steps(path) if "checkout" in step.get("uses", ""))
    assert first["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert second["with"]["sparse-checkout"] == "submissions"


def test_the_trusted_answer_takes_nothing_of_the_pull_request_but_its_report() -> None:
    path = ROOT / ".github" / "workflows" / "report.yml"
    (checkout,) = (step for step in steps(path) if "checkout" in step.get("uses", ""))
    assert checkout["with"] == {"persist-credentials": False}
