"""The images that fine-tuning reads from packs, and their split by cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.targets import Target
from cosmos_board.data.pack import open_pack

TRAIN_SHARE, VALIDATION_SHARE = 0.6, 0.2


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
    """The name and the state of a pack that is trained on."""

    name: str
    content_sha256: str

    def __str__(self) -> str:
        return f"{self.name}@{self.content_sha256}"


@dataclass(frozen=True, slots=True)
class Split:
    """Three disjoint sets of clusters."""

    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]

    def __post_init__(self) -> None:
        for first, second in combinations((self.train, self.validation, self.test), 2):
            if both := first & second:
                raise InputError("split", "clusters", "stand on two sides", got=min(both))


def read_tuning_images(paths: Iterable[Path]) -> tuple[list[TuningImage], tuple[TuningPack, ...]]:
    """Return the images of packs, and the packs; cluster ids are prefixed by the pack's name.

    Raises:
        InputError: If a path is no whole pack, or two packs have one name.
    """
    images: list[TuningImage] = []
    packs: list[TuningPack] = []
    for path in paths:
        pack = open_pack(path)
        name = pack.info.name
        if name in {known.name for known in packs}:
            raise InputError(path, "name", "stands for two packs", got=name)
        packs.append(TuningPack(name, pack.info.content_sha256))
        images += [
            TuningImage(
                f"{name}/{item.image.cluster_id}",
                item.image.modality,
                item.image.pixels,
                tuple((reference.object, reference.mask()) for reference in item.references),
            )
            for item in pack.iter_items()
        ]
    return images, tuple(packs)


def shuffle_clusters(clusters: Iterable[str], seed: int) -> list[str]:
    """Return the distinct clusters in an order that depends on their ids and `seed` alone."""

    def key(cluster: str) -> bytes:
        return hashlib.blake2b(f"{seed}\x1f{cluster}".encode()).digest()

    return sorted(set(clusters), key=key)


def split_clusters(clusters: Iterable[str], *, seed: int = 0, seen: Iterable[str] = ()) -> Split:
    """Return about 60 % of the clusters for training, 20 % for validation, 20 % for the test.

    Clusters that the model was trained on before (`seen`) are used for training only.

    Raises:
        InputError: If there are fewer than three clusters that the model has not seen.

    Example:
        >>> split = split_clusters("abcdefghij")
        >>> len(split.train), len(split.validation), len(split.test)
        (6, 2, 2)
    """
    given, trained_on = set(clusters), set(seen)
    order = shuffle_clusters(given - trained_on, seed)
    if len(order) < 3:
        what = "that the model has not seen are" if given & trained_on else "are"
        raise InputError(
            "pack", "clusters", f"{what} too few to split", got=len(order), want="3 or more"
        )
    test = max(1, round(len(order) * (1 - TRAIN_SHARE - VALIDATION_SHARE)))
    validation = max(1, round(len(order) * VALIDATION_SHARE))
    return Split(
        train=frozenset(order[test + validation :]) | (given & trained_on),
        validation=frozenset(order[test : test + validation]),
        test=frozenset(order[:test]),
    )


def select_images(images: Sequence[TuningImage], clusters: frozenset[str]) -> list[TuningImage]:
    """Return the images of some clusters."""
    return [image for image in images if image.cluster in clusters]
