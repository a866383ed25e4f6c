"""Clusters: numbered by content alone, so that nothing of the source shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cosmos_board.curation.staging import StagedImage


@dataclass(frozen=True, slots=True)
class Clusters:
    """How the clusters of a pack are numbered."""

    numbers: Mapping[str, int]
    """By key, 1 for the cluster of the smallest image hash."""

    joined: int
    """How many became part of another, because they share an image with it."""

    shared: tuple[tuple[str, str], ...]
    """Origins of the two images that made two clusters one, in the order they were met."""


def number_clusters(images: Iterable[StagedImage]) -> Clusters:
    """Return the number of each cluster.

    Clusters that share an image are one: the same picture under two names is the same patient
    or a leak, and neither is independent.

    Example:
        >>> one, other = StagedImage("b", "x", "", 0, 0), StagedImage("a", "y", "", 0, 0)
        >>> number_clusters([one, other]).numbers
        {'x': 2, 'y': 1}
    """
    parents: dict[str, str] = {}

    def find(cluster: str) -> str:
        while parents[cluster] != cluster:
            parents[cluster] = parents[parents[cluster]]
            cluster = parents[cluster]
        return cluster

    seen: dict[str, StagedImage] = {}
    shared = []
    for image in images:
        parents.setdefault(image.cluster, image.cluster)
        first = seen.setdefault(image.sha256, image)
        root, other_root = find(first.cluster), find(image.cluster)
        if root != other_root:
            parents[other_root] = root
            shared.append((first.origin, image.origin))
    smallest: dict[str, list[str]] = defaultdict(list)
    for sha256, image in seen.items():
        smallest[find(image.cluster)].append(sha256)
    order = sorted(smallest, key=lambda cluster: min(smallest[cluster]))
    numbers = {cluster: number for number, cluster in enumerate(order, 1)}
    return Clusters(
        {cluster: numbers[find(cluster)] for cluster in parents},
        len(parents) - len(order),
        tuple(shared),
    )
