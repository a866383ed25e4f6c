from __future__ import annotations

import pytest

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.data.catalog.dataset import PERMISSIONS
from cosmos_board.data.catalog.licence import may, may_show_cell
from cosmos_board.data.catalog.load import load_catalog


def test_what_nobody_has_looked_at_is_an_error_and_not_a_no() -> None:
    with pytest.raises(UnknownNameError, match="catalog: dataset: unknown name"):
        may("my-own-scans", "show_thumbnails")
    with pytest.raises(UnknownNameError, match="licence: action: unknown name"):
        may("acdc", "show_everything")


@pytest.mark.parametrize("action", PERMISSIONS)
def test_a_dataset_of_the_study_permits_nothing_yet(action: str) -> None:
    assert not any(may(dataset.name, action) for dataset in load_catalog().cosmos)


def test_what_is_permitted_passes() -> None:
    assert may("demo-nuclei", "show_thumbnails")


def test_a_dataset_of_ones_own_permits_what_its_pack_declares_and_no_more() -> None:
    declared = {"show_thumbnails": True}

    assert may("my-own-scans", "show_thumbnails", declared)
    assert not may("my-own-scans", "commercial", declared)


def test_a_pack_cannot_loosen_what_the_catalog_says() -> None:
    assert not may("acdc", "show_thumbnails", {"show_thumbnails": True})


@pytest.mark.parametrize(
    ("dataset", "clusters", "shown"),
    [
        pytest.param("acdc", 9, False, id="restricted, nine patients"),
        pytest.param("acdc", 10, True, id="restricted, ten patients"),
        pytest.param("demo-chest-ct", 1, True, id="open, one patient"),
    ],
)
def test_small_cells_of_restricted_datasets_stay_hidden(
    dataset: str, clusters: int, shown: bool
) -> None:
    assert may_show_cell(dataset, clusters) is shown
