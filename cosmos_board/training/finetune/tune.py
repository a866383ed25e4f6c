"""The training loop of fine-tuning, for the SAM family.

The mask tokens that answer at evaluation are those that learn (all three for SAM's own
architecture; a token that was never trained would answer as it did before), and the cross-entropy
is that of a sigmoid, where a softmax over a single channel would always be zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from cosmos_board.core.errors import InputError
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.training.checkpoint import CheckpointFile
from cosmos_board.training.finetune.augmentation import augment_image
from cosmos_board.training.finetune.data import TuningImage
from cosmos_board.training.finetune.lora import add_lora, merge_lora
from cosmos_board.training.finetune.loss import PreparedImage, prepare_image, tuning_loss
from cosmos_board.training.finetune.plan import Report, TuningPlan, TuningResult
from cosmos_board.training.finetune.validation import is_worse, mean_over_clusters, score_images


class _Optimisation:
    """The trained weights with their optimiser, learning-rate schedule and running mean.

    With a dozen patients, two or three of whom validate, the epoch with the best Dice on them is
    picked by chance more than by merit. On nine small tasks the mean of the weights over the
    second half of the epochs (Izmailov et al. 2018) was better by 0.6 Dice points on average than
    the epoch that validation picked, and safer.
    """

    def __init__(
        self, weights: list[nn.Parameter], plan: TuningPlan, family: str, steps: int
    ) -> None:
        self._weights = nn.ParameterList(weights)
        self._initial = [weight.detach().clone() for weight in weights]
        self._mean = AveragedModel(self._weights)
        self._optimiser = torch.optim.AdamW(
            weights, lr=plan.rate_for(family), weight_decay=plan.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda step: plan.share_of_rate(family, step / steps)
        )
        self._stateful: dict[str, Any] = {
            "weights": self._weights,
            "mean": self._mean,
            "optimiser": self._optimiser,
            "schedule": self._schedule,
        }

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {name: part.state_dict() for name, part in self._stateful.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        for name, part in self._stateful.items():
            part.load_state_dict(state[name])

    def step(self, loss: Tensor) -> None:
        """Take one step down the gradient of `loss`."""
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._schedule.step()

    def update_mean(self) -> None:
        """Add the present weights to their running mean."""
        self._mean.update_parameters(self._weights)

    @torch.no_grad()
    def end(self, *, use_mean: bool) -> None:
        """Set the weights to their running mean, or to what they were before the first step."""
        values = self._mean.module.parameters() if use_mean else self._initial
        for weight, value in zip(self._weights, values, strict=True):
            weight.copy_(value)


def tune(
    segmenter: SamSegmenter,
    train: Sequence[TuningImage],
    validation: Sequence[TuningImage],
    plan: TuningPlan,
    report: Report | None = None,
    checkpoint: CheckpointFile | None = None,
) -> TuningResult:
    """Fine-tune `segmenter` in place; it ends with the mean of its weights over later epochs.

    Where Dice on `validation` is then worse than before, it ends as it was.
    The arithmetic is that of the segmenter's device and precision, weights stay float32.

    The image and prompt encoders stay frozen and, unless LoRA changes them, image embeddings are
    computed once. Where images are augmented, epochs take one of several sets in turn. The
    checkpoint is written after each epoch; a tuning with the same settings continues from it.

    Raises:
        InputError: If a cluster is in both, there is nothing to learn from, or the precision is
            fp16, in which small gradients vanish.
    """
    _refuse_leaks(train, validation)
    check_precision(segmenter)
    module, family = segmenter.module, segmenter.card.family
    weights = _freeze(segmenter, plan)
    augmentations = plan.augmentations_for(family, len(train))
    sets = _prepare(segmenter, train, augmentations, plan)
    training = _Optimisation(weights, plan, family, _count_steps(sets, plan))
    before = score_images(segmenter, validation, plan.validation_prompts)
    scores = [mean_over_clusters(before)]
    if state := _read_state(checkpoint):
        training.restore(state)
        scores = list(state["scores"])
    for epoch in range(len(scores), plan.epochs + 1):
        _train_epoch(segmenter, sets[epoch % len(sets)], training, plan, epoch)
        if 2 * epoch > plan.epochs:
            training.update_mean()
        rows = score_images(segmenter, validation, plan.validation_prompts)
        scores.append(mean_over_clusters(rows))
        if checkpoint:
            checkpoint.write({**training.state(), "scores": scores})
        if report:
            report(epoch, plan.epochs, scores[-1])
    training.end(use_mean=True)
    after = score_images(segmenter, validation, plan.validation_prompts)
    kept = not is_worse(before, after)
    if not kept:
        training.end(use_mean=False)
    merge_lora(segmenter.parts.image_encoder)
    module.requires_grad_(True)
    final = mean_over_clusters(after) if kept else scores[0]
    return TuningResult(kept, tuple(scores), final, augmentations)


def check_precision(segmenter: SamSegmenter) -> None:
    """Refuse a precision in which small gradients vanish."""
    if segmenter.precision == "fp16":
        raise InputError("--device", "+fp16", "is too coarse to learn in", want="+bf16 or neither")


def _refuse_leaks(train: Sequence[TuningImage], validation: Sequence[TuningImage]) -> None:
    for name, images in (("training", train), ("validation", validation)):
        if not images:
            raise InputError("finetune", name, "has no images")
    both = {image.cluster for image in train} & {image.cluster for image in validation}
    if both:
        raise InputError("finetune", "cluster", "is learnt from and validated on", got=min(both))


def _freeze(segmenter: SamSegmenter, plan: TuningPlan) -> list[nn.Parameter]:
    """Freeze all but the mask decoder, and return the weights that are trained."""
    segmenter.module.eval()  # batch statistics stay those of the base model
    segmenter.module.requires_grad_(False)
    weights = list(segmenter.parts.mask_decoder.parameters())
    segmenter.parts.mask_decoder.requires_grad_(True)
    if plan.method == "lora":
        weights += add_lora(segmenter.parts.image_encoder, plan.rank, seed=plan.seed)
    return weights


def _prepare(
    segmenter: SamSegmenter, images: Sequence[TuningImage], augmentations: int, plan: TuningPlan
) -> list[list[PreparedImage]]:
    """Return sets of augmented images, one for each epoch in turn; the first has the originals."""
    count = plan.augmentation_sets if augmentations > 1 else 1
    sets: list[list[PreparedImage]] = [[] for _ in range(count)]
    for number, image in enumerate(images):
        seed = (plan.seed << 32) + number
        for place, variant in enumerate(augment_image(image, augmentations * count, seed=seed)):
            prepared = prepare_image(segmenter, variant, frozen=plan.method == "decoder")
            sets[place % count].append(prepared)
    return sets


def _count_steps(sets: Sequence[Sequence[PreparedImage]], plan: TuningPlan) -> int:
    """Return the number of optimiser steps of all epochs."""
    of_set = [
        sum(math.ceil(len(image.references) / plan.prompts_per_step) for image in images)
        for images in sets
    ]
    return sum(of_set[epoch % len(sets)] for epoch in range(1, plan.epochs + 1))


def _read_state(checkpoint: CheckpointFile | None) -> dict[str, Any] | None:
    """Return the state to continue from; None where there is none of this very tuning."""
    with suppress(InputError):
        return checkpoint.read() if checkpoint else None
    return None


def _train_epoch(
    segmenter: SamSegmenter,
    images: list[PreparedImage],
    training: _Optimisation,
    plan: TuningPlan,
    epoch: int,
) -> None:
    rng = np.random.Generator(np.random.Philox(key=(plan.seed << 32) + epoch))
    for position in rng.permutation(len(images)):
        image = images[position]
        order = rng.permutation(len(image.references))
        for start in range(0, len(order), plan.prompts_per_step):
            chosen = [image.references[i] for i in order[start : start + plan.prompts_per_step]]
            kind = plan.prompts[int(rng.integers(len(plan.prompts)))]
            training.step(tuning_loss(segmenter, image, chosen, kind, rng))
