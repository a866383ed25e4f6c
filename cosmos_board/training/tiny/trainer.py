"""One training step, and the state that the next one depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.core.prompts import Prompt
from cosmos_board.models.sam.decoder import decode
from cosmos_board.prompts.clicks import next_click
from cosmos_board.training.losses import multimask_loss, true_iou
from cosmos_board.training.tiny.batches import (
    Batch,
    Task,
    group_prompts,
    image_tensor,
    reference_tensor,
)
from cosmos_board.training.tiny.data_parallel import WorkerGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Learning rate over the steps, and the other settings of the optimiser."""

    steps: int
    learning_rate: float = 2e-3
    warm_up: int = 50
    weight_decay: float = 0.02
    average_decay: float = 0.995
    """Of the exponential moving average of the weights, which is what is shipped."""

    clip_norm: float = 1.0

    fall: float = 0.35
    """Share of the steps, at the end, over which the rate decays to zero."""

    def rate(self, step: int) -> float:
        """Return the learning rate of step 0 … steps − 1: warm-up, plateau, linear decay."""
        ramp = min(1.0, (step + 1) / self.warm_up)
        left = (self.steps - step) / (self.fall * self.steps)
        return self.learning_rate * ramp * min(1.0, left)


class Trainer:
    """A model of the SAM family, its optimiser and the average of its weights."""

    def __init__(
        self,
        sam: nn.Module,
        schedule: Schedule,
        *,
        device: str = "cpu",
        corrections: Sequence[int] = (6, 3),
        clear_share: float = 0.5,
        workers: WorkerGroup | None = None,
    ) -> None:
        """Prepare to train `sam`, which has the parts, mean and deviation of `segment_anything`.

        `cuda` trains in mixed precision (bfloat16). Of the prompts of a step, `corrections` get a
        first, second … click; `clear_share` is as for `multimask_loss`.
        """
        self.sam: Any = sam.to(device).train()
        self.schedule = schedule
        self.step = 0
        self._device = torch.device(device)
        self._corrections = tuple(corrections)
        self._clear_share = clear_share
        self._workers = workers or WorkerGroup()
        groups: list[dict[str, Any]] = [
            {"params": [p for p in sam.parameters() if p.ndim > 1]},
            {"params": [p for p in sam.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self._optimiser = torch.optim.AdamW(
            groups, lr=schedule.learning_rate, weight_decay=schedule.weight_decay
        )
        self.average = {name: value.clone() for name, value in sam.state_dict().items()}

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Take one step and return its loss, mean IoU of the chosen masks, rate, gradient norm."""
        rate = self.schedule.rate(self.step)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        loss, iou = self._loss(batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._workers.average_gradients(list(self.sam.parameters()))
        norm = nn.utils.clip_grad_norm_(self.sam.parameters(), self.schedule.clip_norm)
        self._optimiser.step()
        self._workers.average([b for b in self.sam.buffers() if b.is_floating_point()])
        self.step += 1
        self._update_average()
        return {"loss": float(loss.detach()), "iou": iou, "rate": rate, "norm": float(norm)}

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {
            "step": self.step,
            "sam": self.sam.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "average": self.average,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.step = int(state["step"])
        self.sam.load_state_dict(state["sam"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.average = {name: value.to(self._device) for name, value in state["average"].items()}

    def _loss(self, batch: Batch) -> tuple[Tensor, float]:
        mixed = torch.autocast(
            self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"
        )
        with mixed:
            features = self.sam.image_encoder(
                image_tensor(batch, self.sam.pixel_mean, self.sam.pixel_std)
            )
        tasks, earlier = list(batch.tasks), None
        losses, ious = [], []
        for clicks in (*self._corrections, 0):
            with mixed:
                answers = self._decode(features, tasks, earlier)
            losses.append(torch.cat([answer.loss for answer in answers]))
            ious += [answer.iou for answer in answers]
            tasks, earlier = _correct(tasks, answers, clicks, self.step) if clicks else ([], None)
            if not tasks:
                break
        return torch.cat(losses).mean(), float(torch.cat(ious).mean())

    def _decode(
        self, features: Tensor, tasks: list[Task], earlier: list[Tensor] | None
    ) -> list[_Decoded]:
        answers = []
        for positions, prompts in group_prompts(tasks, self._device, earlier):
            group = [tasks[p] for p in positions]
            logits, predicted = decode(self.sam, features, prompts)
            logits, predicted = logits.float(), predicted.float()
            native = reference_tensor(group, self._device)
            reference = functional.interpolate(native, logits.shape[-2:], mode="area")
            ambiguous = torch.tensor([task.ambiguous for task in group], device=self._device)
            loss = multimask_loss(
                logits, predicted, reference, ambiguous, clear_share=self._clear_share
            )
            rows = torch.arange(len(group), device=self._device)
            chosen = logits.detach()[rows, predicted.detach().argmax(1)]
            iou = true_iou(chosen[:, None], reference)[:, 0]
            answers.append(_Decoded(positions, loss, chosen, iou))
        return answers

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.schedule.average_decay, (1 + self.step) / (10 + self.step))
        for name, value in self.sam.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)


@dataclass(frozen=True, slots=True, eq=False)
class _Decoded:
    positions: list[int]
    loss: Tensor
    chosen: Tensor
    iou: Tensor


def _correct(
    tasks: list[Task], answers: list[_Decoded], clicks: int, step: int
) -> tuple[list[Task], list[Tensor]]:
    """Return up to `clicks` tasks with one more click each, and the logits to feed back.

    They come from as few groups as possible, since a call costs more than a prompt, and from
    another group first at each `step`. Tasks without an error are left out.
    """
    first = step % len(answers)
    pool = [
        (tasks[position], answer.chosen[row])
        for answer in (*answers[first:], *answers[:first])
        for row, position in enumerate(answer.positions)
    ]
    corrected, fed = [], []
    for task, logits in pool[:clicks]:
        side = task.reference.shape
        prediction = functional.interpolate(logits[None, None], side, mode="bilinear")[0, 0] > 0
        clicked = _add_click(task, prediction.cpu().numpy())
        if clicked is not None:
            corrected.append(clicked)
            fed.append(logits[None])
    return corrected, fed


def _add_click(task: Task, prediction: np.ndarray[Any, np.dtype[np.bool_]]) -> Task | None:
    click = next_click(task.reference, prediction, ())
    if click is None:
        return None
    old = task.prompt
    points = np.vstack([old.points_xy, [[click.x, click.y]]]).astype(np.int32)
    labels = np.append(old.labels, np.int8(click.positive)).astype(np.int8)
    return replace(task, prompt=Prompt(points, labels, old.box_xyxy), ambiguous=False)
