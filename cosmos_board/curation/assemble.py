"""Putting a pack together: curated images in a fixed order, filed in parts, hashed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.curation.records import ImageRows, make_rows, merge_images
from cosmos_board.curation.staging import (
    Batch,
    StagedImage,
    StagedVolume,
    read_images,
    read_volume,
)
from cosmos_board.curation.volume_tables import ClusterImages, VolumeWriter
from cosmos_board.curation.volumes import merge_volumes
from cosmos_board.data.pack.info import (
    INFO_NAME,
    INFO_VERSION,
    PackFile,
    PackInfo,
    VolumeFacts,
    dump_info,
)
from cosmos_board.data.pack.items import make_prompt
from cosmos_board.data.pack.totals import PackTotals
from cosmos_board.store.files import write_bytes
from cosmos_board.store.parquet import Row, make_table, write_batches
from cosmos_board.store.schema import PACK_IMAGES, PACK_OBSERVERS, PACK_PROMPTS, PACK_REFERENCES

# Counted in decoded pixels, which do not depend on the version of a compressor.
_BLOCK_IMAGES = 64
_BLOCK_PX = 16 << 20
_PART_PX = 128 << 20


_TABLES = {
    "images": PACK_IMAGES,
    "references": PACK_REFERENCES,
    "prompts": PACK_PROMPTS,
    "observers": PACK_OBSERVERS,
}
"""Schema of each folder of a pack."""


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


@dataclass(frozen=True, slots=True)
class Assembled:
    """A finished pack, and what was only found out while putting it together."""

    info: PackInfo
    dropped: Counter[str]
    clusters: Clusters


def assemble_pack(staging: Path, staged: Batch, info: PackInfo, folder: Path) -> Assembled:
    """Write the pack of all that is `staged` into `folder`, which is empty or not there.

    The order, and with it every hash, depends on the content alone.

    Raises:
        InputError: If two images have one id.
        StorageError: If the disk is full, read-only or gone.
    """
    clusters = number_clusters(staged.images)
    numbers = clusters.numbers
    ordered = sorted(staged.images, key=lambda image: (numbers[image.cluster], image.sha256))
    volumes = number_volumes(numbers, staged.volumes)
    writer = _PackWriter(folder, info)
    volume_writer = VolumeWriter(folder, info.name)
    dropped: Counter[str] = Counter()

    def add_volumes(number: int, images: ClusterImages) -> None:
        for same in volumes.get(number, []):
            every = [read_volume(staging, one) for one in same]
            volume = every[0] if len(every) == 1 else merge_volumes(every, dropped)
            volume_writer.add(volume, f"{info.name}-{number:05d}", images)

    for number, members in groupby(ordered, key=lambda image: numbers[image.cluster]):
        cluster = ClusterImages()
        for _, group in groupby(members, key=lambda image: image.sha256):
            images = list(read_images(staging, tuple(group)))
            image = images[0] if len(images) == 1 else merge_images(images, dropped)
            rows = make_rows(image, f"{info.name}-{number:05d}", info.name)
            writer.add(rows)
            cluster.add(rows)
        add_volumes(number, cluster)
    for number in sorted(volumes.keys() - set(numbers.values())):
        add_volumes(number, ClusterImages())
    facts = volume_writer.close()
    return Assembled(writer.close(facts, volume_writer.paths), dropped, clusters)


def number_volumes(
    numbers: Mapping[str, int], volumes: Iterable[StagedVolume]
) -> dict[int, list[list[StagedVolume]]]:
    """Return the volumes of each cluster by its number, equal ones together, in a fixed order.

    Clusters without an image of the 2-D study come after the others, by their smallest volume id.

    Example:
        >>> with_image, without = StagedVolume("b", "x", "", 0, 0), StagedVolume("a", "y", "", 0, 0)
        >>> sorted(number_volumes({"x": 1}, [with_image, without]))
        [1, 2]
    """
    ordered = sorted(volumes, key=lambda volume: (volume.volume_id, volume.cluster))
    known = dict(numbers)
    last = max(known.values(), default=0)
    grouped: dict[int, list[list[StagedVolume]]] = defaultdict(list)
    for _, group in groupby(ordered, key=lambda volume: volume.volume_id):
        same = list(group)
        found = [known[volume.cluster] for volume in same if volume.cluster in known]
        number = min(found) if found else last + 1
        last = max(last, number)
        for volume in same:
            known.setdefault(volume.cluster, number)
        grouped[number].append(same)
    return grouped


class _PackWriter:
    """Collects rows into blocks and blocks into parts; hashes and counts them as they pass."""

    def __init__(self, folder: Path, info: PackInfo) -> None:
        self._folder = folder
        self._info = info
        self._block: list[ImageRows] = []
        self._block_px = 0
        self._part: list[list[ImageRows]] = []
        self._part_px = 0
        self._parts = 0
        self._files: list[PackFile] = []
        self._totals = PackTotals()
        self._ids: set[str] = set()

    def add(self, rows: ImageRows) -> None:
        """Take in the next image."""
        (image,) = rows.images
        image_id = image["image_id"]
        if image_id in self._ids:
            raise InputError(image_id, "image_id", "belongs to two different images")
        self._ids.add(image_id)
        self._totals.add_image(image, (row["object"] for row in rows.references))
        for row in rows.references:
            self._totals.add_reference(row)
        for row in rows.prompts:
            self._totals.add_prompt(row["reference_id"], row["prompt"], make_prompt(row))
        for row in rows.observers:
            self._totals.add_observer(row)
        self._block.append(rows)
        size_px = image["height"] * image["width"]
        self._block_px += size_px
        self._part_px += size_px
        if len(self._block) == _BLOCK_IMAGES or self._block_px >= _BLOCK_PX:
            self._end_block()
        if self._part_px >= _PART_PX:
            self._end_part()

    def close(self, volumes: VolumeFacts | None, paths: Iterable[Path]) -> PackInfo:
        """File what is left and return the finished facts about the pack.

        `volumes` says what lies in the files `paths`, which others wrote.
        """
        self._end_part()
        self._files += (describe_file(self._folder, path) for path in paths)
        files = tuple(sorted(self._files, key=lambda file: file.path))
        expected = self._totals.find_expected(self._info.expected)
        info = replace(self._info, **self._totals.list_facts(), expected=expected, files=files)
        if volumes is not None:
            info = replace(info, schema_version=INFO_VERSION, volumes=volumes)
        write_bytes(self._folder / INFO_NAME, dump_info(info))
        return info

    def _end_block(self) -> None:
        if self._block:
            self._part.append(self._block)
        self._block, self._block_px = [], 0

    def _end_part(self) -> None:
        self._end_block()
        if not self._part:
            return
        for name, schema in _TABLES.items():
            groups = [
                [row for rows in block for row in getattr(rows, name)] for block in self._part
            ]
            if name == "observers":
                groups = [[row for group in groups for row in group]]
            if any(groups):
                self._write(name, schema, groups)
        self._parts += 1
        self._part, self._part_px = [], 0

    def _write(self, name: str, schema: Any, groups: list[list[Row]]) -> None:  # noqa: ANN401
        path = self._folder / name / f"part-{self._parts:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_batches(path, schema, (make_table(schema, rows) for rows in groups))
        self._files.append(describe_file(self._folder, path))


def describe_file(folder: Path, path: Path) -> PackFile:
    """Return name, size and hash of one file of the pack in `folder`."""
    return PackFile(
        path=path.relative_to(folder).as_posix(),
        size_bytes=path.stat().st_size,
        sha256=hash_file(path),
    )
