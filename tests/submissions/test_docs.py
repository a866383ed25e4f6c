"""What the documentation tells a newcomer to type is what works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from cosmos_board.cli.main import group
from cosmos_board.models.conformance import find_problems
from cosmos_board.models.registry import load_segmenter

ROOT = Path(__file__).parents[2]
DOCS = [
    *sorted((ROOT / "site" / "submit").glob("*.md")),
    *sorted((ROOT / "site" / "zh" / "submit").glob("*.md")),
    *(ROOT / "site" / part / "own-environment.md" for part in ("docs", "zh/docs")),
    ROOT / "SECURITY.md",
]


def test_the_example_of_a_model_conforms(tmp_path: Path) -> None:
    text = (ROOT / "site" / "submit" / "index.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "my_model.py").write_text(example)
    segmenter = load_segmenter(f"{tmp_path / 'my_model.py'}:MyModel")
    assert find_problems(segmenter) == []


def find_commands(text: str) -> list[list[str]]:
    """Return the words of every `cosmos-board` command in the code blocks and spans of a page."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`(cosmos-board [^`]+)`", text.replace("\n", " "))
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines() + spans
    found = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in found if words[:1] == ["cosmos-board"]]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_every_command_and_option_that_the_docs_name_exists(path: Path) -> None:
    found = find_commands(path.read_text())
    assert found
    for words in found:
        context = click.Context(group, info_name="cosmos-board")
        command: click.Command = group
        while isinstance(command, click.Group) and words:
            below = command.get_command(context, words[0])
            assert below is not None, words
            command, words = below, words[1:]
        known = {name for option in command.params for name in option.opts}
        for word in words:
            if word.startswith("--"):
                assert word.split("=")[0] in known, (path.name, command.name, word)


def test_each_line_of_what_a_submission_can_do_names_a_test_that_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    table = text[text.index("| | | shown by |") : text.index("## What a tier promises")]
    lines = table.strip().splitlines()[2:]
    assert len(lines) >= 20
    for line in lines:
        named = re.findall(r"\| `([\w/.]+)::(test_\w+)` \|$", line)
        assert len(named) == 1, line
        ((path, name),) = named
        files = [file for file in (ROOT / "tests").rglob("*.py") if str(file).endswith(f"/{path}")]
        assert any(f"\ndef {name}(" in file.read_text() for file in files), line
