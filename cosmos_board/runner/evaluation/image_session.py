"""One image with one segmenter: embeds it, lists its prompts and predicts them in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

from cosmos_board.accelerators.timing import HOST_CLOCK
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import PackItem
from cosmos_board.metrics.reference import PreparedReference, prepare_reference
from cosmos_board.models.candidate_checks import (
    CandidatesError,
    check_candidates,
    check_embedding,
    list_predictions,
)
from cosmos_board.models.segmenter import DeviceSegmenter, Embedding, Segmenter
from cosmos_board.prompts.jitter import jitter_cells, jitter_prompt
from cosmos_board.runner.evaluation.embedding_cache import EmbeddingCache
from cosmos_board.runner.evaluation.model_calls import (
    BatchSizeBackoff,
    ModelFailureError,
    call_model,
    call_or_fail,
    refuse_full_device,
    release_memory,
)
from cosmos_board.runner.evaluation.scoring import HostScorer, PromptKey
from cosmos_board.runner.evaluation.stage_timer import Stage, StageTimer
from cosmos_board.runner.settings import MemoryKind

_Answer = TypeVar("_Answer")
_T = TypeVar("_T")


class PromptTask(NamedTuple):
    """One prompt for one reference."""

    reference_id: str
    key: PromptKey
    prompt: Prompt


@dataclass(frozen=True)
class ImageSession:
    """A segmenter, one image, and what a run asks about it."""

    segmenter: Segmenter
    item: PackItem
    settings: RunSettings
    timer: StageTimer = field(default_factory=StageTimer)
    backoff: BatchSizeBackoff = field(default_factory=BatchSizeBackoff)
    score_on: MemoryKind | None = None
    """Where candidates are scored; None: on the device, unless that is a CPU."""

    cache: EmbeddingCache | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""
        return self.item.image.height, self.item.image.width

    @cached_property
    def references(self) -> dict[str, PreparedReference]:
        """The image's references by id, ready to be scored against."""
        return {
            reference.reference_id: prepare_reference(reference.mask())
            for reference in self.item.references
        }

    @cached_property
    def scorer(self) -> HostScorer:
        """Predicts prompts and scores the answers, on the device where that is possible."""
        if isinstance(self.segmenter, DeviceSegmenter):
            place = "host" if self.segmenter.device.startswith("cpu") else "device"
            if (self.score_on or place) == "device":
                from cosmos_board.metrics.device.boundaries import SIDE_LIMIT_PX
                from cosmos_board.runner.evaluation.device_scorer import DeviceScorer

                if max(self.size) < SIDE_LIMIT_PX:  # else distances would not be exact
                    return DeviceScorer(self.segmenter, lambda: self.references, self.backoff)
        return HostScorer(self.segmenter, lambda: self.references)

    @property
    def prompts(self) -> tuple[str, ...]:
        """Names of the requested prompts that the segmenter answers."""
        return tuple(name for name in self.settings.prompts if name in self.segmenter.card.prompts)

    @property
    def has_everything(self) -> bool:
        """Whether everything mode is run: it belongs to the main study alone."""
        return "everything" in self.prompts and self.settings.study == "main"

    def tasks(self) -> Iterator[PromptTask]:
        """Yield every prompt of every reference, without everything mode."""
        height, width = self.size
        for reference_id in (reference.reference_id for reference in self.item.references):
            prompts = self.item.prompts[reference_id]
            for name in (name for name in self.prompts if name in prompts):
                if self.settings.study == "main":
                    yield PromptTask(reference_id, PromptKey(prompt=name), prompts[name])
                    continue
                for cell in jitter_cells(name):
                    key = PromptKey(
                        prompt=name,
                        study="jitter",
                        jitter_level=cell.level,
                        jitter_mode=cell.mode,
                        trial=cell.trial,
                    )
                    displaced = jitter_prompt(
                        prompts[name],
                        cell,
                        reference_id=reference_id,
                        prompt_name=name,
                        height=height,
                        width=width,
                    )
                    yield PromptTask(reference_id, key, displaced)

    def embed(self) -> Embedding:
        """Return the embedding of the image; one from the cache does not count for timings.

        Raises:
            ModelFailureError: If the model failed.
        """
        pixels = self.item.image.pixels
        if self.cache is not None and (cached := self.cache.find(pixels)) is not None:
            return cached

        def embed() -> Embedding:
            copy = pixels.copy()  # scoring, the cache and other models must not see changed pixels
            with self.time("embed"):
                embedding = self.segmenter.embed(copy)
            return check_embedding(embedding, self.size)

        embedding = self.call(embed)
        if self.cache is not None:
            self.cache.keep(pixels, embedding)
        return embedding

    def time(self, stage: Stage, items: int = 1) -> AbstractContextManager[None]:
        """Return a context that is timed by the clock of the model's device."""
        return self.timer.time(stage, items, getattr(self.segmenter, "clock", HOST_CLOCK))

    def call(self, call: Callable[[], _T]) -> _T:
        """Return what `call` returns; see `call_or_fail`."""
        return call_or_fail(self.segmenter, call)

    def predict_in_batches(
        self,
        predict: Callable[[slice], Sequence[_Answer]],
        count: int,
        embedding: Embedding,
        *,
        keeps_logits: bool = False,
    ) -> Iterator[list[_Answer | ModelFailureError]]:
        """Yield the checked answers to all prompts, in order, batch by batch.

        A batch that does not fit is predicted again in halves, and a single prompt once more. One
        that fails otherwise is halved, too, so that only the prompt that fails counts as failed.

        `predict` answers a part of the `count` prompts.

        Raises:
            DeviceError: If the device is broken, or too full for one prompt.
        """
        done = released = 0
        size = self.backoff.fit(embedding)
        while done < count:
            part = slice(done, min(done + size, count))
            tried = part.stop - part.start
            answers = call_model(partial(self._predict_part, predict, part, keeps_logits))
            if not isinstance(answers, ModelFailureError):
                self.backoff.note_good()
            elif tried > 1:
                if answers.is_memory:
                    self.backoff.shrink(tried)
                    release_memory(self.segmenter)
                size = tried // 2
                continue
            elif answers.is_memory and released <= done:
                release_memory(self.segmenter)
                released = done + 1
                continue
            else:
                refuse_full_device(answers)
                answers = [answers]
            self.backoff.note_failures(answers)
            yield answers
            done += tried
            size = min(max(2 * size, 1), self.backoff.fit(embedding))

    def _predict_part(
        self, predict: Callable[[slice], Sequence[_Answer]], part: slice, keeps_logits: bool
    ) -> list[_Answer | ModelFailureError]:
        count = part.stop - part.start
        with self.time("prompt", count):
            answers = predict(part)
            answers = list(answers) if isinstance(answers, Iterator) else answers
        return [self._check(answer, keeps_logits) for answer in list_predictions(answers, count)]

    def _check(self, answer: object, keeps_logits: bool) -> Any:  # noqa: ANN401
        try:
            return check_candidates(answer, self.size, keeps_logits=keeps_logits)
        except CandidatesError as error:
            return ModelFailureError(str(error))
