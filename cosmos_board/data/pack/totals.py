"""Counts and hashes of a pack, taken row by row in its order, whatever files it is spread over."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from cosmos_board.core.expected import ExpectedCount
from cosmos_board.core.prompts import Prompt
from cosmos_board.data.pack.info import PackCounts, TargetCount
from cosmos_board.prompts import PromptsHash

_IMAGE = ("image_id", "cluster_id", "modality", "height", "width", "sha256")
_REFERENCE = ("reference_id", "object", "instance", "box", "rle")
_OBSERVER = ("observer", "reference_id", "rle")


class PackTotals:
    """Takes in the rows of a pack: each image, then its references, prompts and observers.

    The content hash leaves factors out: they follow from the rest, and their last digit may differ
    between machines. So is the PNG file, whose bytes depend on the version of a compressor: the
    hash of the decoded pixels stands for it.
    """

    def __init__(self) -> None:
        self._content = hashlib.sha256()
        self._observer_content = hashlib.sha256()
        self._prompts = PromptsHash()
        self._observers: set[str] = set()
        self._images = 0
        self._clusters: set[str] = set()
        self._references: Counter[tuple[str, str]] = Counter()
        self._target_images: Counter[tuple[str, str]] = Counter()
        self._target_clusters: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def add_image(self, row: Mapping[str, Any], objects: Iterable[str]) -> None:
        """Take in one row of `images/` and the object of each of its references."""
        add_fields(self._content, row, _IMAGE)
        self._images += 1
        self._clusters.add(row["cluster_id"])
        for name, references in Counter(objects).items():
            target = (row["modality"], name)
            self._references[target] += references
            self._target_images[target] += 1
            self._target_clusters[target].add(row["cluster_id"])

    def add_reference(self, row: Mapping[str, Any]) -> None:
        """Take in one row of `references/`."""
        add_fields(self._content, row, _REFERENCE)

    def add_prompt(self, reference_id: str, name: str, prompt: Prompt) -> None:
        """Take in one prompt of a reference."""
        self._prompts.add(reference_id, name, prompt)

    def add_observer(self, row: Mapping[str, Any]) -> None:
        """Take in one row of `observers/`."""
        add_fields(self._observer_content, row, _OBSERVER)
        self._observers.add(row["observer"])

    def list_facts(self) -> dict[str, Any]:
        """Return the fields of `PackInfo` that follow from the rows so far."""
        content = f"{self._content.hexdigest()}\n{self._observer_content.hexdigest()}"
        return {
            "counts": self._count(),
            "observers": tuple(sorted(self._observers)),
            "content_sha256": hashlib.sha256(content.encode()).hexdigest(),
            "prompts_sha256": self._prompts.hexdigest(),
        }

    def find_expected(self, rows: Iterable[ExpectedCount]) -> tuple[ExpectedCount, ...]:
        """Return what is expected with what the rows so far hold of it."""
        return tuple(replace(row, found=self._find(row)) for row in rows)

    def _find(self, row: ExpectedCount) -> int:
        if not (row.modality or row.object):
            return len(self._clusters) if row.unit == "cases" else self._images
        targets = [
            (modality, name)
            for modality, name in self._references
            if row.modality in ("", modality) and row.object in ("", name)
        ]
        if row.unit == "cases":
            return len(set[str]().union(*(self._target_clusters[target] for target in targets)))
        counts = self._target_images if row.unit == "pictures" else self._references
        return sum(counts[target] for target in targets)

    def _count(self) -> PackCounts:
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


def add_fields(digest: hashlib._Hash, row: Mapping[str, Any], names: Iterable[str]) -> None:
    """Add some fields of a row to a hash, as text."""
    digest.update(("\x1f".join(_spell(row[name]) for name in names) + "\n").encode())


def _spell(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return " ".join(map(_spell, value))
    return str(value)
