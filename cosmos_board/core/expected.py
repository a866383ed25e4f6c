"""How much a complete copy of a dataset holds, and how much of it a pack does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

CountedUnit: TypeAlias = Literal["cases", "pictures", "references"]
"""What of a dataset can be counted in a pack, where volumes have become slices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCount:
    """A number that the catalog expects of a complete copy, and what the pack holds of it."""

    part: str
    """What the number is of, such as the folder of a task; `all` for the whole dataset."""

    modality: str
    """Only images of this modality count; empty: of every one."""

    object: str
    """Only images with a reference of this object count; empty: every one."""

    unit: CountedUnit
    expected: int
    source: str
    """Who states the number."""

    found: int = 0

    @property
    def is_met(self) -> bool:
        """Whether the pack holds neither less nor more."""
        return self.found == self.expected

    def __str__(self) -> str:
        """Return it as text, such as `Task09_Spleen: 41 of 41 cases`."""
        return f"{self.part}: {describe_found(self.found, self.expected, self.unit)}"


def describe_found(found: int, expected: int, unit: str) -> str:
    """Return how much of what is expected was found, in plain words.

    Example:
        >>> describe_found(2, 3, "cases"), describe_found(4, 3, "cases")
        ('2 of 3 cases', '4 cases, more than the 3 expected')
    """
    if found > expected:
        return f"{found} {unit}, more than the {expected} expected"
    return f"{found} of {expected} {unit}"
