"""Which tables a run has: those of images, or those of volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from cosmos_board.core.scores import Study
from cosmos_board.store.schema import (
    RUN_IMAGES,
    RUN_REFERENCES,
    RUN_VOLUME_REFERENCES,
    RUN_VOLUMES,
    SCORES,
    VOLUME_SCORES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTables:
    """The tables of a run, in its folder and in a board database."""

    scores: str
    """Table of the database that its score rows go into."""

    scores_schema: pa.Schema
    answer: tuple[str, ...]
    """Columns that name an answer: no two rows of a run agree in all of them."""

    units: str
    """Kind of the index file that lists what is asked, and table of the database."""

    unit_id: str
    references: str
    """Kind of the index file of references; the table of the database is `reference_table`."""

    reference_id: str
    reference_table: str
    index: Mapping[str, pa.Schema]
    """Schema of the index file of each kind: that of units, then that of references."""


IMAGE_TABLES = RunTables(
    scores="scores",
    scores_schema=SCORES,
    answer=(
        "reference_id", "prompt", "study", "jitter_level", "jitter_mode", "trial", "click",
        "selection",
    ),
    units="images",
    unit_id="image_id",
    references="references",
    reference_id="reference_id",
    reference_table="reference_masks",
    index={"images": RUN_IMAGES, "references": RUN_REFERENCES},
)  # fmt: skip

VOLUME_TABLES = RunTables(
    scores="volume_scores",
    scores_schema=VOLUME_SCORES,
    answer=("volume_reference_id", "prompt", "propagation"),
    units="volumes",
    unit_id="volume_id",
    references="volume_references",
    reference_id="volume_reference_id",
    reference_table="volume_references",
    index={"volumes": RUN_VOLUMES, "volume_references": RUN_VOLUME_REFERENCES},
)


def find_tables(study: Study) -> RunTables:
    """Return the tables of the runs of a study.

    Example:
        >>> find_tables("clicks").scores, find_tables("volumes").scores
        ('scores', 'volume_scores')
    """
    return VOLUME_TABLES if study == "volumes" else IMAGE_TABLES
