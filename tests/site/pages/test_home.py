"""The cards of the home page name a highest and a lowest target where the data tell them apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosmos_board.board.types import Board, Slice
from cosmos_board.site.content.site_data import OVERALL, SiteData
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.home import home_page
from cosmos_board.site.pages.sections.writer import PageContext
from cosmos_board.store.queries.targets import TargetInfo
from tests.site.handmade import KEY, make_board, make_row, make_site_data


def on(part: Slice, score: float) -> Board:
    board = make_board([make_row("alpha", score, 1), make_row("beta", 0.1, 2)])
    return replace(board, key=replace(KEY, slice=part))


def home_of(scores: dict[str, float]) -> str:
    boards = [on(Slice("target", name), score) for name, score in scores.items()]
    data = make_site_data(on(OVERALL, 0.5), *boards)
    targets = tuple(
        TargetInfo(modality="ct", object=name.removeprefix("ct."), dataset="one", synthetic=False)
        for name in scores
    )
    shown = SiteData(version=data.version, boards=data.boards, targets=targets)
    return "".join(home_page(PageContext(shown, Words())).slots.values())


def test_highest_and_lowest_come_with_model_prompt_and_interval() -> None:
    html = home_of({"ct.liver": 0.9, "ct.lung": 0.6, "ct.spleen": 0.3})

    assert "ALPHA, prompt “Box”: highest of 3 targets" in html
    assert "Dice 0.900 (0.880–0.920)" in html
    assert "ALPHA, prompt “Box”: lowest of 3 targets" in html
    assert "Dice 0.300 (0.280–0.320)" in html


@pytest.mark.parametrize("gap", [0.0, 0.03])
def test_targets_whose_intervals_overlap_are_not_put_in_an_order(gap: float) -> None:
    assert "highest of" not in home_of({"ct.liver": 0.5 + gap, "ct.lung": 0.5})
