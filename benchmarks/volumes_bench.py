"""Surface metrics of volumes, in mm, against the libraries a researcher would use today.

Usage: python -m benchmarks.volumes_bench [FILE.json]
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from benchmarks.timing import Timing, describe_machine, print_timings, time_in_turn, to_rows
from cosmos_board.core.volumes import SpacingMm, VolumeMask
from cosmos_board.metrics.volume_reference import prepare_volume_reference
from cosmos_board.metrics.volume_score import TOLERANCE_MM, score_volume
from cosmos_board.phantoms.solids import Ellipsoid, Solid, Tube, Wall, draw_solid, random_turn

SHAPE = (48, 192, 192)
SPACING_MM: SpacingMm = (3.0, 1.0, 1.0)
SOLIDS: dict[str, Solid] = {
    "lesion": Ellipsoid((9.0, 8.0, 7.0)),
    "kidney": Ellipsoid((50.0, 28.0, 25.0)),
    "liver": Ellipsoid((62.0, 72.0, 58.0)),
    "wall": Wall(Ellipsoid((50.0, 45.0, 40.0)), 0.7),
    "vessel": Tube(10.0, 100.0, ((-24.0, 50.0), (24.0, 50.0))),
}
ERRORS_MM = {"good": 1.0, "bad": 5.0}

Pair: TypeAlias = tuple[VolumeMask, VolumeMask]
"""(prediction, reference)."""


def make_pairs() -> list[Pair]:
    """Return an imperfect copy of each solid, for each error."""
    pairs = []
    for number, solid in enumerate(SOLIDS.values()):
        rng = np.random.default_rng(number)
        z, y, x = (count * step / 2 for count, step in zip(SHAPE, SPACING_MM, strict=True))
        reference = draw_solid(solid, SHAPE, SPACING_MM, (z, y, x), random_turn(rng))
        for error_mm in ERRORS_MM.values():
            pairs.append((_distort(rng, reference, error_mm), reference))
    return pairs


def run(*, rounds: int = 2) -> dict[str, object]:
    """Return timings of one pair, after checking that MONAI gives the same scores."""
    cases = [
        (prediction, reference, prepare_volume_reference(reference, SPACING_MM))
        for prediction, reference in make_pairs()
    ]
    for prediction, reference, prepared in cases:
        scores = score_volume(prediction, prepared)  # which also warms the prepared reference
        found = _score_monai(prediction, reference)
        gap = np.abs(np.subtract((scores.hd95_mm, scores.nsd, scores.counts.dice), found)).max()
        assert gap < 1e-4, f"MONAI differs by {gap}"
    ways: dict[str, Callable[[Any], object]] = {
        "cosmos-board, reference prepared": lambda case: score_volume(case[0], case[2]),
        "cosmos-board, reference prepared each time": (
            lambda case: score_volume(case[0], prepare_volume_reference(case[1], SPACING_MM))
        ),
        "MONAI (HD95, NSD, Dice)": lambda case: _score_monai(case[0], case[1]),
        "surface-distance (HD95, NSD, Dice)": (
            lambda case: _score_surface_distance(case[0], case[1])
        ),
    }
    timings: list[Timing] = time_in_turn(ways, cases, rounds=rounds)
    title = f"A volume of {' x '.join(map(str, SHAPE))} voxels"
    print_timings(title, timings)
    return {"machine": describe_machine(), "tables": [to_rows(title, timings)]}


def _distort(rng: np.random.Generator, mask: VolumeMask, error_mm: float) -> VolumeMask:
    moves = rng.uniform(-error_mm, error_mm, 3) / SPACING_MM
    sigma = [4 / step for step in SPACING_MM]
    soft = gaussian_filter(
        shift(mask.astype(np.float32), moves, order=1), [1 / s for s in SPACING_MM]
    )
    field = gaussian_filter(rng.standard_normal(SHAPE, np.float32), sigma)
    drawn: VolumeMask = soft + min(0.4, 0.08 * error_mm) * field / field.std() > 0.5
    # Noise makes no islands: a prediction keeps to where its object is near.
    return np.asarray(drawn & (gaussian_filter(soft, [2 * s for s in sigma]) > 0.02))


def _score_monai(prediction: VolumeMask, reference: VolumeMask) -> tuple[float, ...]:
    import torch
    from monai import metrics

    pair = [torch.from_numpy(mask)[None, None] for mask in (prediction, reference)]
    whole = {"include_background": True, "spacing": list(SPACING_MM)}
    return (
        metrics.compute_hausdorff_distance(*pair, percentile=95, **whole).item(),
        metrics.compute_surface_dice(*pair, [TOLERANCE_MM], **whole).item(),
        metrics.compute_dice(*pair).item(),
    )


def _score_surface_distance(prediction: VolumeMask, reference: VolumeMask) -> tuple[object, ...]:
    import surface_distance as other

    spans = other.compute_surface_distances(reference, prediction, SPACING_MM)
    return (
        other.compute_robust_hausdorff(spans, 95),
        other.compute_surface_dice_at_tolerance(spans, TOLERANCE_MM),
        other.compute_dice_coefficient(reference, prediction),
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    document = run()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
