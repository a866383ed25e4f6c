"""What may be shown of a dataset. Numbers of few patients are as telling as their images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cosmos_board.core.cards import DatasetCard
from cosmos_board.core.errors import UnknownNameError
from cosmos_board.data.catalog.dataset import PERMISSIONS
from cosmos_board.data.catalog.licence import may, may_show_cell
from cosmos_board.site.content.blocks import Blocks, Partition, Stratum
from cosmos_board.store.queries.connection import Connection
from cosmos_board.store.queries.restricted_rows import (
    MAIN,
    AnswerSet,
    ClosedCluster,
    RequestedSet,
    fetch_answers,
    fetch_requested,
    fetch_seen,
    leave_out,
    number_closed,
)


def is_closed(dataset: str, datasets: Mapping[str, DatasetCard]) -> bool:
    """Return whether the terms of a dataset permit aggregates of enough patients alone."""
    return not may_show_cell(dataset, 0, flags_of(dataset, datasets))


def may_show(dataset: str, action: str, datasets: Mapping[str, DatasetCard]) -> bool:
    """Return whether `action` is permitted; it is not where the dataset is unknown."""
    try:
        return may(dataset, action, flags_of(dataset, datasets))
    except UnknownNameError:
        return False


def flags_of(name: str, datasets: Mapping[str, DatasetCard]) -> dict[str, bool]:
    """Return what a dataset's pack declares; nothing where it is unknown."""
    granted = datasets[name].permissions if name in datasets else ()
    return {flag: flag in granted for flag in PERMISSIONS}


@dataclass(frozen=True, slots=True)
class Suppression:
    """What was left out."""

    withheld: tuple[Stratum, ...] = ()
    """Targets of restricted datasets of which nothing is published."""

    partial: tuple[Stratum, ...] = ()
    """Those of which some patients are not published, or not yet."""

    closed: frozenset[str] = frozenset()
    """The restricted datasets."""

    blocks: Blocks = field(default_factory=Blocks)
    """What this site and those before it publish."""


def suppress(
    connection: Connection, datasets: Mapping[str, DatasetCard], earlier: Blocks
) -> Suppression:
    """Leave out what may not be published, so that nothing read afterwards rests on it.

    Nothing of the open board database was read into temporary tables yet. `earlier` is what the
    published site, if there is one, says that was published before.
    """
    closed = sorted(name for name in datasets if is_closed(name, datasets))
    if not closed:
        return Suppression(blocks=earlier)
    selection = _ClusterSelection(number_closed(connection, closed), earlier)
    requested, answers = fetch_requested(connection), fetch_answers(connection)
    selection.divide(requested, answers, _group_seen(fetch_seen(connection)))
    selected = [(answer, selection.select(answer)) for answer in answers]
    leave_out(connection, closed, selection.shown, selected, selection.tuned)
    blocks = {
        stratum: tuple(partition.blocks)
        for stratum, partition in selection.partitions.items()
        if partition.blocks
    }
    return Suppression(
        withheld=selection.list_targets(lambda shown, _: not shown),
        partial=selection.list_targets(lambda shown, every: 0 < shown < every),
        closed=frozenset(closed),
        blocks=Blocks({**earlier.strata, **blocks}),
    )


_Seen = Mapping[tuple[str, str], frozenset[str]]
"""Cluster ids by model and dataset."""


def _group_seen(rows: Iterable[tuple[str, str, str]]) -> _Seen:
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for model, dataset, cluster in rows:
        groups[model, dataset].add(cluster)
    return {key: frozenset(clusters) for key, clusters in groups.items()}


_Numbers = frozenset[int]
"""Numbers of clusters."""


class _ClusterSelection:
    """Which clusters are published, and which of them count in each column."""

    def __init__(self, clusters: Iterable[ClosedCluster], earlier: Blocks) -> None:
        self._members: dict[Stratum, list[ClosedCluster]] = defaultdict(list)
        self._marks: dict[int, str] = {}
        for cluster in clusters:
            self._members[cluster.dataset, cluster.target].append(cluster)
            self._marks[cluster.number] = cluster.fingerprint
        self._numbers = {mark: number for number, mark in self._marks.items()}
        self.partitions = {
            stratum: Partition(list(earlier.strata.get(stratum, ()))) for stratum in self._members
        }
        self._allowed: dict[tuple[Stratum, str], _Numbers] = {}
        self._admitted: dict[tuple[Stratum, _Numbers], _Numbers] = {}
        self.tuned: set[tuple[str, str]] = set()
        """(model, dataset) of which the clusters that were not seen are no union of blocks."""

    def divide(
        self, requested: Sequence[RequestedSet], answers: Sequence[AnswerSet], seen: _Seen
    ) -> None:
        """Divide into blocks until every set is a union of blocks, or cut down to one."""
        while True:
            before = {stratum: list(part.blocks) for stratum, part in self.partitions.items()}
            self._admitted.clear()
            self._allowed.clear()
            self._admit_requested(requested)
            for answer in answers:
                self.select(answer)
            self.tuned = {key for key, clusters in seen.items() if self._cuts(key[1], clusters)}
            if before == {stratum: part.blocks for stratum, part in self.partitions.items()}:
                return

    def select(self, answer: AnswerSet) -> _Numbers:
        """Return the clusters that count in a column."""
        stratum = answer.dataset, answer.target
        allowed = self._allowed.get((stratum, answer.group), frozenset())
        return self._admit(stratum, allowed.intersection(answer.clusters))

    @property
    def shown(self) -> _Numbers:
        """The clusters that are published."""
        return frozenset().union(*self._allowed.values())

    def list_targets(self, matches: Callable[[int, int], bool]) -> tuple[Stratum, ...]:
        """Return the targets whose numbers of clusters, shown and in all, are as wanted."""
        shown = self.shown
        return tuple(
            stratum
            for stratum, members in sorted(self._members.items())
            if matches(sum(cluster.number in shown for cluster in members), len(members))
        )

    def _admit_requested(self, requested: Sequence[RequestedSet]) -> None:
        """Admit what is requested of each group, first the lists that boards rank on."""
        listed: dict[Stratum, _Numbers] = defaultdict(frozenset)
        for group in requested:
            if group.group == MAIN:
                listed[group.dataset, group.target] |= frozenset(group.clusters)
        for group in sorted(requested, key=lambda group: group.group != MAIN):
            stratum = group.dataset, group.target
            clusters = frozenset(group.clusters)
            if group.group != MAIN:  # nothing of a listed cluster that boards do not show
                clusters -= listed[stratum] - self._allowed.get((stratum, MAIN), frozenset())
            key = stratum, group.group
            admitted = self._admit(stratum, clusters)
            self._allowed[key] = self._allowed.get(key, frozenset()) | admitted

    def _admit(self, stratum: Stratum, wanted: _Numbers) -> _Numbers:
        key = stratum, wanted
        if key not in self._admitted:
            marks = self.partitions[stratum].admit(self._marks[number] for number in wanted)
            self._admitted[key] = frozenset(self._numbers[mark] for mark in marks)
        return self._admitted[key]

    def _cuts(self, dataset: str, seen: frozenset[str]) -> bool:
        """Return whether the clusters that a model has not seen are no union of blocks."""
        cuts = False
        for stratum, members in self._members.items():
            if stratum[0] == dataset:
                fresh = frozenset(
                    cluster.number for cluster in members if cluster.cluster_id not in seen
                )
                fresh &= self._allowed.get((stratum, MAIN), frozenset())
                cuts |= self._admit(stratum, fresh) != fresh
        return cuts
