"""What models print never mixes with what a command reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calls import run_program

CHATTY = """
import os

from cosmos_board.models.classical.box_prior import BoxPrior

print("imported")


class Chatty(BoxPrior):
    def __init__(self, **arguments):
        super().__init__()
        print("made")

    def predict(self, *arguments):
        print("asked")
        os.write(1, b"written by compiled code\\n")
        return super().predict(*arguments)
"""


@pytest.fixture
def chatty(tmp_path: Path) -> str:
    (tmp_path / "chatty.py").write_text(CHATTY)
    return f"{tmp_path / 'chatty.py'}:Chatty"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_that_prints_leaves_the_report_alone(
    workers: int, chatty: str, phantom_pack: Path, tmp_path: Path
) -> None:
    done = run_program(
        "eval", phantom_pack, "--model", chatty, "--name", "chatty", "--prompt", "box",
        "--workers", workers, "--out", tmp_path / "run", "--json",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["models"][0]["model"] == "chatty"
    assert "asked" in done.stderr
    assert "written by compiled code" in done.stderr


def test_the_card_of_a_model_that_prints_is_one_document(chatty: str) -> None:
    done = run_program("models", "show", chatty, "--json")

    assert json.loads(done.stdout)["family"] == "box-prior"
    assert "made" in done.stderr
