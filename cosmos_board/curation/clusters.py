"""Clusters: numbered by content alone, so that nothing of the source shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from cosmos_board.curation.staging import StagedImage


def number_clusters(images: Iterable[StagedImage]) -> tuple[dict[str, int], int]:
    """Return the number of each cluster by its key, 1 for that of the smallest image hash.

    Clusters that share an image are one: the same picture under two names is the same patient
    or a leak, and neither is independent. The second value counts clusters lost that way.

    Example:
        >>> number_clusters([StagedImage("b", "x", "", 0, 0), StagedImage("a", "y", "", 0, 0)])
        ({'x': 2, 'y': 1}, 0)
    """
    parents: dict[str, str] = {}

    def find(cluster: str) -> str:
        while parents[cluster] != cluster:
            parents[cluster] = parents[parents[cluster]]
            cluster = parents[cluster]
        return cluster

    seen: dict[str, str] = {}
    for image in images:
        parents.setdefault(image.cluster, image.cluster)
        if image.sha256 in seen:
            parents[find(image.cluster)] = find(seen[image.sha256])
        seen.setdefault(image.sha256, image.cluster)
    smallest: dict[str, list[str]] = defaultdict(list)
    for sha256, cluster in seen.items():
        smallest[find(cluster)].append(sha256)
    order = sorted(smallest, key=lambda cluster: min(smallest[cluster]))
    numbers = {cluster: number for number, cluster in enumerate(order, 1)}
    return {cluster: numbers[find(cluster)] for cluster in parents}, len(parents) - len(order)
