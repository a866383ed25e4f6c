"""Masks that are asked for before and after a long run on an accelerator: they must be the same.

A device that begins to miscalculate rarely says so. The canary is a fixed set of drawn images; a
run whose device answers them differently at its end than at its start has failed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cosmos_board.core.errors import DeviceError
from cosmos_board.core.factors import Factors
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.run_record import CanaryNote, RunSettings
from cosmos_board.core.scores import ScoreRow
from cosmos_board.core.targets import Image, Reference
from cosmos_board.data.pack import PackItem
from cosmos_board.data.pack.png import hash_pixels, make_image_id
from cosmos_board.models.segmenter import Segmenter
from cosmos_board.phantoms import PhantomImage, phantom_pack_images
from cosmos_board.prompts.frozen import freeze_prompts
from cosmos_board.prompts.simulators import tight_box
from cosmos_board.runner.engine.clock import Clock
from cosmos_board.runner.evaluation.evaluate import evaluate_image
from cosmos_board.runner.evaluation.tolerance import LEVELS, compare_rows

_FEWEST, _MOST, _EVERY = 2, 130, 100
"""One image in a hundred of the run; at most as many as have about 2,000 masks."""


@dataclass(frozen=True, slots=True)
class Canary:
    """What a segmenter answers to a fixed set of images."""

    rows: tuple[ScoreRow, ...]

    @property
    def digest(self) -> str:
        """Hash of the counts of every mask."""
        lines = sorted(
            f"{row.reference_id} {row.prompt} {row.selection} {row.scores.counts}"
            for row in self.rows
        )
        return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def is_wanted(device: str) -> bool:
    """Tell whether a run on `device` needs a canary: a CPU gives equal counts by construction."""
    return not device.startswith("cpu")


def count_images(images: int) -> int:
    """Return how many canary images a run of so many images has.

    Example:
        >>> [count_images(n) for n in (24, 5_000, 1_000_000)]
        [2, 50, 130]
    """
    return min(max(images // _EVERY, _FEWEST), _MOST)


def look(segmenter: Segmenter, images: int) -> Canary:
    """Put the prompts of the protocol, but everything mode, on the first `images` of the set."""
    settings = RunSettings(prompts=tuple(n for n in segmenter.card.prompts if n != "everything"))
    items = [_make_item(phantom) for phantom in phantom_pack_images(images)]
    return Canary(
        tuple(
            row for item in items for row in evaluate_image(segmenter, item, settings, Clock()).rows
        )
    )


def refuse_changed(before: Canary, after: Canary, where: object) -> None:
    """Refuse a run whose canary changed; see level L1 of `tolerance`.

    Raises:
        DeviceError: If it did.
    """
    difference = compare_rows(before.rows, after.rows)
    if not difference.keeps(LEVELS["L1"]):
        raise DeviceError(
            f"{where}: the device gave other masks at the end than at the start "
            f"({difference.unequal} of {difference.rows} canary rows); this run cannot be used"
        )


def _make_item(phantom: PhantomImage) -> PackItem:
    image_id = make_image_id(hash_pixels(phantom.pixels))
    references = tuple(
        Reference(
            f"{image_id}.{name}.{number}",
            image_id,
            name,
            number,
            tight_box(mask),
            encode_mask(mask),
        )
        for number, (name, mask) in enumerate(phantom.references)
    )
    none: dict[str, Factors] = {}
    return PackItem(
        Image(image_id, "canary", "synthetic", f"canary-{image_id}", phantom.pixels),
        references,
        {one.reference_id: freeze_prompts(one.mask()) for one in references},
        none,
    )


def describe(model: str, before: Canary, after: Canary | None) -> CanaryNote:
    """Return what run.json says of it; `ingest` refuses a run whose two digests differ."""
    return CanaryNote(
        model=model,
        rows=len(before.rows),
        before=before.digest,
        after=None if after is None else after.digest,
    )
