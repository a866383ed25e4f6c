"""Boundary complexity and the other factors, against pyefd called once per order.

Usage: python -m benchmarks.factors_bench [FILE.json]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.mask_pairs import make_pairs
from benchmarks.timing import Timing, describe_machine, print_timings, time_in_turn, to_rows
from cosmos_board.core.masks import Mask
from cosmos_board.factors import compute_factors
from cosmos_board.factors.contour import DICE_RECOVERED, ORDER_LIMIT, measure_complexity
from cosmos_board.factors.definitions import find_largest_component

SIDES = (512, 1024)

_MakeCurve: TypeAlias = Callable[[NDArray[np.float64], int], NDArray[np.float64]]


def bench_complexity(side: int, *, rounds: int = 3) -> list[Timing]:
    """Time the order at which a contour is recovered, for smooth and for rough outlines."""
    masks = [mask for pair in make_pairs(side, each=1) for mask in pair]
    cases = [(mask, find_largest_component(mask)[1]) for mask in masks]
    ways: dict[str, Callable[[Any], object]] = {
        "cosmos-board, both readings of complexity": (lambda case: measure_complexity(case[1])),
        "cosmos-board, all factors": (
            lambda case: compute_factors(case[0].view(np.uint8), case[0])
        ),
        "numpy, harmonics tabulated again at each order": (
            lambda case: _search(case[1], _tabulated_curve)
        ),
    }
    if find_spec("pyefd"):
        ways["pyefd at each order, filled in the whole image"] = lambda case: _search(
            case[1], _pyefd_curve
        )
    return time_in_turn(ways, cases, rounds=rounds)


def run() -> dict[str, object]:
    """Print every table and return them as plain values."""
    cv2.setNumThreads(1)
    tables = []
    for side in SIDES:
        title = f"Contour complexity of a mask at {side}² (30 masks)"
        timings = bench_complexity(side)
        print_timings(title, timings)
        tables.append(to_rows(title, timings))
    return {"machine": describe_machine(), "tables": tables}


def _search(component: Mask, make_curve: _MakeCurve) -> int:
    """Return the first order above the Dice, as a script would look for it."""
    contours, _ = cv2.findContours(
        component.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    contour = contours[0].reshape(-1, 2).astype(np.float64)
    target = np.zeros(component.shape, np.uint8)
    cv2.fillPoly(target, [contour.astype(np.int32)], 1)
    for order in range(1, ORDER_LIMIT + 1):
        curve = np.zeros(component.shape, np.uint8)
        cv2.fillPoly(curve, [np.rint(make_curve(contour, order)).astype(np.int32)], 1)
        dice = 2 * np.logical_and(curve, target).sum() / (curve.sum() + target.sum())
        if dice > DICE_RECOVERED:
            return order
    return ORDER_LIMIT + 1


def _tabulated_curve(contour: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    step = np.roll(contour, -1, axis=0) - contour
    length = np.hypot(*step.T)
    total = length.sum()
    n = np.arange(1, order + 1)
    phase = np.outer(n, 2 * np.pi * np.concatenate([[0.0], np.cumsum(length)]) / total)
    at = np.outer(2 * np.pi * np.arange(len(contour)) / len(contour), n)
    scale = (total / (2 * n**2 * np.pi**2))[:, None]
    cosine = scale * (np.diff(np.cos(phase)) @ (step / length[:, None]))
    sine = scale * (np.diff(np.sin(phase)) @ (step / length[:, None]))
    middle = ((contour + step / 2) * length[:, None]).sum(axis=0) / total
    curve: NDArray[np.float64] = middle + np.cos(at) @ cosine + np.sin(at) @ sine
    return curve


def _pyefd_curve(contour: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    pyefd = import_module("pyefd")
    curve: NDArray[np.float64] = pyefd.reconstruct_contour(
        pyefd.elliptic_fourier_descriptors(contour, order=order),
        locus=pyefd.calculate_dc_coefficients(contour),
        num_points=len(contour),
    )
    return curve


if __name__ == "__main__":
    document = run()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
