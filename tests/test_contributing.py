"""Adding a metric, a finding, a model or a page touches the files that CONTRIBUTING names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.boards import PlantedModel, PlantedTarget, planted_board

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Copy:
    """A copy of the package that a test adds to."""

    root: Path

    def add(self, path: str, before: str, text: str) -> None:
        """Put `text` before the last place of `before` in a file; a new file where it is empty."""
        file = self.root / (path if path == "pyproject.toml" else f"cosmos_board/{path}")
        if not before:
            assert not file.exists()
            file.write_text(text, "utf-8")
            return
        head, found, tail = file.read_text("utf-8").rpartition(before)
        assert found, f"{path} has no {before!r}"
        file.write_text(f"{head}{text}{found}{tail}", "utf-8")

    def run(self, *arguments: object) -> str:
        """Run a command line of the copy; return what it printed."""
        facts = tomllib.loads((self.root / "pyproject.toml").read_text("utf-8"))["project"]
        installed = self.root / "cosmos_board-0.1.0.dist-info"
        installed.mkdir(exist_ok=True)
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: cosmos-board\n")
        lines = [
            line
            for group, points in facts["entry-points"].items()
            for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
        ]
        (installed / "entry_points.txt").write_text("\n".join(lines))
        done = subprocess.run(
            [sys.executable, "-m", "cosmos_board", *map(str, arguments)],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """The package, its project file and the site's sources."""
    root = tmp_path / "copy"
    leave_out = shutil.ignore_patterns("__pycache__")
    for folder in ("cosmos_board", "site"):
        shutil.copytree(ROOT / folder, root / folder, ignore=leave_out)
    for file in ("pyproject.toml", "mkdocs.yml", "mkdocs.zh.yml"):
        shutil.copy(ROOT / file, root)
    return Copy(root)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A board of one model on one target."""
    models = [PlantedModel(name="a")]
    return planted_board(
        tmp_path / "b.duckdb", models, [PlantedTarget(name="ct.liver", dataset="d")]
    )


def files_for(what: str) -> set[str]:
    """Return the files that CONTRIBUTING names in one row."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (row,) = re.findall(rf"(?m)^\| {re.escape(what)} \| (.*) \|$", text)
    return set(re.findall(r"`([\w/.]+\.\w+)`", row))


def test_the_table_names_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = {
        path
        for row in re.findall(r"(?m)^\| a .*$", text)
        for path in re.findall(r"`([\w/.]+)`", row)
    }

    assert len(paths) > 15
    assert {
        p for p in paths if not ((ROOT / "cosmos_board" / p).exists() or (ROOT / p).exists())
    } == set()


def test_a_metric_of_counts_is_one_row(copy: Copy, board: Path) -> None:
    copy.add(
        "metrics/table.py",
        '        Metric(\n            name="hd95_px",',
        '        Metric(name="recall", label="Recall", unit="", higher_is_better=True,\n'
        '            bounds=(0.0, 1.0), sql="1.0 * tp / (tp + fn)", definition="Share found."),\n',
    )

    ranked = json.loads(copy.run("rank", "--db", board, "--metric", "recall", "--format", "json"))

    assert files_for("a metric of tp, fp and fn") == {"metrics/table.py"}
    assert [row["metric"] for row in ranked["rows"]] == ["recall"]


def test_a_finding_is_a_measure_a_row_a_query_and_words(copy: Copy, board: Path) -> None:
    files = files_for("a finding")
    additions = {
        "board/findings/claims.py": (
            ')\n"""F1 … F8',
            '    Claim(id="F9", threshold=0.0, certainty="not found", measure=measure_more),\n',
        ),
        "board/findings/evidence.py": ("", "\n\nmeasure_more = measure_spread\n"),
        "store/queries/findings.py": ("}\n", '    "F9": _target_means("s.prompt", _MAIN),\n'),
        "site/language/messages.py": (
            '    "F2": ClaimText(',
            '    "F9": ClaimText(statement="More.", effect="Mean.", needs="all six prompts"),\n',
        ),
        "site/language/locale/zh/LC_MESSAGES/site.po": (
            "",
            '\nmsgid "More."\nmsgstr "更多。"\n\nmsgid "Mean."\nmsgstr "平均值。"\n',
        ),
    }
    for path, (before, text) in additions.items():
        if before:
            copy.add(path, before, text)
        else:
            file = copy.root / "cosmos_board" / path
            file.write_text(file.read_text("utf-8") + text, "utf-8")
    copy.add("board/findings/claims.py", "    measure_prompts,\n", "    measure_more,\n")

    findings = json.loads(copy.run("analyse", "findings", "--db", board, "--json"))

    assert set(additions) == files
    assert [finding["id"] for finding in findings][-1] == "F9"
    assert findings[-1]["statement"] == "More."


def test_a_model_is_an_adapter_and_an_entry_point(copy: Copy) -> None:
    old = (ROOT / "cosmos_board/models/classical/box_prior.py").read_text("utf-8")
    copy.add("models/classical/mine.py", "", old)
    copy.add(
        "pyproject.toml",
        'box-prior = "',
        'mine = "cosmos_board.models.classical.mine:BoxPrior"\n',
    )

    copy.add(
        "models/known_models.toml",
        "[grabcut]",
        '[mine]\nloader = "cosmos_board.models.classical.mine:BoxPrior"\nlabel = "My model"\n'
        'family = "mine"\nkind = "classical"\nprompts = "points and boxes"\n'
        'licence = "MIT"\npreprocessing = "none"\ndescription = "Mine."\n\n',
    )

    models = json.loads(copy.run("models", "list", "--json"))

    assert files_for("a model family") == {
        "models/classical/box_prior.py",
        "models/known_models.toml",
        "pyproject.toml",
    }
    assert {model["name"]: model["label"] for model in models}["mine"] == "My model"


def test_a_page_is_a_file_and_a_line(copy: Copy, board: Path, tmp_path: Path) -> None:
    copy.add(
        "site/pages/docs/mine.py",
        "",
        "from cosmos_board.site.components.page import Page\n"
        "from cosmos_board.site.pages.sections.writer import PageContext, PageWriter\n\n\n"
        "def my_page(context: PageContext) -> Page:\n"
        '    page = PageWriter(context, "docs/mine.md", "Mine")\n'
        '    page.paragraph("A page of mine.")\n'
        "    return page.finish()\n",
    )
    generate = "site/publish/generate.py"
    copy.add(generate, "    yield definitions_page(context)\n", "    yield my_page(context)\n")
    copy.add(
        generate,
        "from cosmos_board.site.pages.home import",
        "from cosmos_board.site.pages.docs.mine import my_page\n",
    )

    copy.run("site", "build", "--db", board, "--out", tmp_path / "site")

    assert files_for("a page") == {"site/pages/docs/definitions.py", generate}
    assert "A page of mine." in (tmp_path / "site/docs/mine/index.html").read_text("utf-8")
