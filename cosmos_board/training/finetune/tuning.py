"""Fine-tuning: a published model learns one task further, by its decoder alone or with LoRA.

Three traps of earlier code are avoided and tested: every mask head that is asked at evaluation is
taught; the clusters that judge the outcome are never among those learnt from; and the cross-entropy
is that of a sigmoid, where a softmax over a single channel would always be zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cosmos_board.core.errors import InputError
from cosmos_board.models.sam.decoder import SamModules
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.training.finetune.data import TuningImage
from cosmos_board.training.finetune.gain import score_images
from cosmos_board.training.finetune.image import PreparedImage, prepare_image, tuning_loss
from cosmos_board.training.finetune.lora import add_lora, merge_lora
from cosmos_board.training.finetune.plan import Report, TuningPlan, TuningResult
from cosmos_board.training.finetune.resume import KeptTuning
from cosmos_board.training.finetune.views import draw_views
from cosmos_board.training.finetune.weight_averaging import LaterMean, is_worse, mean_over_clusters


class _Descent:
    """The optimiser and its learning rate over all steps of a plan."""

    def __init__(
        self,
        learning: list[nn.Parameter],
        plan: TuningPlan,
        family: str,
        sets: Sequence[Sequence[PreparedImage]],
    ) -> None:
        calls = [
            sum(math.ceil(len(image.references) / plan.prompts_per_step) for image in images)
            for images in sets
        ]
        steps = sum(calls[epoch % len(calls)] for epoch in range(1, plan.epochs + 1))
        self._optimiser = torch.optim.AdamW(
            learning, lr=plan.rate_for(family), weight_decay=plan.weight_decay
        )
        self._rate = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda step: plan.share_of_rate(family, step / steps)
        )

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {"optimiser": self._optimiser.state_dict(), "rate": self._rate.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self._optimiser.load_state_dict(state["optimiser"])
        self._rate.load_state_dict(state["rate"])

    def follow(self, loss: Tensor) -> None:
        """Take one step down the gradient of `loss`."""
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._rate.step()


def tune(
    segmenter: SamSegmenter,
    train: Sequence[TuningImage],
    validation: Sequence[TuningImage],
    plan: TuningPlan,
    report: Report | None = None,
    keep: KeptTuning | None = None,
) -> TuningResult:
    """Fine-tune `segmenter` in place; it ends with the mean of its later weights.

    Where `validation` shows that they are worse than no tuning, it ends as it was.
    The arithmetic is that of the segmenter's device and precision, weights stay float32.

    The image and prompt encoders stay frozen and, unless LoRA changes them, image embeddings are
    computed once. Where each image has several views, epochs take sets of them in turn.

    Args:
        segmenter: Of the SAM family.
        train: Images to learn from.
        validation: Images of other clusters, which can stop a tuning that does harm.
        plan: How.
        report: Told of each epoch.
        keep: Where the tuning is kept after each epoch, and goes on from.

    Raises:
        InputError: If a cluster stands on both sides, there is nothing to learn from, or the
            precision is fp16, in which small gradients vanish.
    """
    _refuse_leaks(train, validation)
    check_precision(segmenter)
    sam, module = segmenter.parts, segmenter.module
    learning = _freeze(module, sam, plan)
    family = segmenter.card.family
    views = plan.views_for(family, len(train))
    sets = _prepare(segmenter, train, views, plan)
    descent = _Descent(learning, plan, family, sets)
    mean = LaterMean(learning, plan.epochs)
    before = score_images(segmenter, validation, plan.judged_by)
    scores = [mean_over_clusters(before)]
    if keep and (left := keep.read()):
        scores = _restore(left, learning, descent, mean)
    for epoch in range(len(scores), plan.epochs + 1):
        _learn_epoch(segmenter, sets[epoch % len(sets)], descent, plan, epoch)
        mean.add(epoch)
        scores.append(mean_over_clusters(score_images(segmenter, validation, plan.judged_by)))
        if keep:
            keep.write(_gather(learning, descent, mean, scores))
        if report:
            report(epoch, plan.epochs, scores[-1])
    mean.settle()
    after = score_images(segmenter, validation, plan.judged_by)
    kept = not is_worse(before, after)
    if not kept:
        mean.go_back()
    merge_lora(sam.image_encoder)
    module.requires_grad_(True)
    settled = mean_over_clusters(after) if kept else scores[0]
    return TuningResult(kept, tuple(scores), settled, views)


def _prepare(
    segmenter: SamSegmenter, images: Sequence[TuningImage], views: int, plan: TuningPlan
) -> list[list[PreparedImage]]:
    """Return the sets of views that epochs learn from; the first holds the images themselves."""
    sets: list[list[PreparedImage]] = [[] for _ in range(plan.view_sets if views > 1 else 1)]
    for number, image in enumerate(images):
        seed = (plan.seed << 32) + number
        for place, view in enumerate(draw_views(image, views * len(sets), seed=seed)):
            ready = prepare_image(segmenter, view, cached=plan.method == "decoder")
            sets[place % len(sets)].append(ready)
    return sets


def check_precision(segmenter: SamSegmenter) -> None:
    """Refuse a precision in which small gradients vanish."""
    if segmenter.precision == "fp16":
        raise InputError("--device", "+fp16", "is too coarse to learn in", want="+bf16 or neither")


def _gather(
    learning: Sequence[nn.Parameter], descent: _Descent, mean: LaterMean, scores: list[float]
) -> dict[str, Any]:
    weights = [weight.detach() for weight in learning]
    return {"weights": weights, "scores": scores, **descent.state(), **mean.state()}


def _restore(
    kept: dict[str, Any], learning: Sequence[nn.Parameter], descent: _Descent, mean: LaterMean
) -> list[float]:
    """Bring back a tuning after its last whole epoch; return its scores so far."""
    with torch.no_grad():
        for weight, value in zip(learning, kept["weights"], strict=True):
            weight.copy_(value)
    descent.restore(kept)
    mean.restore(kept)
    return list(kept["scores"])


def _refuse_leaks(train: Sequence[TuningImage], validation: Sequence[TuningImage]) -> None:
    for name, images in (("training", train), ("validation", validation)):
        if not images:
            raise InputError("finetune", name, "has no images")
    both = {image.cluster for image in train} & {image.cluster for image in validation}
    if both:
        raise InputError("finetune", "cluster", "is learnt from and validated on", got=min(both))


def _freeze(module: nn.Module, sam: SamModules, plan: TuningPlan) -> list[nn.Parameter]:
    module.eval()  # batch statistics stay as they were learnt
    module.requires_grad_(False)
    learning = list(sam.mask_decoder.parameters())
    sam.mask_decoder.requires_grad_(True)
    if plan.method == "lora":
        learning += add_lora(sam.image_encoder, plan.rank, seed=plan.seed)
    return learning


def _learn_epoch(
    segmenter: SamSegmenter,
    prepared: list[PreparedImage],
    descent: _Descent,
    plan: TuningPlan,
    epoch: int,
) -> None:
    rng = np.random.Generator(np.random.Philox(key=(plan.seed << 32) + epoch))
    for position in rng.permutation(len(prepared)):
        image = prepared[position]
        order = rng.permutation(len(image.references))
        for start in range(0, len(order), plan.prompts_per_step):
            chosen = [image.references[i] for i in order[start : start + plan.prompts_per_step]]
            kind = plan.prompts[int(rng.integers(len(plan.prompts)))]
            descent.follow(tuning_loss(segmenter, image, chosen, kind, rng))
