"""The worked examples of the documentation run as they stand, where our packages are not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import open_pack
from cosmos_board.models.conformance import find_problems
from cosmos_board.models.external.kit_file import write_kit
from cosmos_board.models.registry import load_segmenter
from cosmos_board.runner.evaluation.evaluate import evaluate_image

SITE = Path(__file__).parents[3] / "site"
PAGE, CHINESE = (SITE / part / "own-environment.md" for part in ("docs", "zh/docs"))
EXAMPLES = ("worker.py", "volume_worker.py", "older_worker.py")


def read_examples(page: Path) -> dict[str, str]:
    """Return the programs of a page by file name."""
    blocks = re.findall(
        r"```python\n(# my-model/(\S+)\n.*?)```", page.read_text("utf-8"), re.DOTALL
    )
    return {name: code for code, name in blocks}


def make_environment(folder: Path, numpy: str) -> str:
    """Return the Python of a new environment with nothing but numpy; skip where it cannot be."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = str(folder / "bin" / "python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-compile"]
    done = subprocess.run(
        [*install, "--no-deps", "--only-binary", ":all:", numpy], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"{numpy} is not installable here for Python {sys.version.split()[0]}")
    return python


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the kit and the examples."""
    folder = tmp_path_factory.mktemp("my-model")
    write_kit(folder)
    for name, text in read_examples(PAGE).items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment with numpy below 1.24."""
    return make_environment(tmp_path_factory.mktemp("older") / "env", "numpy<1.24")


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_conforms_beside_an_older_numpy(name: str, code: Path, older: str) -> None:
    assert find_problems(load_segmenter(f"exec:{older} {code / name}")) == []


def test_an_example_answers_every_prompt_of_a_run(
    code: Path, older: str, phantom_pack: Path
) -> None:
    model = load_segmenter(f"exec:{older} {code / 'worker.py'}")
    item = next(open_pack(phantom_pack).iter_items())
    rows = evaluate_image(model, item, RunSettings()).rows

    assert len(rows) == len(item.references) * len(model.card.prompts) * 2
    assert {row.scores.status for row in rows} <= {"ok", "penalised"}  # none failed


def test_the_older_example_needs_its_environment(code: Path) -> None:
    problems = find_problems(load_segmenter(f"exec:{sys.executable} {code / 'older_worker.py'}"))
    assert "module 'numpy' has no attribute 'float'" in str(problems[0])


@pytest.mark.slow
def test_examples_conform_beside_the_newest_numpy(code: Path, tmp_path: Path) -> None:
    python = make_environment(tmp_path / "env", "numpy")
    for name in EXAMPLES[:2]:
        assert find_problems(load_segmenter(f"exec:{python} {code / name}")) == []


def test_both_languages_have_the_same_programs_and_commands() -> None:
    assert tuple(read_examples(PAGE)) == EXAMPLES
    assert read_examples(CHINESE) == read_examples(PAGE)
    for page in (PAGE, CHINESE):
        assert page.read_text("utf-8").count("```sh\n") == 3
