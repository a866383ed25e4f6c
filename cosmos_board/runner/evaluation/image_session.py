"""A segmenter in front of one image: what it is asked, and what its answers are held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from cosmos_board.core.prompts import Prompt
from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import PackItem
from cosmos_board.metrics.reference import PreparedReference, prepare_reference
from cosmos_board.models.segmenter import Segmenter
from cosmos_board.runner.engine.backoff import Throttle
from cosmos_board.runner.engine.clock import Clock
from cosmos_board.runner.evaluation.cells import Cell, jittered_cells, main_cells
from cosmos_board.runner.evaluation.scorers import Grader, make_grader
from cosmos_board.runner.settings import Place

Task: TypeAlias = tuple[str, Cell, Prompt]
"""Reference id, cell, prompt."""


@dataclass(frozen=True)
class Sitting:
    """A segmenter in front of one image."""

    segmenter: Segmenter
    item: PackItem
    settings: RunSettings
    clock: Clock
    throttle: Throttle
    place: Place | None = None
    """Where candidates are graded; see `make_grader`."""

    @cached_property
    def grader(self) -> Grader[Any]:
        """Puts prompts and grades what is answered."""
        image = self.item.image
        size = (image.height, image.width)
        return make_grader(self.segmenter, lambda: self.references, size, self.place)

    @cached_property
    def references(self) -> dict[str, PreparedReference]:
        """The image's references by id, ready to be scored against."""
        return {one.reference_id: prepare_reference(one.mask()) for one in self.item.references}

    @property
    def asked(self) -> tuple[str, ...]:
        """Prompts that are wanted and that the segmenter answers."""
        return tuple(name for name in self.settings.prompts if name in self.segmenter.card.prompts)

    @property
    def asks_everything(self) -> bool:
        """Whether everything mode is put: it belongs to the main study alone."""
        return "everything" in self.asked and self.settings.study == "main"

    def tasks(self) -> Iterator[Task]:
        """Yield every prompt to put."""
        image = self.item.image
        for reference_id in (one.reference_id for one in self.item.references):
            prompts = self.item.prompts[reference_id]
            if self.settings.study == "main":
                cells = main_cells(prompts, self.asked)
            else:
                cells = jittered_cells(
                    prompts,
                    self.asked,
                    reference_id=reference_id,
                    height=image.height,
                    width=image.width,
                )
            for cell, prompt in cells:
                yield reference_id, cell, prompt
