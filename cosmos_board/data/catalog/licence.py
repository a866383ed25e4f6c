"""The one question that stands before any image, mask or id leaves this machine."""

from __future__ import annotations

from collections.abc import Mapping

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.data.catalog.dataset import OPEN_FLAGS, PERMISSIONS
from cosmos_board.data.catalog.load import get_dataset, load_catalog

MIN_CLUSTERS = 10
"""Cells of a restricted dataset with fewer patients than this are not shown."""


def may(dataset: str, action: str, declared: Mapping[str, bool] | None = None) -> bool:
    """Return whether `action` is permitted with `dataset`.

    Args:
        dataset: Name of the dataset.
        action: One of `PERMISSIONS`, such as `show_thumbnails`.
        declared: The flags in the pack of a dataset of somebody's own. They count only where the
            catalog does not know the name: a pack cannot loosen what the catalog says.

    Raises:
        UnknownNameError: If the action is none of ours, or neither the catalog nor a pack says
            anything about the dataset: what nobody has looked at is not permitted by silence.

    Example:
        >>> may("totalsegmentator", "show_thumbnails"), may("demo-phantoms", "show_thumbnails")
        (False, True)
    """
    if action not in PERMISSIONS:
        raise UnknownNameError("licence", "action", action, PERMISSIONS)
    return bool(_get_flags(dataset, declared).get(action, False))


def may_show_cell(dataset: str, clusters: int, declared: Mapping[str, bool] | None = None) -> bool:
    """Return whether a table may show a cell of `dataset` that rests on so many clusters.

    Aggregates of a restricted dataset need at least `MIN_CLUSTERS` patients; others need none.
    """
    flags = _get_flags(dataset, declared)
    return clusters >= MIN_CLUSTERS or all(flags.get(flag, False) for flag in OPEN_FLAGS)


def _get_flags(dataset: str, declared: Mapping[str, bool] | None) -> Mapping[str, bool]:
    if declared is not None and dataset not in load_catalog().datasets:
        return declared
    return get_dataset(dataset).permissions
