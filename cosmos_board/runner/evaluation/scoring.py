"""From candidates to score rows: both selections, scored against one reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, TypeAlias, cast

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.masks import Rle, encode_mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.scores import SELECTIONS, ScoreRow, Scores, Selection, Study
from cosmos_board.core.volumes import VolumePredictionRow, VolumeScoreRow
from cosmos_board.metrics.overlap import count_candidates
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.metrics.score import penalise, score
from cosmos_board.models.candidate_checks import copy_prompts
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.prompts.jitter import JitterMode

References: TypeAlias = Callable[[], Mapping[str, PreparedReference]]
"""Returns the references of one image by id; called by the thread that scores, so that the one
that predicts does not prepare them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptKey:
    """Which prompt, of which study and trial: the key of a score within reference and selection."""

    prompt: str
    study: Study = "main"
    jitter_level: int | None = None
    jitter_mode: JitterMode | None = None
    trial: int = 0
    click: int | None = None


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """One candidate, as it is kept with `--save-masks`."""

    reference_id: str
    key: PromptKey
    candidate: int
    predicted_iou: float | None
    rle: Rle
    selection: Selection | None = None
    """Which selection chose it; None where all candidates are kept."""


@dataclass(slots=True)
class ImageResult:
    """The score rows of an image or a volume, and the masks where they are kept."""

    rows: list[ScoreRow] = field(default_factory=list)
    predictions: list[PredictionRow] = field(default_factory=list)
    volume_rows: list[VolumeScoreRow] = field(default_factory=list)
    volume_predictions: list[VolumePredictionRow] = field(default_factory=list)

    def extend(self, other: ImageResult) -> None:
        """Add what `other` holds."""
        self.rows.extend(other.rows)
        self.predictions.extend(other.predictions)
        self.volume_rows.extend(other.volume_rows)
        self.volume_predictions.extend(other.volume_predictions)


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate that a selection takes, and its scores."""

    index: int
    scores: Scores
    predicted_iou: float | None


@dataclass(frozen=True)
class HostScorer:
    """Predicts the prompts of one image, and scores the masks in the memory of the host.

    `DeviceScorer` does the same where a model can leave its masks on a device.
    """

    segmenter: Segmenter
    references: References

    def predict(self, embedding: Embedding, prompts: Sequence[Prompt]) -> Sequence[Any]:
        """Return an answer to each prompt, in order, as it comes from the segmenter."""
        return self.segmenter.predict(embedding, copy_prompts(prompts))

    def score(
        self, answers: Sequence[Any], reference_ids: Sequence[str]
    ) -> list[dict[Selection, Choice]]:
        """Return the choice of each selection from each answer, with its scores."""
        references = self.references()
        return [
            choose(self.to_host(answer), references[reference_id])
            for answer, reference_id in zip(answers, reference_ids, strict=True)
        ]

    def to_host(self, answer: Any) -> Candidates:  # noqa: ANN401 (as `predict` returns it)
        """Return an answer in the memory of the host."""
        return cast("Candidates", answer)


def choose(candidates: Candidates, reference: PreparedReference) -> dict[Selection, Choice]:
    """Return the choices of `oracle` and `predicted`; lower indices win ties."""
    counts = count_candidates(candidates.masks, reference)
    indices: dict[Selection, int] = {
        "oracle": max(range(len(counts)), key=lambda k: (counts[k].dice, -k)),
        "predicted": candidates.best,
    }
    scored = {
        index: score(candidates.masks[index], reference, counts[index])
        for index in sorted(set(indices.values()))
    }
    return {
        selection: Choice(index, scored[index], float(candidates.predicted_iou[index]))
        for selection, index in indices.items()
    }


def make_row(
    reference_id: str,
    key: PromptKey,
    selection: Selection,
    scores: Scores,
    predicted_iou: float | None,
) -> ScoreRow:
    """Return the row of one score."""
    return ScoreRow(
        reference_id=reference_id,
        selection=selection,
        scores=scores,
        predicted_iou=_keep_finite(predicted_iou),
        **asdict(key),
    )


def rows_of_choices(
    reference_id: str, key: PromptKey, choices: Mapping[Selection, Choice]
) -> Iterator[ScoreRow]:
    """Yield one row per selection."""
    for selection, choice in choices.items():
        yield make_row(reference_id, key, selection, choice.scores, choice.predicted_iou)


def fail_rows(
    reference_id: str,
    key: PromptKey,
    reference: PreparedReference,
    reason: str,
    selections: tuple[Selection, ...] = SELECTIONS,
) -> Iterator[ScoreRow]:
    """Yield rows that score a failed prediction as an empty one and say why."""
    scores = penalise(reference, f"failed: {reason}")
    for selection in selections:
        yield make_row(reference_id, key, selection, scores, None)


def keep_candidates(
    reference_id: str, key: PromptKey, candidates: Candidates
) -> Iterator[PredictionRow]:
    """Yield every candidate as run lengths."""
    for index, mask in enumerate(candidates.masks):
        estimate = _keep_finite(float(candidates.predicted_iou[index]))
        yield PredictionRow(reference_id, key, index, estimate, encode_mask(mask))


def _keep_finite(estimate: float | None) -> float | None:
    """Return an estimate as it is written down: None where it is NaN or infinite."""
    return estimate if estimate is not None and isfinite(estimate) else None
