"""Evaluators, which score one image: a segmenter that is prompted, or an observer's masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TypeAlias

from cosmos_board.accelerators.memory import is_device_full
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import UsageError
from cosmos_board.core.masks import Rle
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.scores import SELECTIONS
from cosmos_board.data.pack import Pack, PackItem
from cosmos_board.data.pack.volumes import VolumeItem
from cosmos_board.metrics.reference import prepare_reference
from cosmos_board.metrics.score import score
from cosmos_board.models.devices import parse_device
from cosmos_board.models.own_models import describe_model
from cosmos_board.models.registry import find_own_card, load_segmenter
from cosmos_board.models.segmenter import Segmenter
from cosmos_board.runner.evaluation.embedding_cache import EmbeddingCache
from cosmos_board.runner.evaluation.evaluate import DeferredScores, predict_image
from cosmos_board.runner.evaluation.image_session import ImageSession
from cosmos_board.runner.evaluation.model_calls import BatchSizeBackoff, full_device_error
from cosmos_board.runner.evaluation.scoring import ImageResult, PromptKey, make_row
from cosmos_board.runner.evaluation.stage_timer import StageTimer
from cosmos_board.runner.evaluation.volumes import VolumeSession, predict_volume
from cosmos_board.runner.settings import MemoryKind, SegmenterSpec

_OBSERVER = "observer:"


@dataclass(frozen=True)
class PromptedSegmenter:
    """A model that is given every prompt; loaded when it is first asked."""

    card: ModelCard
    """The card that it goes on the board with."""

    load: Callable[[], Segmenter]
    """Planning a run takes no more than the card: a process that hands all work to others, or finds
    it done, never loads the model."""

    score_on: MemoryKind | None = None
    """Where candidates are scored; see `ImageSession`."""

    make_cache: Callable[[Segmenter], EmbeddingCache] | None = None
    """Makes what keeps its embeddings; None drops them."""

    backoff: BatchSizeBackoff = field(default_factory=BatchSizeBackoff)

    @cached_property
    def segmenter(self) -> Segmenter:
        """The model itself.

        Raises:
            DeviceError: If it does not fit on its device.
        """
        try:
            return self.load()
        except Exception as error:
            if is_device_full(error):
                raise full_device_error() from error
            raise

    @cached_property
    def cache(self) -> EmbeddingCache | None:
        """What keeps its embeddings, where any are kept."""
        return self.make_cache(self.segmenter) if self.make_cache else None

    def evaluate(
        self, item: PackItem | VolumeItem, settings: RunSettings, timer: StageTimer
    ) -> Iterator[DeferredScores]:
        """Predict every prompt on one image or volume; see `predict_image`, `predict_volume`."""
        if isinstance(item, VolumeItem):
            return predict_volume(VolumeSession(self.segmenter, item, settings, self.backoff))
        return predict_image(
            ImageSession(
                self.segmenter, item, settings, timer, self.backoff, self.score_on, self.cache
            )
        )


@dataclass(frozen=True, slots=True)
class Observer:
    """A second annotator, whose masks need no prompt: shown on boards for comparison."""

    name: str
    masks: dict[str, Rle]
    """By reference id."""

    backoff: BatchSizeBackoff = field(default_factory=BatchSizeBackoff)

    @property
    def card(self) -> ModelCard:
        """The card of a person: listed, never ranked."""
        return ModelCard(
            name=f"{_OBSERVER}{self.name}",
            label=f"Observer {self.name}",
            family="observer",
            kind="observer",
            prompts=tuple(PROMPTS),
            licence="as the dataset",
            description="A second annotator of the same images, scored against the reference.",
        )

    def evaluate(
        self, item: PackItem | VolumeItem, settings: RunSettings, timer: StageTimer
    ) -> Iterator[DeferredScores]:
        """Yield how to score the observer's masks of one image; there are none of volumes."""
        if isinstance(item, PackItem):
            yield lambda: self._score(item, settings)

    def _score(self, item: PackItem, settings: RunSettings) -> ImageResult:
        """Score the observer's masks, alike under every prompt; no mask, no row."""
        result = ImageResult()
        for reference in item.references:
            if settings.study != "main" or reference.reference_id not in self.masks:
                continue
            mask = self.masks[reference.reference_id].decode()
            scores = score(mask, prepare_reference(reference.mask()))
            for name in settings.prompts:
                key = PromptKey(prompt=name)
                for selection in SELECTIONS[:1] if name == "everything" else SELECTIONS:
                    row = make_row(reference.reference_id, key, selection, scores, None)
                    result.rows.append(row)
        return result


Evaluator: TypeAlias = PromptedSegmenter | Observer
"""Evaluates one image at a time."""


def make_evaluator(spec: SegmenterSpec, packs: Sequence[Pack]) -> Evaluator:
    """Return what scores images for `spec`; a model is loaded at once only where that can fail.

    Then it is loaded on the CPU: the process that plans a run need have no GPU, and takes no memory
    of one that its workers share.

    Raises:
        UnknownNameError: If there is no such model or observer.
        InputError: If a checkpoint is refused, or embeddings cannot be kept that shall be.
        UsageError: If other weights than the published ones have no name of their own.
    """
    if spec.name.startswith(_OBSERVER):
        return _make_observer(spec, packs)

    def load() -> Segmenter:
        return load_segmenter(spec.name, checkpoint=spec.checkpoint, device=spec.device)

    if spec.is_plain and (card := find_own_card(spec.name)):
        return PromptedSegmenter(card, load, spec.score_on)
    on_cpu = not parse_device(spec.device).is_gpu
    segmenter = load() if on_cpu else load_segmenter(spec.name, checkpoint=spec.checkpoint)
    make_cache = None
    if folder := spec.embedding_cache:
        make_cache = partial(EmbeddingCache, folder, spec)
        make_cache(segmenter)  # refuses a model of which nothing can be kept
    card = describe_model(segmenter.card, spec.name, spec.checkpoint, spec.declared)
    again = (lambda: segmenter) if on_cpu else load
    return PromptedSegmenter(card, again, spec.score_on, make_cache)


def _make_observer(spec: SegmenterSpec, packs: Sequence[Pack]) -> Observer:
    name = spec.name.removeprefix(_OBSERVER)
    if spec.declared is not None:
        raise UsageError("--name", "", "is for models, not for observers", got=spec.name)
    masks: dict[str, Rle] = {}
    for pack in packs:
        masks.update(pack.read_observer(name))
    return Observer(name, masks)
