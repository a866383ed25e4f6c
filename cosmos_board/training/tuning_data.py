"""What fine-tuning reads of a pack, image by image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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


def read_tuning_images(paths: Iterable[Path]) -> tuple[list[TuningImage], tuple[str, ...]]:
    """Return the images of packs and the names of the packs; clusters are told apart by pack.

    Raises:
        InputError: If a path is no whole pack.
    """
    images, names = [], []
    for path in paths:
        pack = open_pack(path)
        names.append(pack.info.name)
        images += [
            TuningImage(
                f"{pack.info.name}/{item.image.cluster_id}",
                item.image.modality,
                item.image.pixels,
                tuple((reference.object, reference.mask()) for reference in item.references),
            )
            for item in pack.iter_items()
        ]
    return images, tuple(names)
