"""Packs: curated datasets in our format, read one block of images at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.masks import Rle
from cosmos_board.core.rle import check_runs
from cosmos_board.data.pack.info import PackInfo, read_info
from cosmos_board.data.pack.items import FACTOR_NAMES, PackItem, make_item
from cosmos_board.store.parquet import Row, count_rows, iter_batches
from cosmos_board.store.schema import PACK_IMAGES, PACK_OBSERVERS, PACK_PROMPTS, PACK_REFERENCES

_IMAGE_FACTS = ["image_id", "cluster_id", "dataset", "modality", "height", "width", "sha256"]
_REFERENCE_FACTS = ["reference_id", "image_id", "object", "instance", "box", *FACTOR_NAMES]


@dataclass(frozen=True, slots=True)
class Block:
    """A row group that images, references and prompts have in common."""

    part: str
    """File name, the same in each of the three folders."""

    group: int
    first: int
    """Position of its first image in the pack."""

    images: int


_Rows: TypeAlias = tuple[list[Row], dict[str, list[Row]], dict[str, list[Row]]]
"""Of images, of references by image, of prompts by reference."""


class Pack:
    """A pack on disk. Nothing is read before it is asked for, and never more than a block."""

    def __init__(self, path: Path, info: PackInfo) -> None:
        """Use `open_pack` instead."""
        self.path = path
        self.info = info
        self._blocks: tuple[Block, ...] | None = None
        self._held: tuple[Block, _Rows] | None = None
        self._places: dict[str, Block] | None = None

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks in order, from the footers of the files."""
        if self._blocks is None:
            self._blocks = tuple(self._find_blocks())
        return self._blocks

    def iter_items(
        self,
        start: int = 0,
        stop: int | None = None,
        *,
        wanted: Container[str] | None = None,
        on_bad: Callable[[str, InputError], None] | None = None,
        hold_block: bool = False,
    ) -> Iterator[PackItem]:
        """Yield images `start` … `stop` − 1 of the pack in order, holding one block at a time.

        Args:
            start: Position of the first image.
            stop: Position after the last image; None for the end.
            wanted: Image ids to keep; the others are not decoded.
            on_bad: Called with image id and error for an image that cannot be used, which is
                then left out. Without it the error is raised.
            hold_block: Keep the last block in memory for the next call, whose images may lie in
                it too, until `release_block`.

        Raises:
            InputError: If a file is damaged, or an image or reference is and `on_bad` is None.
        """
        for row, references in self._iter_rows(start, stop, hold_block=hold_block):
            if wanted is not None and row["image_id"] not in wanted:
                continue
            try:
                self._refuse_foreign(row)
                yield make_item(row, references, self.path)
            except InputError as error:
                if on_bad is None:
                    raise
                on_bad(row["image_id"], error)

    def release_block(self) -> None:
        """Forget the block that `iter_items` was told to hold."""
        self._held = None

    def iter_image_rows(self) -> Iterator[Row]:
        """Yield the rows of `images/` without the picture itself."""
        for block in self.blocks:
            yield from self._read(block, "images", PACK_IMAGES, _IMAGE_FACTS)

    def iter_pictures(self, image_ids: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Yield (image id, PNG file) of images of this pack, in its order.

        Raises:
            InputError: If a file is damaged, or the pack has no such image.
        """
        if self._places is None:
            self._places = {
                row["image_id"]: block
                for block in self.blocks
                for row in self._read(block, "images", PACK_IMAGES, ["image_id"])
            }
        if strays := sorted(set(image_ids) - self._places.keys()):
            raise InputError(self.path, strays[0], "is no image of this pack")
        wanted = set(image_ids)
        blocks = {self._places[image_id] for image_id in wanted}
        for block in sorted(blocks, key=lambda block: block.first):
            for row in self._read(block, "images", PACK_IMAGES, ["image_id", "png"]):
                if row["image_id"] in wanted:
                    yield row["image_id"], row["png"]

    def iter_reference_rows(self) -> Iterator[Row]:
        """Yield the rows of `references/` with factors, without the mask itself."""
        for block in self.blocks:
            yield from self._read(block, "references", PACK_REFERENCES, _REFERENCE_FACTS)

    def iter_observations(self) -> Iterator[tuple[str, str, Rle]]:
        """Yield (observer, reference id, mask) for every further observer's mask."""
        images = {row["image_id"]: (row["height"], row["width"]) for row in self.iter_image_rows()}
        sizes = {
            row["reference_id"]: images[row["image_id"]]
            for row in self.iter_reference_rows()
            if row["image_id"] in images
        }
        for path in sorted((self.path / "observers").glob("part-*.parquet")):
            for batch in iter_batches(path, PACK_OBSERVERS, rows_per_batch=4096):
                for row in batch.to_pylist():
                    if row["reference_id"] not in sizes:
                        raise InputError(path, row["reference_id"], "is no reference of this pack")
                    rle = Rle(*sizes[row["reference_id"]], row["rle"])
                    check_runs(rle.counts, rle.height, rle.width, where=row["reference_id"])
                    yield row["observer"], row["reference_id"], rle

    def read_observer(self, name: str) -> dict[str, Rle]:
        """Return a further observer's masks by reference id; UnknownNameError if there is none."""
        if name not in self.info.observers:
            raise UnknownNameError(self.path, "observer", name, self.info.observers)
        return {
            reference: rle
            for observer, reference, rle in self.iter_observations()
            if observer == name
        }

    def _refuse_foreign(self, row: Row) -> None:
        if row["dataset"] != self.info.name:
            raise InputError(self.path, row["image_id"], "names another dataset")
        name, _, number = row["cluster_id"].rpartition("-")
        if name != self.info.name or not (number.isascii() and number.isdigit()):
            raise InputError(self.path, row["image_id"], "names a cluster of another dataset")

    def _find_blocks(self) -> Iterator[Block]:
        first = 0
        for path in sorted((self.path / "images").glob("part-*.parquet")):
            sizes = count_rows(path, PACK_IMAGES)
            for folder, schema in (("references", PACK_REFERENCES), ("prompts", PACK_PROMPTS)):
                other = self.path / folder / path.name
                if len(count_rows(other, schema)) != len(sizes):
                    raise InputError(other, "", "does not match the images of the same name")
            for group, images in enumerate(sizes):
                yield Block(path.name, group, first, images)
                first += images

    def _iter_rows(
        self, start: int, stop: int | None, *, hold_block: bool
    ) -> Iterator[tuple[Row, list[tuple[Row, list[Row]]]]]:
        for block in self.blocks:
            if block.first + block.images <= start or (stop is not None and block.first >= stop):
                continue
            if self._held is None or self._held[0] != block:
                self._held = None  # before the next is read: never two at a time
                self._held = block, self._read_block(block)
            rows, references, prompts = self._held[1]
            if not hold_block:
                self._held = None
            for position, row in enumerate(rows, block.first):
                if position >= start and (stop is None or position < stop):
                    own = references.get(row["image_id"], [])
                    yield (
                        row,
                        [
                            (reference, prompts.get(reference["reference_id"], []))
                            for reference in own
                        ],
                    )

    def _read_block(self, block: Block) -> _Rows:
        references = _group(self._read(block, "references", PACK_REFERENCES), "image_id")
        prompts = _group(self._read(block, "prompts", PACK_PROMPTS), "reference_id")
        rows = list(self._read(block, "images", PACK_IMAGES))
        self._refuse_strays(block, rows, references, prompts)
        return rows, references, prompts

    def _refuse_strays(
        self,
        block: Block,
        images: list[Row],
        references: dict[str, list[Row]],
        prompts: dict[str, list[Row]],
    ) -> None:
        known = {row["image_id"] for row in images}
        if strays := sorted(references.keys() - known):
            where = self.path / "references" / block.part
            raise InputError(where, strays[0], "is no image of this part")
        known = {row["reference_id"] for rows in references.values() for row in rows}
        if strays := sorted(prompts.keys() - known):
            where = self.path / "prompts" / block.part
            raise InputError(where, strays[0], "is no reference of this part")

    def _read(
        self,
        block: Block,
        folder: str,
        schema: Any,  # noqa: ANN401 - pyarrow, which ships no types
        columns: list[str] | None = None,
    ) -> Iterator[Row]:
        path = self.path / folder / block.part
        for batch in iter_batches(path, schema, columns, row_groups=[block.group]):
            yield from batch.to_pylist()


def open_pack(path: Path) -> Pack:
    """Return the pack in folder `path`; InputError if it is none or `pack.json` is wrong."""
    if not path.is_dir():
        raise InputError(path, "", "is no folder, so this is no pack")
    return Pack(path, read_info(path))


def _group(rows: Iterator[Row], key: str) -> dict[str, list[Row]]:
    return {name: list(members) for name, members in groupby(rows, itemgetter(key))}
