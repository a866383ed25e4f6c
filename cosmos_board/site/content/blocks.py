"""Blocks of patients: restricted data is published in blocks of at least ten, each whole or not.

Every number that is published of a restricted dataset rests on a set of clusters of one target.
The clusters of a target are divided into blocks of at least ten, and a published set is a union of
blocks. Sums and differences of numbers are then about whole blocks too, within one site and
between a site and the one before it: nothing about fewer than ten patients can be subtracted out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from cosmos_board.core.errors import InputError
from cosmos_board.data.catalog.licence import MIN_CLUSTERS

BLOCKS_PATH = "data/blocks.json"
"""Where a site says in which blocks it and the sites before it published restricted data."""

Stratum: TypeAlias = tuple[str, str]
"""Name of a dataset and of a target, such as `("chest", "ct.lung")`."""

Block: TypeAlias = frozenset[str]
"""Fingerprints of clusters; a fingerprint changes when the cluster's references do."""


@dataclass(slots=True)
class Partition:
    """The blocks of one target of one restricted dataset."""

    blocks: list[Block] = field(default_factory=list)

    def admit(self, wanted: Iterable[str]) -> Block:
        """Return the largest part of `wanted` that may be published, a union of blocks.

        A block that is wanted in part is divided where ten remain on either side; what is left
        out is filled up to ten for that. Clusters in no block become one where they are ten.
        """
        requested = frozenset(wanted)
        known: Block = frozenset().union(*self.blocks)
        blocks: list[Block] = []
        published: Block = frozenset()
        for block in self.blocks:
            inside = _leave_ten(block, requested)
            blocks += [part for part in (inside, block - inside) if part]
            published |= inside
        fresh = requested - known
        if len(fresh) >= MIN_CLUSTERS:
            blocks.append(fresh)
            published |= fresh
        self.blocks = blocks
        return published


def _leave_ten(block: Block, requested: Block) -> Block:
    """Return the part of a block to publish: all, none, or ten and more that leave ten."""
    inside, outside = block & requested, block - requested
    if outside and len(outside) < MIN_CLUSTERS:
        inside -= set(sorted(inside)[: MIN_CLUSTERS - len(outside)])
    return inside if len(inside) >= MIN_CLUSTERS else frozenset()


@dataclass(frozen=True, slots=True)
class Blocks:
    """What sites have published of restricted data so far, by dataset and target."""

    strata: Mapping[Stratum, tuple[Block, ...]] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Return the file that a site publishes: fingerprints, neither ids nor scores."""
        rows = [
            {"dataset": dataset, "target": target, "blocks": sorted(map(sorted, blocks))}
            for (dataset, target), blocks in sorted(self.strata.items())
        ]
        return (json.dumps({"schema_version": 1, "strata": rows}, indent=0) + "\n").encode()


NO_BLOCKS = Blocks()
"""Before anything was published."""


def parse_blocks(data: bytes | None, where: str = BLOCKS_PATH) -> Blocks:
    """Return the blocks in the file of an earlier site; none where there is no file.

    Raises:
        InputError: If it is not as `Blocks.dump` writes it: without it, nothing can be compared.
    """
    if data is None:
        return NO_BLOCKS
    try:
        document = json.loads(data)
        parsed = Blocks(
            {
                (str(row["dataset"]), str(row["target"])): tuple(
                    frozenset(map(str, block)) for block in row["blocks"]
                )
                for row in document["strata"]
            }
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(where, "", f"is no list of blocks ({type(error).__name__})") from error
    if parsed.dump() != data:
        raise InputError(where, "", "is not as it was written")
    for stratum, blocks in parsed.strata.items():
        sizes = [len(block) for block in blocks]
        if min(sizes, default=0) < MIN_CLUSTERS or len(frozenset().union(*blocks)) != sum(sizes):
            problem = f"has a block of under {MIN_CLUSTERS} clusters, or a cluster in two blocks"
            raise InputError(where, " ".join(stratum), problem)
    return parsed
