"""The files around the code say what is true: how to cite us, what a commit is checked for."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from cosmos_board import __version__
from cosmos_board.site.pages.sections.notices import STUDY

ROOT = Path(__file__).parents[1]


def test_the_citation_file_names_this_version_and_the_study() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    (article,) = citation["references"]

    assert citation["version"] == __version__
    assert article["title"].casefold() in STUDY.casefold()
    assert f"{article['journal']} {article['volume']}:{article['start']}" in STUDY


def test_the_hooks_run_what_make_check_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    entries = [hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]]

    assert any("ruff check" in entry for entry in entries)
    assert any("ruff format" in entry for entry in entries)
    assert ".venv/bin/lint-imports" in entries


@pytest.mark.parametrize("page", ["site/docs/architecture.md", "site/zh/docs/architecture.md"])
def test_the_architecture_page_names_what_exists(page: str) -> None:
    """Every path; and every name before a file in brackets is defined in that file."""
    text = (ROOT / page).read_text("utf-8")
    package = ROOT / "cosmos_board"
    paths = set(re.findall(r"`([\w.]+(?:/[\w.]+)+/?)`", text))
    named = re.findall(r"`([\w.]+)`[^`\n]{0,12}[(（]`([\w/]+\.py)`", text)

    assert len(paths) > 30
    assert {p for p in paths if not ((package / p).exists() or (ROOT / p).exists())} == set()
    assert len(named) > 30
    for name, path in named:
        source = (package / path).read_text("utf-8")
        for part in name.split("."):
            assert re.search(rf"(?m)^ *(def|class) {part}\b", source), (name, path)


def test_a_walk_has_at_most_ten_steps() -> None:
    text = (ROOT / "site/docs/architecture.md").read_text("utf-8")
    walks = [re.findall(r"(?m)^\d+\. ", part) for part in text.split("\n## ")[2:]]

    assert [len(walk) for walk in walks if walk] == [9, 10, 10, 10, 7]


@pytest.mark.parametrize(
    ("name", "size", "refused"),
    [
        ("notes.md", 10, False),
        ("site/assets/logo.png", 10, False),
        ("submissions/mine/predictions.parquet", 10, False),
        ("scan.dcm", 10, True),
        ("tests/picture.png", 10, True),
        ("board.duckdb", 10, True),
        ("weights.safetensors", 20_000_001, True),
    ],
)
def test_a_commit_with_data_is_refused(name: str, size: int, refused: bool, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)

    done = subprocess.run(
        ["bash", ROOT / ".ci" / "no-data", name], cwd=tmp_path, capture_output=True, check=False
    )

    assert (done.returncode != 0) == refused, done.stderr
