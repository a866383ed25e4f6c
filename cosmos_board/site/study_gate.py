"""Which rows of the studies may be told: those that rest on enough patients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import Effect
from cosmos_board.site.book import DatasetInfo
from cosmos_board.site.gate import may_tell

_Row = TypeVar("_Row")


class StudyGate:
    """Holds rows of studies against the terms of the datasets behind them.

    Args:
        cube: The board database.
        datasets: What the packs declared.
        local: Whether everything may be told, on the machine of whoever has the data.
    """

    def __init__(
        self, cube: Cube, datasets: Mapping[str, DatasetInfo], *, local: bool = False
    ) -> None:
        self._known = datasets
        self._local = local
        self._all = set(cube.datasets)
        self._of_target: dict[str, set[str]] = defaultdict(set)
        for track in cube.tracks:
            units = cube.units(track)
            for target, dataset in zip(units.target, units.dataset, strict=True):
                self._of_target[units.targets[target].name].add(units.datasets[dataset])

    def keep(self, rows: Iterable[_Row]) -> tuple[_Row, ...]:
        """Return the rows none of whose effects rests on too few restricted clusters.

        A row of one target, in its field `target`, rests on the datasets that have it.
        """
        return tuple(row for row in rows if self._local or self._may_tell(row))

    def _may_tell(self, row: object) -> bool:
        behind = self._of_target.get(getattr(row, "target", ""), self._all)
        return all(may_tell(effect.clusters, behind, self._known) for effect in _find_effects(row))


def _find_effects(row: Any) -> Iterator[Effect]:  # noqa: ANN401 (any dataclass)
    for field in fields(row):
        value = getattr(row, field.name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Effect):
                yield one
