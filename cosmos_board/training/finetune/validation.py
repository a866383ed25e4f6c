"""Dice on held-out clusters before and after fine-tuning: whether it did harm, what it gained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.core.arrays import Floats
from cosmos_board.core.prompts import get_prompt_kind
from cosmos_board.metrics.overlap import count_overlap
from cosmos_board.models.segmenter import Segmenter
from cosmos_board.prompts import freeze_prompts
from cosmos_board.stats.design import make_design
from cosmos_board.stats.family import compare_all
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.stats.variance import measure_means
from cosmos_board.training.finetune.data import TuningImage

ALL_TARGETS = "all"
"""All references of a cluster together; a board averages over targets instead."""


@dataclass(frozen=True, slots=True)
class DiceRow:
    """Dice of one reference under one prompt, predicted selection."""

    cluster: str
    target: str
    prompt: str
    position: int
    """Index of the reference over all images; pairs a row before with the row after."""

    dice: float


@dataclass(frozen=True, slots=True)
class Gain:
    """Mean Dice over clusters before and after, and the paired difference."""

    target: str
    """A target, or `all` of them."""

    prompt: str
    before: float
    after: float
    low: float | None
    """Lower end of the 95 % interval of the difference; None under ten clusters."""

    high: float | None
    clusters: int
    references: int

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before


def score_images(
    segmenter: Segmenter, images: Sequence[TuningImage], prompts: Iterable[str]
) -> list[DiceRow]:
    """Return a row per reference and prompt, in the same order for every segmenter.

    Raises:
        UnknownNameError: If a prompt is not of the protocol.
    """
    names = [get_prompt_kind(name).name for name in prompts]
    rows, first = [], 0
    for image in images:
        embedding = segmenter.embed(image.pixels)
        frozen = [freeze_prompts(mask) for _, mask in image.references]
        for name in names:
            answers = segmenter.predict(embedding, [prompts[name] for prompts in frozen])
            for i, (object_name, mask) in enumerate(image.references):
                dice = count_overlap(answers[i].masks[answers[i].best], mask).dice
                target = image.target(object_name)
                rows.append(DiceRow(image.cluster, target, name, first + i, dice))
        first += len(image.references)
    return rows


def mean_over_clusters(rows: Sequence[DiceRow]) -> float:
    """Return the mean Dice of clusters, each the mean of its rows."""
    return float(np.mean(_cluster_means(rows, [row.dice for row in rows])))


def is_worse(before: Sequence[DiceRow], after: Sequence[DiceRow]) -> bool:
    """Tell whether the mean Dice of clusters fell by more than its standard error.

    The error is that of paired differences between clusters, or between the rows where there is
    only one cluster.

    Example:
        >>> rows = lambda *dices: [DiceRow("a", "t", "box", i, x) for i, x in enumerate(dices)]
        >>> is_worse(rows(0.8, 0.6), rows(0.7, 0.65)), is_worse(rows(0.8, 0.6), rows(0.7, 0.51))
        (False, True)
    """
    changes = [new.dice - old.dice for old, new in zip(before, after, strict=True)]
    means = _cluster_means(before, changes)
    sample = np.array(means if len(means) > 1 else changes)
    error = sample.std(ddof=1) / math.sqrt(len(sample)) if len(sample) > 1 else 0.0
    return bool(np.mean(means) < -error)


def _cluster_means(rows: Sequence[DiceRow], values: Sequence[float]) -> list[float]:
    """Return the mean of the values of each cluster's rows, in the order of first appearance."""
    by_cluster: dict[str, list[float]] = {}
    for row, value in zip(rows, values, strict=True):
        by_cluster.setdefault(row.cluster, []).append(value)
    return [float(np.mean(cluster)) for cluster in by_cluster.values()]


def compare_rows(before: Sequence[DiceRow], after: Sequence[DiceRow]) -> list[Gain]:
    """Return one gain per prompt and target, then one per prompt over all targets.

    Rows are from `score_images` of the base model and the tuned one, on the same images.
    """
    assert [row.position for row in before] == [row.position for row in after]
    pairs = list(zip(before, after, strict=True))
    gains = []
    for prompt in dict.fromkeys(row.prompt for row in before):
        of_prompt = [pair for pair in pairs if pair[0].prompt == prompt]
        for target in (*sorted({old.target for old, _ in of_prompt}), ALL_TARGETS):
            chosen = [pair for pair in of_prompt if target in (pair[0].target, ALL_TARGETS)]
            gains.append(_gain(target, prompt, chosen))
    return gains


def _gain(target: str, prompt: str, pairs: list[tuple[DiceRow, DiceRow]]) -> Gain:
    clusters = sorted({old.cluster for old, _ in pairs})
    means = np.array(
        [
            np.mean([(old.dice, new.dice) for old, new in pairs if old.cluster == cluster], axis=0)
            for cluster in clusters
        ]
    )
    before, after = means.mean(0).tolist()
    low = high = None
    if len(clusters) >= MINIMUM_CLUSTERS:
        low, high = _find_interval(means[:, ::-1])
    return Gain(target, prompt, before, after, low, high, len(clusters), len(pairs))


def _find_interval(means: Floats) -> tuple[float, float]:
    """Return the interval that a board gives the difference of two models, after − before.

    Args:
        means: Dice after and before, shape (clusters, 2).
    """
    clusters = np.arange(len(means))
    errors = measure_means(means, make_design([(clusters, np.zeros_like(clusters))]))
    family = compare_all(errors, np.zeros((len(means), 1), np.int16))
    return float(family.low[0]), float(family.high[0])


def format_gains(gains: Sequence[Gain]) -> str:
    """Return the before/after table as text: Dice in points, intervals in brackets."""
    lines = [f"{'target':<28} {'prompt':<11} before  after   gain  95 % interval   clusters"]
    for gain in gains:
        span = "–" if gain.low is None else f"[{100 * gain.low:.1f}, {100 * (gain.high or 0):.1f}]"
        lines.append(
            f"{gain.target:<28} {gain.prompt:<11} {100 * gain.before:6.1f} {100 * gain.after:6.1f}"
            f" {100 * gain.difference:+6.1f}  {span:<15} {gain.clusters:>8}"
        )
    return "\n".join(lines)
