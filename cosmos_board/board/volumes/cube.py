"""The cube of the volume track: its columns are models with a propagation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from cosmos_board.board.cube import Cube
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.scores import Selection
from cosmos_board.core.volumes import VOLUME_PROMPTS
from cosmos_board.store.queries.cards import read_models
from cosmos_board.store.queries.connection import Columns
from cosmos_board.store.queries.scores import Measure
from cosmos_board.store.queries.targets import DistanceKey, Distances
from cosmos_board.store.queries.volumes.answers import (
    ensure_volume_answers,
    fetch_answerers,
    fetch_volume_columns,
    fetch_volume_units,
)
from cosmos_board.store.queries.volumes.sums import iterate_volume_scores

METRICS_OF_VOLUMES = ("dice", "iou", "nsd")
"""Metrics that volumes are ranked by: from voxel counts, and NSD at 2 mm."""


class VolumeCube(Cube):
    """The cube over the volume scores of one database; `Cube` says the rest."""

    prompt_names = tuple(VOLUME_PROMPTS)

    @cached_property
    def models(self) -> dict[str, ModelCard]:
        """Every model with each of its propagations, as `MODEL/PROPAGATION`, sorted."""
        cards = read_models(self.connection)
        return {
            name: replace(
                cards[model], name=name, label=f"{cards[model].label} · {way}", prompts=prompts
            )
            for name, model, way, prompts in fetch_answerers(self.connection)
            if model in cards
        }

    def selections(self, prompt: str) -> tuple[Selection, ...]:
        """Return `predicted` alone: a model's own choice goes on to the next slice."""
        return ("predicted",)

    def read_distances(self, track: str, prompt: str) -> dict[DistanceKey, Distances]:
        """Return nothing: distances of volumes are in mm, and in `describe_board`."""
        return {}

    def _fetch_units(self) -> Columns:
        ensure_volume_answers(self.connection, self.tier)
        return fetch_volume_units(self.connection)

    def _fetch_columns(self) -> Columns:
        return fetch_volume_columns(self.connection)

    def _iterate_scores(
        self, track: str, prompt: str, measures: Sequence[Measure]
    ) -> Iterator[Columns]:
        return iterate_volume_scores(self.connection, track, prompt, measures)
