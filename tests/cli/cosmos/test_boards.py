"""What is published of finished runs."""

from __future__ import annotations

import csv
from pathlib import Path

from cosmos_board.cli.cosmos.boards import publish
from tests.boards import PlantedModel, PlantedTarget, planted_board


def test_a_board_on_which_not_every_prompt_has_scores_is_published(tmp_path: Path) -> None:
    """Such as one of models that have no everything mode."""
    prompts = ("point", "box")
    planted_board(
        tmp_path / "board.duckdb",
        [PlantedModel(name="a", prompts=prompts), PlantedModel(name="b", prompts=prompts)],
        [PlantedTarget(name="ct.liver", dataset="one", clusters=12, references=1)],
        prompts=prompts,
    )

    publish([], tmp_path)

    lines = (tmp_path / "boards.csv").read_text().splitlines()
    rows = list(csv.DictReader(lines))
    assert {row["prompt"] for row in rows} == {"point", "box"}
    assert (tmp_path / "site" / "index.html").exists()
