"""The script that a researcher would write today, with the official classes and MONAI's metrics.

One `SamPredictor.predict` per prompt, `SamAutomaticMaskGenerator` with the stability offset that a
model is meant for, overlap by numpy, distances by MONAI. Nothing in it is made slow on purpose:
images are in memory, embedded once each, and a mask that both selections choose is measured once.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from monai import metrics
from segment_anything import SamAutomaticMaskGenerator, SamPredictor

from benchmarks.forward import MODES
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.data.pack import PackItem

Key: TypeAlias = tuple[str, str, str]
"""Reference id, prompt, selection."""


def run_script(
    sam: Any,  # noqa: ANN401 - an official `Sam`
    items: Sequence[PackItem],
    *,
    prompts: Sequence[str] = (*MODES, "everything"),
    stability_offset: float = 1.0,
) -> tuple[float, dict[Key, float], list[list[Mask]]]:
    """Return seconds, the Dice of every row, and the masks that everything mode found per image."""
    warnings.simplefilter("ignore")
    predictor = SamPredictor(sam)
    generator = SamAutomaticMaskGenerator(sam, stability_score_offset=stability_offset)
    dice: dict[Key, float] = {}
    every: list[list[Mask]] = []
    start = time.perf_counter()
    for item in items:
        pixels = _to_rgb(item.image.pixels)
        references = {reference.reference_id: reference.mask() for reference in item.references}
        modes = [name for name in prompts if name in MODES]
        if modes:
            predictor.set_image(pixels)
        for reference_id, reference in references.items():
            for name in modes:
                prompt = item.prompts[reference_id][name]
                for selection, value in _put(predictor, prompt, reference):
                    dice[reference_id, name, selection] = value
        if "everything" in prompts:
            every.append([mask["segmentation"] for mask in generator.generate(pixels)])
            for reference_id, reference in references.items():
                dice[reference_id, "everything", "oracle"] = _match(every[-1], reference)
    return time.perf_counter() - start, dice, every


def _to_rgb(pixels: Pixels) -> Pixels:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _put(predictor: SamPredictor, prompt: Prompt, reference: Mask) -> Iterator[tuple[str, float]]:
    points = len(prompt.labels) > 0
    masks, estimates, _ = predictor.predict(
        point_coords=prompt.points_xy.astype(np.float64) if points else None,
        point_labels=prompt.labels if points else None,
        box=None if prompt.box_xyxy is None else np.array(prompt.box_xyxy),
        multimask_output=True,
    )
    overlaps = [_dice(mask, reference) for mask in masks]
    chosen = {"oracle": int(np.argmax(overlaps)), "predicted": int(np.argmax(estimates))}
    for index in set(chosen.values()):
        measure_distances(masks[index], reference)
    for selection, index in chosen.items():
        yield selection, overlaps[index]


def _match(masks: list[Mask], reference: Mask) -> float:
    if not masks:
        return 0.0
    overlaps = [_dice(mask, reference) for mask in masks]
    best = int(np.argmax(overlaps))
    measure_distances(masks[best], reference)
    return overlaps[best]


def _dice(mask: Mask, reference: Mask) -> float:
    return float(2 * np.logical_and(mask, reference).sum() / (mask.sum() + reference.sum()))


def measure_distances(mask: Mask, reference: Mask) -> tuple[float, ...]:
    """Return what MONAI says of a pair: HD, HD95, ASSD, NSD, IoU."""
    pair = [
        torch.from_numpy(np.ascontiguousarray(array))[None, None] for array in (mask, reference)
    ]
    whole = {"include_background": True}
    measures: tuple[Callable[[], torch.Tensor], ...] = (
        lambda: metrics.compute_hausdorff_distance(*pair, **whole),
        lambda: metrics.compute_hausdorff_distance(*pair, **whole, percentile=95),
        lambda: metrics.compute_average_surface_distance(*pair, **whole, symmetric=True),
        lambda: metrics.compute_surface_dice(*pair, [2.0], **whole),
        lambda: metrics.compute_iou(*pair),
    )
    return tuple(measure().item() for measure in measures)
