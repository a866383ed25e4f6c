"""What one prompt brings over another is measured under one selection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosmos_board.board.types import Board
from cosmos_board.core.scores import Selection
from cosmos_board.site.content.site_data import OVERALL
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.boards.prompts import prompt_page
from cosmos_board.site.pages.sections.writer import PageContext
from tests.site.handmade import KEY, make_board, make_row, make_site_data


def on(prompt: str, selection: Selection, score: float) -> Board:
    key = replace(KEY, slice=OVERALL, prompt=prompt, selection=selection)
    return replace(make_board([make_row("alpha", score, 1)]), key=key)


@pytest.mark.parametrize(
    ("page", "gains"),
    [
        ("box", {"everything": "+0.300", "point": "+0.200"}),
        ("everything", {"box": "−0.300", "point": "−0.050"}),
    ],
)
def test_everything_mode_is_compared_by_the_closest_mask_on_both_sides(
    page: str, gains: dict[str, str]
) -> None:
    """By predicted IoU the box is 0.1 above everything mode, which has the closest mask alone."""
    data = make_site_data(
        on("everything", "oracle", 0.6),
        on("box", "oracle", 0.9), on("box", "predicted", 0.7),
        on("point", "oracle", 0.65), on("point", "predicted", 0.5),
    )  # fmt: skip

    html = prompt_page(PageContext(data, Words()), page).slots
    table = next(part for part in html.values() if "Mean difference in Dice" in part)
    for other, gain in gains.items():
        row = table.partition(f"prompts/{other}/")[2].partition("<tr")[0]
        assert gain in row
