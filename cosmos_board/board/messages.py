"""Messages of the board as keys and fields; their texts are in `site.language.messages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

MessageKey: TypeAlias = Literal[
    # what a finding lacks
    "scores", "promptable-model", "promptable-scores", "prompt", "one-model-with-prompts",
    "too-many-failed",
    "wide-targets", "model", "model-prompts", "annotation-log", "annotating-readers",
    "annotated-clusters", "annotated-targets", "jitter-study", "jitter-of-one-model",
    "clicks-of-promptable-model", "clicks-of-interactive-method", "as-many-candidates",
    "references-with-factors", "clusters-with-factors", "targets-with-factors", "variation",
    "fine-tuned-model", "fine-tuned-of-family", "scores-of-pair", "unseen-clusters",
    "interval-clusters",
    # why a fine-tuned model is not measured
    "base-without-scores", "unknown-training-datasets", "unknown-training-clusters",
    # the parts of a claim
    "high-dice-targets", "low-dice-targets", "size-gain", "point-gain", "box-gain", "dice-gained",
    "seconds-saved", "box-drop", "point-drop", "first-click-lead", "last-click-lag",
    "boundary-rho", "intensity-rho", "tuning-gain",
    # what must be said beside advice
    "of-that-size", "too-few-of-that-size", "no-whole-answers", "no-data", "no-data-but-near",
    "too-few-to-recommend", "low-dice", "not-above-baselines", "one-dataset", "synthetic-data",
]  # fmt: skip

Field: TypeAlias = "str | int | float | tuple[str, ...] | Message"


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence by its key, and what fills it in."""

    key: MessageKey
    fields: tuple[tuple[str, Field], ...] = ()

    @classmethod
    def of(cls, key: MessageKey, **fields: Field) -> Message:
        """Return a message; `fields` are what its template names."""
        return cls(key, tuple(fields.items()))


def name_failing(model: str, prompt: str, failed: int, answers: int) -> Message:
    """Return what is missing where too many of a model's answers failed."""
    return Message.of("too-many-failed", model=model, prompt=prompt, failed=failed, answers=answers)
