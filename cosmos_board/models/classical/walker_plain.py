"""Conjugate gradients on the random walker's grid, in numpy."""

from __future__ import annotations

import numpy as np

from cosmos_board.models.classical.walker_system import Grid


def solve(diagonal: Grid, right: Grid, down: Grid, side: Grid, tolerance: float) -> Grid:
    """Return the approximate solution that Jacobi-preconditioned conjugate gradients stop at.

    From zero until the residual's norm is below `tolerance` times that of `side`: where it
    stops is part of the method, because far from the seeds the solution is still on its way.

    Args:
        diagonal: Of the matrix, axes (Y, X).
        right: Weights to the right neighbour, axes (Y, X).
        down: Weights to the neighbour below, axes (Y, X).
        side: The right-hand side, axes (Y, X).
        tolerance: Relative to the norm of `side`.
    """
    solution = np.zeros_like(side)
    residual = side.copy()
    inverse = 1 / diagonal
    target = tolerance * float(np.linalg.norm(side))
    direction, product, scratch = (np.zeros_like(side) for _ in range(3))
    earlier = 0.0
    for step in range(10 * side.size):
        if target == 0 or float(np.linalg.norm(residual)) < target:
            break
        np.multiply(residual, inverse, out=scratch)
        current = _dot(residual, scratch)
        if step:
            direction *= current / earlier
        direction += scratch
        _multiply(diagonal, right, down, direction, product, scratch)
        length = current / _dot(direction, product)
        solution += np.multiply(direction, length, out=scratch)
        residual -= np.multiply(product, length, out=scratch)
        earlier = current
    return solution


def _dot(a: Grid, b: Grid) -> float:
    return float(np.dot(a.ravel(), b.ravel()))


def _multiply(
    diagonal: Grid, right: Grid, down: Grid, x: Grid, product: Grid, scratch: Grid
) -> None:
    """Write the matrix times `x` into `product`."""
    np.multiply(diagonal, x, out=product)
    across, below = scratch[:, :-1], scratch[:-1]
    product[:, :-1] -= np.multiply(right[:, :-1], x[:, 1:], out=across)
    product[:, 1:] -= np.multiply(right[:, :-1], x[:, :-1], out=across)
    product[:-1] -= np.multiply(down[:-1], x[1:], out=below)
    product[1:] -= np.multiply(down[:-1], x[:-1], out=below)
