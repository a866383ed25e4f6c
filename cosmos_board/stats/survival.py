"""How many clicks until good enough, when some never get there within the limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cosmos_board.core.arrays import Floats


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve:
    """The share that has not reached the goal after each time."""

    times: Floats
    """Distinct times with an event or a censoring, ascending, shape (times,)."""

    survival: Floats
    """Share still without the event after each time, shape (times,)."""

    @property
    def median(self) -> float:
        """First time at which at most half are left; infinite when more than half never get there.

        Example:
            >>> kaplan_meier([1, 2, 10], [True, True, False]).median
            2.0
        """
        reached = np.flatnonzero(self.survival <= 0.5 + 1e-12)
        return float(self.times[reached[0]]) if len(reached) else float("inf")


def kaplan_meier(
    times: ArrayLike, observed: ArrayLike, weights: ArrayLike | None = None
) -> SurvivalCurve:
    """Return the product-limit curve (Kaplan and Meier 1958).

    Args:
        times: Time of the event or of the last look, shape (n,).
        observed: Whether the event was seen; a censored one counts as at risk at its own time.
        weights: What each counts for; 1 by default.
    """
    when = np.asarray(times, np.float64)
    seen = np.asarray(observed, np.bool_)
    weight = np.ones(len(when)) if weights is None else np.asarray(weights, np.float64)
    distinct, place = np.unique(when, return_inverse=True)
    events = np.bincount(place, weight * seen, len(distinct))
    leaving = np.bincount(place, weight, len(distinct))
    at_risk = leaving[::-1].cumsum()[::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        hazard = np.where(at_risk > 0, events / at_risk, 0.0)
    return SurvivalCurve(distinct, np.cumprod(1 - hazard))


def limited_medians(shares: ArrayLike) -> Floats:
    """Return the median time of each row where every censoring is at the last time.

    A limit on clicks is such a censoring; the product-limit curve is then the plain share that
    is left.

    Args:
        shares: Share of all with their event at times 1 … limit, shape (replicates, limit).

    Returns:
        Medians, shape (replicates,); infinite when more than half never get there.

    Example:
        >>> limited_medians([[0.2, 0.3, 0.1], [0.2, 0.1, 0.1]]).tolist()
        [2.0, inf]
    """
    reached = np.cumsum(np.asarray(shares, np.float64), axis=1) >= 0.5 - 1e-12
    return np.where(reached.any(axis=1), np.argmax(reached, axis=1) + 1.0, np.inf)
