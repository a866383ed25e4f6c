"""What fine-tuning reads of a pack, image by image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.targets import Target
from cosmos_board.data.pack import open_pack


@dataclass(frozen=True, slots=True, eq=False)
class TuningImage:
    """One image and its references."""

    cluster: str
    modality: str
    pixels: Pixels
    references: tuple[tuple[str, Mask], ...]
    """(object, mask), masks bool, axes (Y, X)."""

    def target(self, object: str) -> str:
        """Return the name of the target that `object` makes here."""
        return Target(self.modality, object).name


@dataclass(frozen=True, slots=True)
class TuningPack:
    """One pack that is learnt from."""

    name: str
    content_sha256: str


def read_tuning_images(paths: Iterable[Path]) -> tuple[list[TuningImage], tuple[TuningPack, ...]]:
    """Return the images of packs and the packs; clusters are told apart by pack.

    Raises:
        InputError: If a path is no whole pack, or two packs have one name.
    """
    images: list[TuningImage] = []
    packs: list[TuningPack] = []
    for path in paths:
        pack = open_pack(path)
        if pack.info.name in {known.name for known in packs}:
            raise InputError(path, "name", "stands for two packs", got=pack.info.name)
        packs.append(TuningPack(pack.info.name, pack.info.content_sha256))
        images += [
            TuningImage(
                f"{pack.info.name}/{item.image.cluster_id}",
                item.image.modality,
                item.image.pixels,
                tuple((reference.object, reference.mask()) for reference in item.references),
            )
            for item in pack.iter_items()
        ]
    return images, tuple(packs)
