"""How good a model is on examples it never learnt from, prompt by prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.segmenter import Segmenter
from cosmos_board.prompts import freeze_prompts


@dataclass(frozen=True, slots=True)
class PromptScore:
    """Mean Dice over references."""

    predicted: float
    oracle: float
    references: int


def dice(prediction: Mask, reference: Mask) -> float:
    """Return 2 |A ∩ B| / (|A| + |B|); the reference is not empty."""
    shared = np.count_nonzero(prediction & reference)
    return float(2 * shared / (np.count_nonzero(prediction) + np.count_nonzero(reference)))


def score_prompts(
    segmenter: Segmenter,
    images: Iterable[tuple[Pixels, list[Mask]]],
    prompts: tuple[str, ...] = ("point", "points-5", "points-5-5", "box", "box-point"),
) -> dict[str, PromptScore]:
    """Return the mean Dice per prompt over all references, under both selections.

    Args:
        segmenter: Any segmenter that answers `prompts`.
        images: uint8 pixels with their references.
        prompts: Names of prompts; the protocol's own, not jittered.
    """
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in prompts}
    for pixels, references in images:
        embedding = segmenter.embed(pixels)
        frozen = [freeze_prompts(reference) for reference in references]
        for name, rows in found.items():
            asked = [prompts_of[name] for prompts_of in frozen]
            rows += _dices(segmenter, embedding, asked, references)
    return {name: _mean(rows) for name, rows in found.items() if rows}


def _dices(
    segmenter: Segmenter, embedding: object, asked: list[Prompt], references: list[Mask]
) -> list[tuple[float, float]]:
    rows = []
    answers = segmenter.predict(embedding, asked)  # type: ignore[arg-type]
    for candidates, reference in zip(answers, references, strict=True):
        each = [dice(mask, reference) for mask in candidates.masks]
        rows.append((each[candidates.best], max(each)))
    return rows


def _mean(rows: list[tuple[float, float]]) -> PromptScore:
    predicted, oracle = np.array(rows).mean(0)
    return PromptScore(float(predicted), float(oracle), len(rows))


def table(scores: Mapping[str, PromptScore]) -> str:
    """Return the scores as lines of text: prompt, Dice predicted, Dice oracle, references."""
    return "\n".join(
        f"{name:<12} {score.predicted:.3f} {score.oracle:.3f} {score.references:>6}"
        for name, score in scores.items()
    )
