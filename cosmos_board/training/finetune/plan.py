"""How a model is fine-tuned, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cosmos_board.core.errors import InputError

Method: TypeAlias = Literal["decoder", "lora"]
METHODS: tuple[Method, ...] = ("decoder", "lora")

_VIEWS = 80

Report = Callable[[int, int, float], None]
"""Called after each epoch with epoch, epochs and validation Dice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningPlan:
    """How a model is fine-tuned.

    Rate, weight decay and epochs are the study's (Huang et al. 2024, section 4.12), which asked
    with boxes alone; here the other prompts are learnt too, so that they do not get worse.
    """

    method: Method = "decoder"
    rank: int = 8
    """Of LoRA's correction to the encoder's attention; the decoder learns beside it."""

    epochs: int = 20
    learning_rate: float | None = None
    """The study's 1e-4 where None; 5e-4 for `cosmos-tiny`, whose few weights have further to go."""

    weight_decay: float = 0.01
    views: int | None = None
    """Of every training image in an epoch. Where None the image itself alone, as in the study; for
    `cosmos-tiny`, which has seen too little to do without turned, zoomed and relit ones, as many
    as make some eighty views, but at most 8."""

    view_sets: int = 4
    """Of such views, which epochs take in turn, so that less of them is learnt by heart."""

    prompts: tuple[str, ...] = ("box", "box", "point", "points-5-5", "box-point")
    """What is asked while learning, one after another; the box twice as often."""

    judged_by: tuple[str, ...] = ("box",)
    """Prompts whose Dice on the validation clusters tells whether tuning did harm."""

    prompts_per_step: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(
                "--method", "", "is unknown", got=self.method, want=" or ".join(METHODS)
            )

    def rate_for(self, family: str) -> float:
        """Return the learning rate for a model of `family`."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 5e-4 if family == "cosmos-tiny" else 1e-4

    def share_of_rate(self, family: str, done: float) -> float:
        """Return by what the learning rate is multiplied when a share `done` of the steps is done.

        The study's rate stays; that of `cosmos-tiny`, five times as high, falls along half a
        cosine, since a few images give no smooth end at a high one.

        Example:
            >>> [round(TuningPlan().share_of_rate("cosmos-tiny", done), 2) for done in (0, 0.5, 1)]
            [1.0, 0.5, 0.0]
        """
        return (1 + math.cos(math.pi * done)) / 2 if family == "cosmos-tiny" else 1.0

    def views_for(self, family: str, images: int) -> int:
        """Return how many views of each training image a model of `family` learns from.

        Example:
            >>> [TuningPlan().views_for("cosmos-tiny", images) for images in (4, 20, 200)]
            [8, 4, 1]
        """
        if self.views is not None:
            return self.views
        return min(8, max(1, _VIEWS // images)) if family == "cosmos-tiny" else 1


@dataclass(frozen=True, slots=True)
class TuningResult:
    """What came out, beside the tuned segmenter itself."""

    kept: bool
    """False where validation showed harm, and the model is as it was."""

    validation: tuple[float, ...]
    """Mean Dice on the validation clusters, before and after each epoch."""

    settled: float
    """The same of the weights that were kept."""

    views: int
    """Of each training image in an epoch."""
