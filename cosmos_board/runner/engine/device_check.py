"""Masks that are predicted before and after a long run on an accelerator: they must be the same.

A device that begins to miscalculate rarely says so. The check predicts a fixed set of drawn images;
a run whose device answers them differently at its end than at its start has failed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from cosmos_board.core.errors import DeviceError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.run_record import DeviceCheck, RunRecord, RunSettings
from cosmos_board.core.scores import ScoreRow
from cosmos_board.core.targets import Image, Reference
from cosmos_board.data.pack import PackItem
from cosmos_board.data.pack.png import hash_pixels, make_image_id
from cosmos_board.models.segmenter import Segmenter
from cosmos_board.phantoms.controlled import PhantomImage, phantom_pack_images
from cosmos_board.prompts.frozen import freeze_prompts
from cosmos_board.prompts.simulators import tight_box
from cosmos_board.runner.evaluation.evaluate import evaluate_image
from cosmos_board.runner.evaluation.evaluators import PromptedSegmenter
from cosmos_board.runner.record.folder import RunFolder

_FEWEST, _MOST, _EVERY = 2, 130, 100
"""One image in a hundred of the run; at most as many as have about 2,000 masks."""


def is_wanted(device: str) -> bool:
    """Tell whether a run on `device` needs a check: a CPU gives equal counts by construction."""
    return not device.startswith("cpu")


def count_images(images: int) -> int:
    """Return how many images are checked in a run of so many.

    Example:
        >>> [count_images(n) for n in (24, 5_000, 1_000_000)]
        [2, 50, 130]
    """
    return min(max(images // _EVERY, _FEWEST), _MOST)


@contextmanager
def check_device(
    evaluator: PromptedSegmenter, images: int, folder: RunFolder, record: RunRecord
) -> Iterator[None]:
    """Compare a model's answers before and after the block; note both in the run record.

    Args:
        evaluator: The model.
        images: How many images the block evaluates.
        folder: The run folder, held.
        record: Its record; `ingest` refuses a run whose two digests differ.

    Raises:
        DeviceError: If the answers changed.
    """
    segmenter, number = evaluator.segmenter, count_images(images)
    before = _answer(segmenter, number)
    check = DeviceCheck(model=evaluator.card.name, rows=len(before), before=_hash(before))
    record.device_checks.append(check)
    folder.write_record(record)
    yield
    after = _answer(segmenter, number)
    record.device_checks[-1] = replace(check, after=_hash(after))
    folder.write_record(record)
    pairs = zip(before, after, strict=True)
    if unequal := sum(first.scores.counts != last.scores.counts for first, last in pairs):
        raise DeviceError(
            f"{folder.path}: the device gave other masks at the end than at the start "
            f"({unequal} of {len(before)} rows of the device check); this run cannot be used"
        )


def _answer(segmenter: Segmenter, images: int) -> list[ScoreRow]:
    """Return the rows of the protocol's prompts, but everything mode, on images of the set."""
    settings = RunSettings(prompts=tuple(n for n in segmenter.card.prompts if n != "everything"))
    items = [_make_item(phantom) for phantom in phantom_pack_images(images)]
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
