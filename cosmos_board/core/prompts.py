"""Prompts: points and a box, in the native pixels of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.cards import PROTOCOL as PROTOCOL
from cosmos_board.core.errors import InputError, UnknownNameError


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """Points, a box, or both. `everything` is the prompt with neither."""

    points_xy: NDArray[np.int32]
    """Point coordinates (x, y), int32, shape (n, 2)."""

    labels: NDArray[np.int8]
    """1 inside the object, 0 outside; int8, shape (n,)."""

    box_xyxy: tuple[int, int, int, int] | None = None
    """[min x, min y, max x, max y], maxima inclusive."""

    def __post_init__(self) -> None:
        if self.points_xy.shape != (len(self.labels), 2):
            raise InputError(
                "prompt",
                "points",
                "differ from their labels in number",
                got=self.points_xy.shape,
                want=f"({len(self.labels)}, 2)",
            )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Prompt)
            and np.array_equal(self.points_xy, other.points_xy)
            and np.array_equal(self.labels, other.labels)
            and self.box_xyxy == other.box_xyxy
        )


def make_prompt(
    positive_xy: NDArray[np.int32] | list[tuple[int, int]] | None = None,
    negative_xy: NDArray[np.int32] | list[tuple[int, int]] | None = None,
    box_xyxy: tuple[int, int, int, int] | None = None,
) -> Prompt:
    """Return a prompt from positive points, negative points and a box, each optional.

    Example:
        >>> make_prompt([(3, 4)], [(0, 0)]).labels.tolist()
        [1, 0]
    """
    positive = np.asarray([] if positive_xy is None else positive_xy, np.int32).reshape(-1, 2)
    negative = np.asarray([] if negative_xy is None else negative_xy, np.int32).reshape(-1, 2)
    labels = np.repeat(np.array([1, 0], np.int8), [len(positive), len(negative)])
    return Prompt(np.concatenate([positive, negative]), labels, box_xyxy)


@dataclass(frozen=True, slots=True)
class PromptKind:
    """One of the six prompts that the protocol ranks."""

    name: str
    """Key in files, URLs and on the command line."""

    strategy: str
    """The study's name for it, S1 … S6."""

    label: str
    """Heading in English; the site's catalogues translate it."""

    positive: int
    """Number of positive points."""

    negative: int
    """Number of negative points."""

    box: bool


PROMPTS: dict[str, PromptKind] = {
    kind.name: kind
    for kind in (
        PromptKind("everything", "S1", "Everything", 0, 0, box=False),
        PromptKind("point", "S2", "1 point", 1, 0, box=False),
        PromptKind("points-5", "S3", "5 points", 5, 0, box=False),
        PromptKind("points-5-5", "S4", "5 + 5 points", 5, 5, box=False),
        PromptKind("box", "S5", "Box", 0, 0, box=True),
        PromptKind("box-point", "S6", "Box + 1 point", 1, 0, box=True),
    )
}
"""The six prompts of `cosmos-1`, in the study's order."""


def get_prompt_kind(name: str) -> PromptKind:
    """Return the prompt called `name`.

    Raises:
        UnknownNameError: If the protocol has none of that name.
    """
    if name not in PROMPTS:
        raise UnknownNameError("--prompt", "name", name, PROMPTS)
    return PROMPTS[name]
