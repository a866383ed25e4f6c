"""Conjugate gradients on the random walker's grid, compiled: two passes over memory a step.

Time goes into moving the images through the cache, so each pass does all it can with a row
while the row is there.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.compiled import compile_with
from cosmos_board.models.classical.walker_system import Grid

Row: TypeAlias = NDArray[np.float64]

# Sums may be reordered so that they fill vector registers; nothing else is relaxed.
_compile = compile_with(fastmath={"reassoc", "contract", "nsz"})


@_compile
def solve(diagonal: Grid, right: Grid, down: Grid, side: Grid, tolerance: float) -> Grid:
    """Return what `solve_plainly` returns, up to rounding."""
    inverse = 1.0 / diagonal
    solution, direction = np.zeros_like(side), np.zeros_like(side)
    product = np.empty_like(side)
    residual = side.copy()
    squared = (residual * residual).sum()
    conditioned = (residual * residual * inverse).sum()
    target = tolerance * tolerance * squared
    length, ratio = 0.0, 0.0
    for _ in range(10 * side.size):
        if target == 0 or squared < target:
            break
        curvature = _update_direction(
            length, ratio, residual, inverse, diagonal, right, down, solution, direction, product
        )
        length = conditioned / curvature
        earlier = conditioned
        squared, conditioned = _update_residual(length, product, inverse, residual)
        ratio = conditioned / earlier
    solution += length * direction
    return solution


@_compile
def _update_direction(
    length: float,
    ratio: float,
    residual: Grid,
    inverse: Grid,
    diagonal: Grid,
    right: Grid,
    down: Grid,
    solution: Grid,
    direction: Grid,
    product: Grid,
) -> float:
    """Finish the last step, choose the next direction, write the matrix times it into `product`.

    Returns the dot product of the two.
    """
    height = len(direction)
    total = 0.0
    for i in range(height):
        _update_row(length, ratio, residual[i], inverse[i], solution[i], direction[i])
        _multiply_row(diagonal[i], right[i], direction[i], product[i])
        if i > 0:
            total += _join_rows(down[i - 1], direction[i - 1], direction[i], product, i)
    return total + _dot(direction[height - 1], product[height - 1])


@_compile
def _update_row(
    length: float, ratio: float, residual: Row, inverse: Row, solution: Row, direction: Row
) -> None:
    for j in range(len(direction)):
        old = direction[j]
        solution[j] += length * old
        direction[j] = ratio * old + residual[j] * inverse[j]


@_compile
def _multiply_row(diagonal: Row, right: Row, x: Row, product: Row) -> None:
    width = len(x)
    for j in range(width):
        product[j] = diagonal[j] * x[j]
    for j in range(width - 1):
        product[j] -= right[j] * x[j + 1]
    for j in range(width - 1):
        product[j + 1] -= right[j] * x[j]


@_compile
def _join_rows(weights: Row, above: Row, below: Row, product: Grid, i: int) -> float:
    """Multiply by the weights between rows i − 1 and i; return row i − 1's share of the dot."""
    upper, lower = product[i - 1], product[i]
    total = 0.0
    for j in range(len(weights)):
        value = upper[j] - weights[j] * below[j]
        upper[j] = value
        lower[j] -= weights[j] * above[j]
        total += value * above[j]
    return total


@_compile
def _update_residual(
    length: float, product: Grid, inverse: Grid, residual: Grid
) -> tuple[float, float]:
    """Take the step off the residual; return its squared norm, plain and preconditioned."""
    squared, conditioned = 0.0, 0.0
    for i in range(len(residual)):
        row, moved, scale = residual[i], product[i], inverse[i]
        for j in range(len(row)):
            left = row[j] - length * moved[j]
            row[j] = left
            squared += left * left
            conditioned += left * left * scale[j]
    return squared, conditioned


@_compile
def _dot(a: Row, b: Row) -> float:
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total
