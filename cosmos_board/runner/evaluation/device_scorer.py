"""Scores candidates on the device that drew them; only imported where there is torch.

A GPU answers prompts by the batch; a thread on the host would have to copy every mask and score it
alone. Here a few integers are copied instead. The integers, and so the rows, are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from cosmos_board.accelerators.memory import is_out_of_memory
from cosmos_board.core.candidates import Candidates
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.scores import Scores, Selection
from cosmos_board.metrics.device.references import DeviceReferences, upload_references
from cosmos_board.metrics.device.selections import score_selections
from cosmos_board.models.candidate_checks import copy_prompts
from cosmos_board.models.segmenter import DeviceCandidates, DeviceSegmenter, Embedding
from cosmos_board.runner.evaluation.model_calls import (
    BatchSizeBackoff,
    refuse_broken_device,
    release_memory,
)
from cosmos_board.runner.evaluation.scoring import Choice, HostScorer


@dataclass(frozen=True)
class DeviceScorer(HostScorer):
    """Scores masks on the device of the segmenter; a prompt that does not fit, on the host."""

    segmenter: DeviceSegmenter
    backoff: BatchSizeBackoff = field(default_factory=BatchSizeBackoff)
    """Of the model, whose next batches shrink too where masks do not fit to be scored."""

    @cached_property
    def _uploaded(self) -> DeviceReferences:
        return upload_references(list(self.references().values()), self.segmenter.device)

    def predict(self, embedding: Embedding, prompts: Sequence[Prompt]) -> list[DeviceCandidates]:
        """Return the candidates for each prompt, on the device."""
        return self.segmenter.predict_on_device(embedding, copy_prompts(prompts))

    def score(
        self, answers: Sequence[DeviceCandidates], reference_ids: Sequence[str]
    ) -> list[dict[Selection, Choice]]:
        """Return the choice of each selection from each answer, with its scores.

        Raises:
            DeviceError: If the device is broken.
        """
        if not answers:
            return []
        try:
            return self._score_on_device(answers, reference_ids)
        except Exception as error:
            refuse_broken_device(error)
            if not is_out_of_memory(error):
                raise
        # The exception is left behind first: its traceback would keep tensors alive.
        self.backoff.shrink(len(answers))
        release_memory(self.segmenter)
        if len(answers) == 1:
            return super().score(answers, reference_ids)
        half = len(answers) // 2
        return [
            *self.score(answers[:half], reference_ids[:half]),
            *self.score(answers[half:], reference_ids[half:]),
        ]

    def to_host(self, answer: DeviceCandidates) -> Candidates:
        """Return a copy in the memory of the host."""
        return answer.to_host()

    def _score_on_device(
        self, answers: Sequence[DeviceCandidates], reference_ids: Sequence[str]
    ) -> list[dict[Selection, Choice]]:
        rows = {reference_id: row for row, reference_id in enumerate(self.references())}
        which = [rows[reference_id] for reference_id in reference_ids]
        return _choose(answers, self._uploaded, which)


def score_together(
    scorers: Sequence[DeviceScorer],
    answers: Sequence[Sequence[DeviceCandidates]],
    reference_ids: Sequence[Sequence[str]],
) -> list[list[dict[Selection, Choice]]]:
    """Return what each scorer's `score` does of its image, with few kernels for all of them.

    Raises:
        DeviceError: If the device is broken.
    """
    try:
        return _score_sizes(scorers, answers, reference_ids)
    except Exception as error:
        refuse_broken_device(error)
        if not is_out_of_memory(error):
            raise
    # The exception is left behind first: its traceback would keep tensors alive.
    scorers[0].backoff.shrink_images(len(scorers))
    release_memory(scorers[0].segmenter)
    images = zip(scorers, answers, reference_ids, strict=True)
    return [scorer.score(own, ids) for scorer, own, ids in images]


def _score_sizes(
    scorers: Sequence[DeviceScorer],
    answers: Sequence[Sequence[DeviceCandidates]],
    reference_ids: Sequence[Sequence[str]],
) -> list[list[dict[Selection, Choice]]]:
    """Score images of one size at a time, in any order."""
    scored: dict[int, list[dict[Selection, Choice]]] = {}
    prepared = [scorer.references() for scorer in scorers]
    sizes = [next(iter(each.values())).mask.shape for each in prepared]
    for size in dict.fromkeys(sizes):
        numbers = [number for number, other in enumerate(sizes) if other == size]
        references = [reference for number in numbers for reference in prepared[number].values()]
        places = {
            (number, reference_id): place
            for place, (number, reference_id) in enumerate(
                (number, reference_id) for number in numbers for reference_id in prepared[number]
            )
        }
        choices = iter(
            _choose(
                [answer for number in numbers for answer in answers[number]],
                upload_references(references, scorers[0].segmenter.device),
                [places[number, one] for number in numbers for one in reference_ids[number]],
            )
        )
        for number in numbers:
            scored[number] = list(islice(choices, len(answers[number])))
    return [scored[number] for number in range(len(scorers))]


def _choose(
    answers: Sequence[DeviceCandidates], references: DeviceReferences, which: Sequence[int]
) -> list[dict[Selection, Choice]]:
    """Return the choices from each answer, whose reference is at place `which`."""
    selections = score_selections(
        [answer.masks for answer in answers],
        [answer.best for answer in answers],
        references,
        which,
    )
    return [
        {
            "oracle": _make_choice(answer, selected.oracle, selected.oracle_scores),
            "predicted": _make_choice(answer, answer.best, selected.predicted_scores),
        }
        for answer, selected in zip(answers, selections, strict=True)
    ]


def _make_choice(answer: DeviceCandidates, index: int, scores: Scores) -> Choice:
    return Choice(index, scores, float(answer.predicted_iou[index]))
