"""Putting a pack together: curated images in a fixed order, filed in parts, hashed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.curation.clusters import Clusters, number_clusters
from cosmos_board.curation.records import merge_images
from cosmos_board.curation.rows import ImageRows, make_rows
from cosmos_board.curation.staging import StagedImage, read_images
from cosmos_board.data.content import ContentHash
from cosmos_board.data.counts import Tally
from cosmos_board.data.pack.info import INFO_NAME, PackFile, PackInfo, dump_info
from cosmos_board.prompts import PromptsHash
from cosmos_board.store.files import write_bytes
from cosmos_board.store.parquet import Row, make_table, write_batches
from cosmos_board.store.schema import PACK_IMAGES, PACK_OBSERVERS, PACK_PROMPTS, PACK_REFERENCES

# Counted in decoded pixels, which do not depend on the version of a compressor.
_BLOCK_IMAGES = 64
_BLOCK_PX = 16 << 20
_PART_PX = 128 << 20


@dataclass(frozen=True, slots=True)
class Assembled:
    """A finished pack, and what was only found out while putting it together."""

    info: PackInfo
    dropped: Counter[str]
    clusters: Clusters


def assemble_pack(
    staging: Path, staged: tuple[StagedImage, ...], info: PackInfo, folder: Path
) -> Assembled:
    """Write the pack of all `staged` images into the empty `folder`.

    The order, and with it every hash, depends on the content alone.

    Raises:
        InputError: If two images have one id.
        StorageError: If the disk is full, read-only or gone.
    """
    clusters = number_clusters(staged)
    numbers = clusters.numbers
    ordered = sorted(staged, key=lambda image: (numbers[image.cluster], image.sha256))
    writer = _PackWriter(folder, info)
    dropped: Counter[str] = Counter()
    for _, group in groupby(ordered, key=lambda image: image.sha256):
        same = tuple(group)
        images = list(read_images(staging, same))
        image = images[0] if len(images) == 1 else merge_images(images, dropped)
        writer.add(make_rows(image, f"{info.name}-{numbers[same[0].cluster]:05d}", info.name))
    return Assembled(writer.close(), dropped, clusters)


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
        self._content = ContentHash()
        self._prompts = PromptsHash()
        self._tally = Tally()
        self._observers: set[str] = set()
        self._ids: set[str] = set()

    def add(self, rows: ImageRows) -> None:
        """Take in the next image."""
        image_id = rows.image["image_id"]
        if image_id in self._ids:
            raise InputError(image_id, "image_id", "belongs to two different images")
        self._ids.add(image_id)
        self._hash(rows)
        self._tally.add(rows.image, (reference["object"] for reference in rows.references))
        self._observers.update(row["observer"] for row in rows.observers)
        self._block.append(rows)
        size_px = rows.image["height"] * rows.image["width"]
        self._block_px += size_px
        self._part_px += size_px
        if len(self._block) == _BLOCK_IMAGES or self._block_px >= _BLOCK_PX:
            self._end_block()
        if self._part_px >= _PART_PX:
            self._end_part()

    def close(self) -> PackInfo:
        """File what is left and return the finished facts about the pack."""
        self._end_part()
        info = replace(
            self._info,
            counts=self._tally.counts(),
            observers=tuple(sorted(self._observers)),
            content_sha256=self._content.hexdigest(),
            prompts_sha256=self._prompts.hexdigest(),
            files=tuple(sorted(self._files, key=lambda file: file.path)),
        )
        write_bytes(self._folder / INFO_NAME, dump_info(info))
        return info

    def _hash(self, rows: ImageRows) -> None:
        self._content.add_image(rows.image)
        for row in rows.references:
            self._content.add_reference(row)
        for row in rows.observers:
            self._content.add_observer(row)
        for prompt in rows.named_prompts:
            self._prompts.add(*prompt)

    def _end_block(self) -> None:
        if self._block:
            self._part.append(self._block)
        self._block, self._block_px = [], 0

    def _end_part(self) -> None:
        self._end_block()
        if not self._part:
            return
        images = [[rows.image for rows in block] for block in self._part]
        self._write("images", PACK_IMAGES, images)
        references = [[row for rows in block for row in rows.references] for block in self._part]
        self._write("references", PACK_REFERENCES, references)
        prompts = [[row for rows in block for row in rows.prompts] for block in self._part]
        self._write("prompts", PACK_PROMPTS, prompts)
        observers = [row for block in self._part for rows in block for row in rows.observers]
        if observers:
            self._write("observers", PACK_OBSERVERS, [observers])
        self._parts += 1
        self._part, self._part_px = [], 0

    def _write(self, name: str, schema: Any, groups: list[list[Row]]) -> None:  # noqa: ANN401
        path = self._folder / name / f"part-{self._parts:05d}.parquet"
        path.parent.mkdir(exist_ok=True)
        write_batches(path, schema, (make_table(schema, rows) for rows in groups))
        self._files.append(describe_file(self._folder, path))


def describe_file(folder: Path, path: Path) -> PackFile:
    """Return name, size and hash of one file of the pack in `folder`."""
    return PackFile(
        path=path.relative_to(folder).as_posix(),
        size_bytes=path.stat().st_size,
        sha256=hash_file(path),
    )
