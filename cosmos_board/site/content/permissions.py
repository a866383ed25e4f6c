"""What may be shown of a dataset. Numbers of few patients are as telling as their images."""

from __future__ import annotations

from collections.abc import Mapping

from cosmos_board.core.cards import DatasetCard
from cosmos_board.core.errors import UnknownNameError
from cosmos_board.data.catalog.dataset import PERMISSIONS
from cosmos_board.data.catalog.licence import may, may_show_cell


def is_closed(dataset: str, datasets: Mapping[str, DatasetCard]) -> bool:
    """Return whether the terms of a dataset permit aggregates of enough patients alone."""
    return not may_show_cell(dataset, 0, flags_of(dataset, datasets))


def may_show(dataset: str, action: str, datasets: Mapping[str, DatasetCard]) -> bool:
    """Return whether `action` is permitted; what nobody has looked at is not."""
    try:
        return may(dataset, action, flags_of(dataset, datasets))
    except UnknownNameError:
        return False


def flags_of(name: str, datasets: Mapping[str, DatasetCard]) -> dict[str, bool]:
    """Return what a dataset's pack declares; nothing where it is unknown."""
    granted = datasets[name].permissions if name in datasets else ()
    return {flag: flag in granted for flag in PERMISSIONS}
