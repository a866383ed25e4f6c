"""The random walker's equations (Grady 2006) on a pixel grid, in the form scikit-image gives them.

Neighbouring pixels are joined by weights that fall with the squared step between them. Every
unknown pixel asks that its weighted neighbours agree with it; seeds are known. The unknowns of
one seed label solve a symmetric system with a five-point pattern, so it is kept as three
images: the diagonal, the weights to the right and the weights downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, cg

from cosmos_board.core.masks import Pixels

BETA = 130.0
_EPSILON = 1e-10
"""Keeps pixels on both sides of a sharp edge joined, as scikit-image does."""

UNKNOWN, BACKGROUND, FOREGROUND = 0, 1, 2

Grid = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """How strongly neighbouring pixels of one image are joined."""

    right: Grid
    """Between (y, x) and (y, x + 1), axes (Y, X); the last column is 0."""

    down: Grid
    """Between (y, x) and (y + 1, x), axes (Y, X); the last row is 0."""


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """One symmetric system for the unknown pixels, with a right-hand side per label.

    Known pixels are rows of the unit matrix with right-hand side 0: they stay 0 and touch nothing.
    """

    diagonal: Grid
    right: Grid
    """Weights between unknown pixels only."""

    down: Grid
    background: Grid
    foreground: Grid


def measure_weights(pixels: Pixels) -> Weights:
    """Return the weights of an image, grey (Y, X) or RGB (Y, X, 3).

    exp(−β s² / (10 σ √C)) + 1e-10, where s² sums the squared steps of the C channels scaled to
    [0, 1] and σ is the deviation of the whole image. A constant image joins all pixels alike.
    """
    levels = pixels.astype(np.float64) / 255
    channels = levels[..., None] if levels.ndim == 2 else levels
    deviation = float(levels.std())
    fall = BETA / (10 * deviation * np.sqrt(channels.shape[2])) if deviation > 0 else 0.0
    right, down = (np.zeros(channels.shape[:2]) for _ in range(2))
    right[:, :-1] = np.exp(-fall * _squared_steps(channels, axis=1)) + _EPSILON
    down[:-1] = np.exp(-fall * _squared_steps(channels, axis=0)) + _EPSILON
    return Weights(right, down)


def build_system(weights: Weights, seeds: NDArray[np.uint8]) -> System:
    """Return the equations of the unknown pixels, by seeds as `random_walker.mark_seeds` has them.

    The weights may be of any part of an image that holds all unknown pixels and their neighbours.
    """
    unknown = seeds == UNKNOWN
    diagonal = np.where(unknown, _sum_neighbours(weights, np.ones(seeds.shape)), 1.0)
    sides = [
        np.where(unknown, _sum_neighbours(weights, (seeds == label).astype(np.float64)), 0.0)
        for label in (BACKGROUND, FOREGROUND)
    ]
    right, down = weights.right.copy(), weights.down.copy()
    right[:, :-1] *= unknown[:, :-1] & unknown[:, 1:]
    down[:-1] *= unknown[:-1] & unknown[1:]
    return System(diagonal, right, down, *sides)


def _squared_steps(channels: Grid, axis: int) -> Grid:
    steps: Grid = (np.diff(channels, axis=axis) ** 2).sum(axis=2)
    return steps


def _sum_neighbours(weights: Weights, of: Grid) -> Grid:
    """Return the weighted sum of `of` over the four neighbours of each pixel."""
    total = np.zeros(of.shape)
    total[:, :-1] += weights.right[:, :-1] * of[:, 1:]
    total[:, 1:] += weights.right[:, :-1] * of[:, :-1]
    total[:-1] += weights.down[:-1] * of[1:]
    total[1:] += weights.down[:-1] * of[:-1]
    return total


def solve_plainly(diagonal: Grid, right: Grid, down: Grid, side: Grid, tolerance: float) -> Grid:
    """Return the approximate solution that Jacobi-preconditioned conjugate gradients stop at.

    From zero until the residual's norm is below `tolerance` times that of `side`: where it
    stops is part of the method, because far from the seeds the solution is still on its way. The
    matrix is as in `System`, and `side` is the right-hand side; all have axes (Y, X).
    """
    inverse = 1 / diagonal.ravel()

    def multiply(flat: Grid) -> Grid:
        x = flat.reshape(side.shape)
        product = diagonal * x
        product[:, :-1] -= right[:, :-1] * x[:, 1:]
        product[:, 1:] -= right[:, :-1] * x[:, :-1]
        product[:-1] -= down[:-1] * x[1:]
        product[1:] -= down[:-1] * x[:-1]
        return product.ravel()

    matrix, preconditioner = (
        LinearOperator((side.size, side.size), matvec=function, dtype=np.float64)
        for function in (multiply, inverse.__mul__)
    )
    solution, _ = cg(matrix, side.ravel(), rtol=tolerance, M=preconditioner)
    return np.asarray(solution).reshape(side.shape)
