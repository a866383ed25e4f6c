"""Several images at once, on a GPU: one encoder call, shared decoder calls, one scoring.

The rows are those of the images one by one, and in their order. Whatever goes wrong with images
together is left to `predict_image`, which finds out whose fault it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from cosmos_board.core.scores import Selection
from cosmos_board.models.candidate_checks import (
    check_candidates,
    check_embedding,
    copy_prompts,
    list_predictions,
)
from cosmos_board.models.segmenter import BatchSegmenter, DeviceCandidates, Embedding
from cosmos_board.runner.evaluation.evaluate import (
    DeferredScores,
    make_rows,
    predict_image,
    segment_everything,
)
from cosmos_board.runner.evaluation.image_session import ImageSession, PromptTask
from cosmos_board.runner.evaluation.model_calls import (
    call_model,
    release_memory,
)
from cosmos_board.runner.evaluation.scoring import Choice, ImageResult

_MASK_BYTES = 512 << 20
"""Most that the masks of a batch may take, three to a prompt."""


def predict_images(sessions: Sequence[ImageSession]) -> Iterator[Iterator[DeferredScores]]:
    """Yield for each image what `predict_image` does; the segmenter is the same for all.

    Images that do not fit together are tried again in halves.

    Raises:
        DeviceError: If the device is broken.
    """
    if len(sessions) <= 1 or not all(map(_can_share, sessions)):
        yield from map(predict_image, sessions)
        return
    half = len(sessions) // 2
    if sum(map(_count_mask_bytes, sessions)) <= _MASK_BYTES:
        batch = call_model(partial(_Batch.predict, sessions))
        if isinstance(batch, _Batch):
            yield from map(batch.finish, range(len(sessions)))
            return
        if not batch.is_memory:
            yield from map(predict_image, sessions)
            return
        sessions[0].backoff.shrink_images(len(sessions))
        release_memory(sessions[0].segmenter)
    yield from predict_images(sessions[:half])
    yield from predict_images(sessions[half:])


def _can_share(session: ImageSession) -> bool:
    """Return whether a session asks for nothing but prompts whose masks stay on the device."""
    shares = session.settings.study != "clicks" and session.cache is None
    return shares and isinstance(session.segmenter, BatchSegmenter) and session.scores_on_device


def _count_mask_bytes(session: ImageSession) -> int:
    height, width = session.size
    return 3 * height * width * sum(1 for _ in session.tasks())


@dataclass(frozen=True)
class _Batch:
    """Images with the answers to all their prompts."""

    sessions: Sequence[ImageSession]
    embeddings: Sequence[Embedding]
    tasks: Sequence[Sequence[PromptTask]]
    """Of each image."""

    answers: Sequence[Sequence[DeviceCandidates]]

    @classmethod
    def predict(cls, sessions: Sequence[ImageSession]) -> _Batch:
        """Ask the model about all images; raises whatever the model does."""
        first, segmenter = sessions[0], sessions[0].segmenter
        assert isinstance(segmenter, BatchSegmenter)
        copies = [session.item.image.pixels.copy() for session in sessions]
        with first.time("embed", len(sessions)):
            embedded = segmenter.embed_many(copies)
        pairs = zip(embedded, sessions, strict=True)
        embeddings = [check_embedding(embedding, session.size) for embedding, session in pairs]
        tasks = [list(session.tasks()) for session in sessions]
        prompts = [copy_prompts([task.prompt for task in own]) for own in tasks]
        with first.time("prompt", sum(map(len, tasks))):
            answered = segmenter.predict_many_on_device(embeddings, prompts)
        answers = [
            [
                check_candidates(answer, session.size, keeps_logits=False)
                for answer in list_predictions(listed, len(own))
            ]
            for session, own, listed in zip(sessions, tasks, answered, strict=True)
        ]
        return cls(sessions, embeddings, tasks, answers)

    def finish(self, number: int) -> Iterator[DeferredScores]:
        """Yield how to score the answers of one image, and what everything mode finds in it."""
        session = self.sessions[number]
        yield partial(self._score, number)
        if session.has_everything:
            yield segment_everything(session, self.embeddings[number])

    def _score(self, number: int) -> ImageResult:
        return make_rows(
            self.sessions[number], self.tasks[number], self.answers[number], self._choices[number]
        )

    @cached_property
    def _choices(self) -> Sequence[Sequence[Mapping[Selection, Choice]]]:
        """Of the answers of each image; made by the thread that scores."""
        from cosmos_board.runner.evaluation.device_scorer import DeviceScorer, score_together

        scorers = [session.scorer for session in self.sessions]
        reference_ids = [[task.reference_id for task in own] for own in self.tasks]
        return score_together(
            [scorer for scorer in scorers if isinstance(scorer, DeviceScorer)],
            self.answers,
            reference_ids,
        )
