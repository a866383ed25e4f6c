"""Counting what a pack holds, row by row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from cosmos_board.data.pack.info import PackCounts, TargetCount


class Tally:
    """Counts images, references and clusters, in all and by target."""

    def __init__(self) -> None:
        self._images = 0
        self._clusters: set[str] = set()
        self._references: Counter[tuple[str, str]] = Counter()
        self._target_images: Counter[tuple[str, str]] = Counter()
        self._target_clusters: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def add(self, image: Mapping[str, Any], objects: Iterable[str]) -> None:
        """Take in one row of `images/` and the object of each of its references."""
        self._images += 1
        self._clusters.add(image["cluster_id"])
        for name, references in Counter(objects).items():
            target = (image["modality"], name)
            self._references[target] += references
            self._target_images[target] += 1
            self._target_clusters[target].add(image["cluster_id"])

    def counts(self) -> PackCounts:
        """Return what was counted so far."""
        return PackCounts(
            images=self._images,
            references=self._references.total(),
            clusters=len(self._clusters),
            targets=tuple(
                TargetCount(
                    modality=modality,
                    object=name,
                    references=references,
                    images=self._target_images[modality, name],
                    clusters=len(self._target_clusters[modality, name]),
                )
                for (modality, name), references in sorted(self._references.items())
            ),
        )
