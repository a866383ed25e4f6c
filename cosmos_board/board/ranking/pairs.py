"""One pair of models out of a table of all pairs, and how its verdict fits its interval."""

from __future__ import annotations

from cosmos_board.board.types import PairRow, PairTable, PairVerdict, Slice
from cosmos_board.stats.family import Family
from cosmos_board.stats.testing import MARGIN

_OPPOSITE: dict[PairVerdict, PairVerdict] = {"better": "worse", "worse": "better"}


def outreaches(verdict: PairVerdict, low: float | None, high: float | None) -> bool:
    """Return whether a printed interval reaches further than the verdict beside it says.

    It allows for one more failure, and the verdict rests on the interval without that.

    Example:
        >>> outreaches("better", -0.02, 0.05), outreaches("better", 0.02, 0.05)
        (True, False)
    """
    if low is None or high is None:
        return False
    further = {
        "better": low <= MARGIN,
        "worse": high >= -MARGIN,
        "equivalent": low < -MARGIN or high > MARGIN,
    }
    return further.get(verdict, False)


def pair_row(table: PairTable, a: str, b: str) -> PairRow:
    """Return A against B; both must be in the table.

    Raises:
        ValueError: If one of them is not.
    """
    assert table.family is not None, "only boards with intervals rank models"
    first, second = table.models.index(a), table.models.index(b)
    return describe_pair(table.family, first, second, (a, b), table.key.slice, table.clusters)


def describe_pair(
    family: Family, first: int, second: int, names: tuple[str, str], part: Slice, clusters: int
) -> PairRow:
    """Return one pair of a family, by the places of its models."""
    turned = first > second
    number = family.find_pair(min(first, second), max(first, second))
    sign = -1.0 if turned else 1.0
    low, high = float(family.low[number]), float(family.high[number])
    verdict: PairVerdict = family.verdict(number)
    return PairRow(
        a=names[0],
        b=names[1],
        slice=part,
        difference=sign * float(family.difference[number]) + 0.0,
        low=-high if turned else low,
        high=-low if turned else high,
        verdict=_OPPOSITE.get(verdict, verdict) if turned else verdict,
        held_back=bool(family.held_back[number]),
        detectable=float(family.detectable[number]),
        clusters=clusters,
    )
