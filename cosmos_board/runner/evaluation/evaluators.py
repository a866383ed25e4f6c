"""What turns an image into rows: a segmenter that is prompted, or an observer who drew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import UsageError
from cosmos_board.core.masks import Rle
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.scores import SELECTIONS
from cosmos_board.data.pack import Pack, PackItem
from cosmos_board.metrics.reference import prepare_reference
from cosmos_board.metrics.score import score
from cosmos_board.models.external.own_models import describe_model
from cosmos_board.models.registry import find_own_card, load_segmenter
from cosmos_board.models.segmenter import Segmenter
from cosmos_board.runner.engine.backoff import Throttle
from cosmos_board.runner.engine.clock import Clock
from cosmos_board.runner.evaluation.answers import make_row
from cosmos_board.runner.evaluation.cells import Cell
from cosmos_board.runner.evaluation.embedding_cache import Shelf
from cosmos_board.runner.evaluation.evaluate import ImageResult, Tally, ask_image
from cosmos_board.runner.settings import Place, SegmenterSpec

_OBSERVER = "observer:"


class Evaluator(Protocol):
    """Scores one image at a time."""

    @property
    def card(self) -> ModelCard:
        """Whose scores these are."""
        ...

    @property
    def throttle(self) -> Throttle:
        """How many prompts are put at once."""
        ...

    def ask(self, item: PackItem, settings: RunSettings, clock: Clock) -> Iterator[Tally]:
        """Ask all that there is to ask about one image; yield how to score what was answered."""
        ...


@dataclass(frozen=True, slots=True)
class PromptedSegmenter:
    """A model that is put every prompt."""

    segmenter: Segmenter
    throttle: Throttle = field(default_factory=Throttle)
    place: Place | None = None
    """Where candidates are graded; see `make_grader`."""

    shelf: Shelf | None = None
    """Where embeddings are kept and looked for."""

    shown_as: ModelCard | None = None
    """The card that it goes on the board with; None: the segmenter's own."""

    @property
    def card(self) -> ModelCard:
        """Whose scores these are."""
        return self.shown_as or self.segmenter.card

    def ask(self, item: PackItem, settings: RunSettings, clock: Clock) -> Iterator[Tally]:
        """Put every prompt on one image; see `ask_image`."""
        return ask_image(
            self.segmenter, item, settings, clock, self.throttle, self.place, self.shelf
        )


@dataclass(frozen=True, slots=True)
class Observer:
    """A second annotator, whose masks need no prompt: the human line on every board."""

    name: str
    masks: dict[str, Rle]
    throttle: Throttle = field(default_factory=Throttle)

    @property
    def card(self) -> ModelCard:
        """Say that this is a person; listed, never ranked."""
        return ModelCard(
            name=f"{_OBSERVER}{self.name}",
            label=f"Observer {self.name}",
            family="observer",
            kind="observer",
            prompts=tuple(PROMPTS),
            licence="as the dataset",
            description="A second annotator of the same images, scored against the reference.",
        )

    def ask(self, item: PackItem, settings: RunSettings, clock: Clock) -> Iterator[Tally]:
        """Yield how to score what the observer drew on one image."""
        yield lambda: self._score(item, settings)

    def _score(self, item: PackItem, settings: RunSettings) -> ImageResult:
        """Score what the observer drew, alike under every prompt; no mask, no row."""
        result = ImageResult()
        for reference in item.references:
            if settings.study != "main" or reference.reference_id not in self.masks:
                continue
            drawn = self.masks[reference.reference_id].decode()
            scores = score(drawn, prepare_reference(reference.mask()))
            for name in settings.prompts:
                for selection in SELECTIONS[:1] if name == "everything" else SELECTIONS:
                    cell = Cell(prompt=name)
                    result.rows.append(
                        make_row(reference.reference_id, cell, selection, scores, None)
                    )
        return result


@dataclass(frozen=True)
class Postponed:
    """An evaluator that is made when it is first asked: planning a run takes no more than a card.

    A process that hands all work to others, or finds it done, never loads the model.
    """

    card: ModelCard
    make: Callable[[], Evaluator]

    @property
    def throttle(self) -> Throttle:
        """The throttle of what is made."""
        return self._made.throttle

    def ask(self, item: PackItem, settings: RunSettings, clock: Clock) -> Iterator[Tally]:
        """Ask what is made."""
        return self._made.ask(item, settings, clock)

    @cached_property
    def _made(self) -> Evaluator:
        return self.make()


def plan_evaluator(spec: SegmenterSpec, packs: list[Pack]) -> Evaluator:
    """Return what scores images for `spec`, loaded at once only where that can fail.

    Raises:
        UnknownNameError: If there is no such model or observer.
        InputError: If a checkpoint is refused.
    """
    plain = (
        spec.checkpoint is None
        and spec.device == "cpu"
        and spec.embeddings is None
        and spec.declared is None
    )
    card = find_own_card(spec.name) if plain else None
    return (
        Postponed(card, lambda: make_evaluator(spec, packs))
        if card
        else make_evaluator(spec, packs)
    )


def make_evaluator(spec: SegmenterSpec, packs: list[Pack]) -> Evaluator:
    """Return what scores images for `spec`.

    Raises:
        UnknownNameError: If there is no such model or observer.
        InputError: If a checkpoint is refused, or embeddings that shall be kept cannot be.
        UsageError: If other weights than the published ones have no name of their own.
    """
    if spec.name.startswith(_OBSERVER):
        name = spec.name.removeprefix(_OBSERVER)
        if spec.declared is not None:
            raise UsageError("--name", "", "is for models, not for observers", got=spec.name)
        masks: dict[str, Rle] = {}
        for pack in packs:
            masks.update(pack.read_observer(name))
        return Observer(name, masks)
    segmenter = load_segmenter(spec.name, checkpoint=spec.checkpoint, device=spec.device)
    shelf = Shelf(spec.embeddings, spec, segmenter) if spec.embeddings else None
    card = describe_model(segmenter.card, spec.name, spec.checkpoint, spec.declared)
    return PromptedSegmenter(segmenter, place=spec.graded_on, shelf=shelf, shown_as=card)
