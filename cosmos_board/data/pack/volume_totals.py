"""Counts and hashes of the volumes of a pack, taken volume by volume in its order."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cosmos_board.core.volumes import VolumePrompt
from cosmos_board.data.pack.info import VolumeFacts, VolumeTargetCount
from cosmos_board.data.pack.totals import add_fields
from cosmos_board.prompts import PromptsHash
from cosmos_board.prompts.volumes import add_volume_prompts

_VOLUME = ("volume_id", "cluster_id", "modality", "slices", "height", "width", "spacing_mm")
_SLICE = ("slice_index", "image_id", "sha256")
_REFERENCE = (
    "volume_reference_id", "object", "instance", "slice_indices", "rles", "voxels", "prompt_slice",
    "box_reference_ids",
)  # fmt: skip


class VolumeTotals:
    """Takes in the rows of the volumes of a pack; PNG files are left out, as by `PackTotals`."""

    def __init__(self) -> None:
        self._content = hashlib.sha256()
        self._prompts = PromptsHash()
        self._volumes = self._slices = 0
        self._clusters: set[str] = set()
        self._references: Counter[tuple[str, str]] = Counter()
        self._target_volumes: Counter[tuple[str, str]] = Counter()
        self._target_clusters: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def add_volume(
        self,
        volume: Mapping[str, Any],
        slices: Iterable[Mapping[str, Any]],
        references: Sequence[Mapping[str, Any]],
    ) -> None:
        """Take in a row of `volumes/` and its rows of `slices/` and `volume_references/`."""
        add_fields(self._content, volume, _VOLUME)
        for row in slices:
            add_fields(self._content, row, _SLICE)
            self._slices += 1
        for row in references:
            add_fields(self._content, row, _REFERENCE)
        self._volumes += 1
        self._clusters.add(volume["cluster_id"])
        for name, count in Counter(row["object"] for row in references).items():
            target = (volume["modality"], name)
            self._references[target] += count
            self._target_volumes[target] += 1
            self._target_clusters[target].add(volume["cluster_id"])

    def add_prompts(self, reference_id: str, prompts: Iterable[VolumePrompt]) -> None:
        """Take in the volume prompts of a reference."""
        add_volume_prompts(self._prompts, reference_id, prompts)

    def list_facts(self) -> VolumeFacts | None:
        """Return the facts that follow from the rows so far; None where there was none."""
        if not self._volumes:
            return None
        return VolumeFacts(
            volumes=self._volumes,
            slices=self._slices,
            references=self._references.total(),
            clusters=len(self._clusters),
            targets=tuple(
                VolumeTargetCount(
                    modality=modality,
                    object=name,
                    references=references,
                    volumes=self._target_volumes[modality, name],
                    clusters=len(self._target_clusters[modality, name]),
                )
                for (modality, name), references in sorted(self._references.items())
            ),
            content_sha256=self._content.hexdigest(),
            prompts_sha256=self._prompts.hexdigest(),
        )
