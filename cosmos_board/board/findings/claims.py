"""The study's eight findings as claims that are decided on the data at hand: one row each.

The text of a claim is in `site/language/messages.py`, under its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from cosmos_board.board.findings.evidence import (
    Measure,
    measure_prompts,
    measure_size,
    measure_spread,
)
from cosmos_board.board.findings.evidence_studies import (
    LEAST_RHO,
    measure_annotation,
    measure_clicks,
    measure_factors,
    measure_finetuning,
    measure_jitter,
)
from cosmos_board.board.findings.shares import THRESHOLD
from cosmos_board.store.queries.findings import FINDING_QUERIES

Certainty: TypeAlias = Literal["abstract", "second-hand", "not found"]
"""How sure we are of the paper's number: read in its own abstract; quoted by others who had the
paper, so check it before citing it as the paper's; or not found anywhere."""

DecidedFor: TypeAlias = Literal["families", "two models", "readers"]
"""Whether a claim is decided for each family of models, for two models that it names, or for
readers, whose annotations belong to no model and no selection."""

PAPER = "https://arxiv.org/abs/2304.14660"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One finding of the paper and how it is decided."""

    id: str
    threshold: float
    """Every part must lie beyond it for the claim to hold."""

    floor: float = 0.0
    """The claim is contradicted by a part that lies below it."""

    unit: str = ""
    """Of effect and threshold; empty for Dice, a share or a correlation."""

    certainty: Certainty
    """Of the paper's own number."""

    about: DecidedFor = "families"
    measure: Measure
    """Measures the parts."""

    @property
    def query(self) -> str:
        """SQL over the board database that shows what the effect is made of."""
        return FINDING_QUERIES[self.id]


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="F1",
        threshold=THRESHOLD,
        floor=THRESHOLD,
        certainty="second-hand",
        measure=measure_spread,
    ),
    Claim(id="F2", threshold=0.0, certainty="not found", about="two models", measure=measure_size),
    Claim(id="F3", threshold=0.0, certainty="abstract", measure=measure_prompts),
    Claim(
        id="F4",
        threshold=0.0,
        unit="Dice, or seconds per image",
        certainty="abstract",
        about="readers",
        measure=measure_annotation,
    ),
    Claim(id="F5", threshold=0.05, certainty="second-hand", measure=measure_jitter),
    Claim(id="F6", threshold=0.0, certainty="abstract", measure=measure_clicks),
    Claim(id="F7", threshold=LEAST_RHO, certainty="second-hand", measure=measure_factors),
    Claim(id="F8", threshold=0.0, certainty="abstract", measure=measure_finetuning),
)
"""F1 … F8, in the paper's order."""
