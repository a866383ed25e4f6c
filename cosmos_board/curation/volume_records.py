"""A curated volume as bytes in the work folder of an import, and back."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from itertools import accumulate, pairwise

from pydantic import TypeAdapter

from cosmos_board.curation.volumes import CuratedVolume

_VOLUME = TypeAdapter(CuratedVolume)


def dump_volume(volume: CuratedVolume) -> bytes:
    """Return a volume as a line of JSON and, after it, its PNG files end to end."""
    facts = asdict(replace(volume, pngs={}))
    sizes = {sha256: len(png) for sha256, png in volume.pngs.items()}
    # Run lengths are bytes of ASCII.
    head = json.dumps({**facts, "pngs": sizes}, default=lambda data: data.decode("ascii"))
    return b"".join((head.encode(), b"\n", *volume.pngs.values()))


def load_volume(record: bytes) -> CuratedVolume:
    """Return the volume that `dump_volume` made `record` of."""
    head, _, data = record.partition(b"\n")
    facts = json.loads(head)
    sizes = facts["pngs"]
    ends = accumulate(sizes.values(), initial=0)
    pngs = {
        sha256: data[start:end] for sha256, (start, end) in zip(sizes, pairwise(ends), strict=True)
    }
    return replace(_VOLUME.validate_python({**facts, "pngs": {}}), pngs=pngs)
