"""Masks that a worker predicts again and again on an accelerator: they must stay the same.

A device that begins to miscalculate rarely says so. Each worker predicts a fixed set of drawn
images on its own device, before it begins, now and then, and at its end; a run of which a device
answers otherwise than at first has failed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from cosmos_board.core.errors import DeviceError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.run_record import DeviceCheck, RunSettings
from cosmos_board.core.scores import ScoreRow
from cosmos_board.core.targets import Image, Reference
from cosmos_board.data.pack import PackItem
from cosmos_board.data.pack.png import hash_pixels, make_image_id
from cosmos_board.models.segmenter import Segmenter
from cosmos_board.phantoms.controlled import PhantomImage, phantom_pack_images
from cosmos_board.prompts.frozen import freeze_prompts
from cosmos_board.prompts.simulators import tight_box
from cosmos_board.runner.evaluation.evaluate import evaluate_image

_CHECKED = 2
"""Images of the set."""

EVERY = 200
"""Images that a worker evaluates between two checks: they take a hundredth of its time."""

NoteCheck: TypeAlias = Callable[[DeviceCheck], None]
"""Keeps the newest state of the check of a worker."""


class DriftError(DeviceError):
    """A device gives other masks than it gave at first."""

    check: DeviceCheck
    """With digests that differ; set by whoever raises it."""


class DeviceWatch:
    """Compares the answers of one worker's model with those that it gave at first.

    Args:
        segmenter: The model, on the device that is watched.
        device: Its name, such as `cuda:1`, for the record.
    """

    def __init__(self, segmenter: Segmenter, device: str) -> None:
        self._segmenter = segmenter
        self._first = _answer(segmenter)
        self._images = 0
        self.check = DeviceCheck(
            model=segmenter.card.name,
            rows=len(self._first),
            before=_hash(self._first),
            worker=f"{device}, process {os.getpid()}",
        )

    def note_images(self, images: int) -> None:
        """Note that so many were evaluated; look at the device where it is time.

        Raises:
            DriftError: If the answers changed.
        """
        self._images += images
        if self._images >= EVERY:
            self.look()

    def look(self) -> None:
        """Ask the model again.

        Raises:
            DriftError: If the answers changed.
        """
        self._images = 0
        last = _answer(self._segmenter)
        self.check = replace(self.check, after=_hash(last))
        pairs = zip(self._first, last, strict=True)
        if unequal := sum(first.scores.counts != then.scores.counts for first, then in pairs):
            error = DriftError(
                f"{self.check.worker}: the device gave other masks at the end than at the start "
                f"({unequal} of {len(last)} rows of the device check); this run cannot be used"
            )
            error.check = self.check
            raise error


def _answer(segmenter: Segmenter) -> list[ScoreRow]:
    """Return the rows of the protocol's prompts, but everything mode, on images of the set."""
    settings = RunSettings(prompts=tuple(n for n in segmenter.card.prompts if n != "everything"))
    items = [_make_item(phantom) for phantom in phantom_pack_images(_CHECKED)]
    return [row for item in items for row in evaluate_image(segmenter, item, settings).rows]


def _hash(rows: Sequence[ScoreRow]) -> str:
    """Return a hash of the counts of every mask."""
    lines = sorted(
        f"{row.reference_id} {row.prompt} {row.selection} {row.scores.counts}" for row in rows
    )
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


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
    prompts = {
        reference.reference_id: freeze_prompts(mask)
        for reference, (_, mask) in zip(references, phantom.references, strict=True)
    }
    image = Image(image_id, "device-check", "synthetic", f"check-{image_id}", phantom.pixels)
    return PackItem(image, references, prompts, {})
