"""The settings of a fine-tuning and its result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cosmos_board.core.errors import InputError

Method: TypeAlias = Literal["decoder", "lora"]
METHODS: tuple[Method, ...] = ("decoder", "lora")

_AUGMENTED_IMAGES = 80
"""About how many images `cosmos-tiny` is trained on in an epoch, augmented ones included."""

Report = Callable[[int, int, float], None]
"""Called after each epoch with epoch, epochs and validation Dice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningPlan:
    """How a model is fine-tuned.

    Learning rate, weight decay and epochs are the study's (Huang et al. 2024, section 4.12), which
    trained with boxes alone; here the other prompts are trained too, so that they do not get worse.
    """

    method: Method = "decoder"
    rank: int = 8
    """Of LoRA in the encoder's attention; the decoder is trained beside it."""

    epochs: int = 20
    learning_rate: float | None = None
    """None: the study's 1e-4, but 5e-4 for `cosmos-tiny`, which starts further from the optimum."""

    weight_decay: float = 0.01
    augmentations: int | None = None
    """Variants of every training image in an epoch, itself included. None: 1, as in the study, but
    for `cosmos-tiny`, which was pre-trained on little, as many as make some eighty images, up to 8.
    """

    augmentation_sets: int = 4
    """Sets of such variants, which epochs take in turn, against overfitting to one of them."""

    prompts: tuple[str, ...] = ("box", "box", "point", "points-5-5", "box-point")
    """Drawn from at random in training; the box twice as often."""

    validation_prompts: tuple[str, ...] = ("box",)
    """Prompts whose Dice on the validation clusters decides whether the tuned weights are kept."""

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
        """Return the factor of the learning rate when a share `done` of the steps is done.

        The study's rate is constant; that of `cosmos-tiny`, five times as high, decays along half a
        cosine, since training on a few images does not converge at a high one.

        Example:
            >>> [round(TuningPlan().share_of_rate("cosmos-tiny", done), 2) for done in (0, 0.5, 1)]
            [1.0, 0.5, 0.0]
        """
        return (1 + math.cos(math.pi * done)) / 2 if family == "cosmos-tiny" else 1.0

    def augmentations_for(self, family: str, images: int) -> int:
        """Return how many variants of each of `images` training images an epoch has.

        Example:
            >>> [TuningPlan().augmentations_for("cosmos-tiny", n) for n in (4, 20, 200)]
            [8, 4, 1]
        """
        if self.augmentations is not None:
            return self.augmentations
        return min(8, max(1, _AUGMENTED_IMAGES // images)) if family == "cosmos-tiny" else 1


@dataclass(frozen=True, slots=True)
class TuningResult:
    """The outcome of a tuning, beside the tuned segmenter itself."""

    kept: bool
    """False where validation showed harm, and the weights are those of the base model."""

    validation: tuple[float, ...]
    """Mean Dice on the validation clusters, before and after each epoch."""

    final: float
    """The same of the weights that were kept."""

    augmentations: int
    """Variants of each training image in an epoch."""
