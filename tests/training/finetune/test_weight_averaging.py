from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cosmos_board.training.finetune.gain import DiceRow
from cosmos_board.training.finetune.weight_averaging import LaterMean, is_worse, mean_over_clusters


def _rows(*dices: float, clusters: str = "") -> list[DiceRow]:
    names = clusters or "a" * len(dices)
    return [DiceRow(names[i], "ct.liver", "box", i, value) for i, value in enumerate(dices)]


def test_a_cluster_of_many_rows_weighs_as_much_as_one_of_few() -> None:
    assert mean_over_clusters(_rows(1, 1, 1, 0, clusters="aaab")) == pytest.approx(0.5)


def test_one_row_alone_must_not_fall() -> None:
    assert is_worse(_rows(0.8), _rows(0.79))
    assert not is_worse(_rows(0.8), _rows(0.8))


def test_a_fall_within_its_standard_error_is_chance() -> None:
    assert not is_worse(_rows(0.8, 0.6, 0.7), _rows(0.7, 0.65, 0.72))


def test_the_error_is_that_of_clusters_where_there_are_several() -> None:
    """One image that fell, against many of another patient that rose a little, is chance."""
    before = _rows(0.9, *[0.8] * 9, clusters="a" + "b" * 9)

    assert not is_worse(before, _rows(0.4, *[0.81] * 9, clusters="a" + "b" * 9))
    assert is_worse(before, _rows(0.8, *[0.71] * 9, clusters="a" + "b" * 9))


def test_a_fall_that_all_rows_share_is_harm() -> None:
    assert is_worse(_rows(0.8, 0.6, 0.7), _rows(0.7, 0.51, 0.61))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 0.5))
def test_what_rises_everywhere_is_never_harm(dices: list[float], gain: float) -> None:
    assert not is_worse(_rows(*dices), _rows(*(dice + gain for dice in dices)))


@pytest.mark.parametrize(("epochs", "expected"), [(1, 1.0), (2, 2.0), (3, 2.5), (4, 3.5)])
def test_the_mean_is_over_the_second_half_of_the_epochs(epochs: int, expected: float) -> None:
    weight = nn.Parameter(torch.zeros(3))
    mean = LaterMean([weight], epochs)

    for epoch in range(1, epochs + 1):
        with torch.no_grad():
            weight.fill_(epoch)
        mean.add(epoch)
    mean.settle()

    assert weight.tolist() == [expected] * 3
    mean.go_back()
    assert weight.tolist() == [0.0] * 3
