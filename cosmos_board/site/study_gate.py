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
from cosmos_board.store.study_queries import fetch_studied

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
        self._of_study: dict[str, set[str]] = defaultdict(set)
        for study, dataset in fetch_studied(cube.connection):
            self._of_study[study].add(dataset)
        self._of_target: dict[str, set[str]] = defaultdict(set)
        for track in cube.tracks:
            units = cube.units(track)
            for target, dataset in zip(units.target, units.dataset, strict=True):
                self._of_target[units.targets[target].name].add(units.datasets[dataset])

    def keep(self, rows: Iterable[_Row], study: str = "main") -> tuple[_Row, ...]:
        """Return the rows none of whose effects rests on too few restricted clusters.

        A row rests on the datasets that have runs of the study; one of a single target, in its
        field `target`, on those of them that have the target.

        Args:
            rows: Of one study.
            study: Whose runs are behind every row.
        """
        run = self._of_study[study]
        return tuple(row for row in rows if self._local or self._may_tell(row, run))

    def _may_tell(self, row: object, run: set[str]) -> bool:
        of_target = self._of_target.get(getattr(row, "target", ""), self._all)
        behind = of_target & run or of_target
        return all(may_tell(effect.clusters, behind, self._known) for effect in _find_effects(row))


def _find_effects(row: Any) -> Iterator[Effect]:  # noqa: ANN401 (any dataclass)
    for field in fields(row):
        value = getattr(row, field.name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Effect):
                yield one
