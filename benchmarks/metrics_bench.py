"""Surface and overlap metrics against the libraries a researcher would use today.

Usage: python -m benchmarks.metrics_bench [FILE.json]
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco

from benchmarks.mask_pairs import draw_reference, make_pairs
from benchmarks.timing import Timing, describe_machine, print_timings, time_in_turn, to_rows
from cosmos_board.core.masks import Mask, encode_mask
from cosmos_board.core.scores import Scores
from cosmos_board.metrics import compiled, plain
from cosmos_board.metrics.overlap import tabulate_rles
from cosmos_board.metrics.reference import PreparedReference, prepare_reference
from cosmos_board.metrics.score import score, to_scores

SIDES = (512, 1024)
CANDIDATES, REFERENCES = 300, 10


def bench_surface(side: int, *, rounds: int = 3) -> list[Timing]:
    """Time all overlap and surface scores of a pair, after checking that they agree."""
    cases = [
        (prediction, reference, _warm(reference)) for prediction, reference in make_pairs(side)
    ]
    ways: dict[str, Callable[[Any], object]] = {
        "cosmos-board, reference prepared": lambda case: score(case[0], case[2]),
        "cosmos-board, reference prepared each time": (
            lambda case: score(case[0], prepare_reference(case[1]))
        ),
        "cosmos-board without numba, reference prepared": (
            lambda case: _score_plain(case[0], case[2])
        ),
        "MONAI, six calls": lambda case: _score_monai(case[0], case[1]),
        "surface-distance (no boundary IoU)": (
            lambda case: _score_surface_distance(case[0], case[1])
        ),
        "medpy (no NSD)": lambda case: _score_medpy(case[0], case[1]),
        "SimpleITK (HD of whole masks, Dice)": lambda case: _score_simpleitk(case[0], case[1]),
    }
    worst = max(_differ_from_monai(*case) for case in cases)
    assert worst < 1e-3, f"MONAI differs by {worst}"
    return time_in_turn(ways, cases, rounds=rounds)


def bench_overlap(side: int = 1024, *, rounds: int = 3) -> list[Timing]:
    """Time the overlaps of all candidates of an image with all its references."""
    rng = np.random.default_rng(0)
    shares = np.exp(rng.uniform(np.log(0.001), np.log(0.25), CANDIDATES))
    masks = np.stack([draw_reference(rng, side, float(share)) for share in shares])
    references = masks[:REFERENCES]
    runs, reference_runs = ([encode_mask(mask) for mask in stack] for stack in (masks, references))
    coco_runs, coco_references = (
        [rle.as_coco() for rle in rles] for rles in (runs, reference_runs)
    )
    ways: dict[str, Callable[[Any], object]] = {
        "cosmos-board, run lengths (exact counts)": lambda _: tabulate_rles(runs, reference_runs),
        "pycocotools iou (IoU only)": (
            lambda _: coco.iou(coco_runs, coco_references, [0] * REFERENCES)
        ),
        "numpy, bool loop": lambda _: [
            [np.count_nonzero(mask & reference) for reference in references] for mask in masks
        ],
        "numpy, float32 matrix product with conversion": (
            lambda _: (
                masks.reshape(CANDIDATES, -1).astype(np.float32)
                @ references.reshape(REFERENCES, -1).astype(np.float32).T
            )
        ),
    }
    return time_in_turn(ways, [None], rounds=rounds)


def run() -> dict[str, object]:
    """Print every table and return them as plain values."""
    cv2.setNumThreads(1)
    tables = []
    for side in SIDES:
        title = f"All scores of a pair at {side}² (30 pairs)"
        timings = bench_surface(side, rounds=3 if side < 1000 else 2)
        print_timings(title, timings)
        tables.append(to_rows(title, timings))
    title = f"Overlaps of {CANDIDATES} candidates with {REFERENCES} references at 1024²"
    timings = bench_overlap()
    print_timings(title, timings)
    tables.append(to_rows(title, timings))
    return {"machine": describe_machine(), "tables": tables}


def _warm(mask: Mask) -> PreparedReference:
    reference = prepare_reference(mask)
    compiled.measure(mask, reference)
    plain.measure(mask, reference)
    return reference


def _score_plain(prediction: Mask, reference: PreparedReference) -> Scores:
    pair = plain.measure(prediction, reference)
    assert pair is not None
    return to_scores(pair)


def _score_monai(prediction: Mask, reference: Mask) -> tuple[float, ...]:
    import torch
    from monai import metrics

    pair = [torch.from_numpy(mask)[None, None] for mask in (prediction, reference)]
    whole = {"include_background": True}
    return (
        metrics.compute_hausdorff_distance(*pair, **whole).item(),
        metrics.compute_hausdorff_distance(*pair, **whole, percentile=95).item(),
        metrics.compute_average_surface_distance(*pair, **whole, symmetric=True).item(),
        metrics.compute_surface_dice(*pair, [2.0], **whole).item(),
        metrics.compute_dice(*pair).item(),
        metrics.compute_iou(*pair).item(),
    )


def _differ_from_monai(prediction: Mask, reference: Mask, prepared: PreparedReference) -> float:
    ours = score(prediction, prepared)
    mine = (ours.hd_px, ours.hd95_px, ours.assd_px, ours.nsd, ours.counts.dice, ours.counts.iou)
    return float(np.abs(np.subtract(mine, _score_monai(prediction, reference))).max())


def _score_surface_distance(prediction: Mask, reference: Mask) -> tuple[object, ...]:
    import surface_distance as other

    spans = other.compute_surface_distances(reference, prediction, (1.0, 1.0))
    return (
        other.compute_robust_hausdorff(spans, 100),
        other.compute_robust_hausdorff(spans, 95),
        other.compute_average_surface_distance(spans),
        other.compute_surface_dice_at_tolerance(spans, 2.0),
        other.compute_dice_coefficient(reference, prediction),
    )


def _score_medpy(prediction: Mask, reference: Mask) -> tuple[object, ...]:
    from medpy.metric import binary

    measures = (binary.hd, binary.hd95, binary.assd, binary.dc, binary.jc)
    return tuple(measure(prediction, reference) for measure in measures)


def _score_simpleitk(prediction: Mask, reference: Mask) -> tuple[object, ...]:
    import SimpleITK as sitk  # noqa: N813

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    pair = [sitk.GetImageFromArray(mask.view(np.uint8)) for mask in (prediction, reference)]
    distance, overlap = sitk.HausdorffDistanceImageFilter(), sitk.LabelOverlapMeasuresImageFilter()
    distance.Execute(*pair)
    overlap.Execute(*pair)
    return distance.GetHausdorffDistance(), overlap.GetDiceCoefficient()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    document = run()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
