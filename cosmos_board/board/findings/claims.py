"""The study's eight findings, as claims that data can decide again and again: one row each.

What a claim says in words lies in `site.language.messages`, by its id.
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
    measure_annotation,
    measure_clicks,
    measure_factors,
    measure_finetuning,
    measure_jitter,
)
from cosmos_board.store.queries.studies import ALL_CLUSTERS

Certainty: TypeAlias = Literal["abstract", "second-hand", "not found"]
"""How sure we are of the paper's number: read in its own abstract; quoted by others who had the
paper, so check it before citing it as the paper's; or not found anywhere."""

About: TypeAlias = Literal["families", "two models", "readers"]
"""Whether a claim is decided for each family of models, for two models that it names, or for
readers, whose annotations know no model and no selection."""

PAPER = "https://arxiv.org/abs/2304.14660"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One finding of the paper and how it is decided."""

    id: str
    threshold: float
    """The effect must lie beyond it for the claim to hold."""

    unit: str = ""
    """Of effect and threshold; empty for Dice, a share or a correlation."""

    certainty: Certainty
    """Of the paper's own number."""

    about: About = "families"
    measure: Measure
    """Measures the effect."""

    query: str
    """SQL over the board database that shows what the effect is made of."""


_CHOSEN = """chosen AS ( -- of several runs the one with the most rows, then the latest
    SELECT s.run_id, s.study, s.prompt FROM scores s JOIN runs r USING (run_id)
    WHERE r.track = 'full' GROUP BY s.run_id, s.study, s.prompt, r.model, r.dataset, r.started_utc
    QUALIFY row_number() OVER (PARTITION BY r.model, r.dataset, s.study, s.prompt
        ORDER BY count(*) DESC, r.started_utc DESC, s.run_id DESC) = 1)"""
_CLUSTERS = """
    FROM scores s JOIN chosen USING (run_id, study, prompt)
        JOIN reference_masks m USING (reference_id) JOIN images i USING (image_id)
        JOIN datasets d ON d.dataset = i.dataset
    WHERE (NOT d.synthetic OR NOT EXISTS (FROM datasets WHERE NOT synthetic))"""


def _clusters(columns: str, condition: str) -> str:
    return f"""\
WITH {_CHOSEN}, clusters AS (
    SELECT s.model, {columns}i.modality || '.' || m.object AS target, i.dataset, i.cluster_id,
        avg(2.0 * s.tp / (2 * s.tp + s.fp + s.fn)) AS dice{_CLUSTERS}
        AND {condition} GROUP BY ALL)"""


def _target_means(columns: str, condition: str) -> str:
    return f"""\
{_clusters(f"{columns}, ", condition)}
SELECT c.* EXCLUDE (dataset, cluster_id, dice), avg(c.dice) AS dice, count(*) AS clusters
FROM clusters c GROUP BY ALL ORDER BY ALL"""


_MAIN = "s.study = 'main' AND s.selection = 'oracle'"
_GAINS = f"""\
{_clusters("", f"{_MAIN} AND s.prompt = 'box'")}
SELECT t.model, o.base_model, t.target, avg(t.dice - b.dice) AS gain, count(*) AS clusters
FROM clusters t JOIN models o ON o.model = t.model JOIN clusters b ON b.model = o.base_model
    AND (b.target, b.dataset, b.cluster_id) = (t.target, t.dataset, t.cluster_id)
WHERE NOT EXISTS (FROM seen_clusters x WHERE x.model = t.model AND x.dataset = t.dataset
        AND x.cluster_id IN (t.cluster_id, '{ALL_CLUSTERS}'))
    AND (EXISTS (FROM seen_clusters x WHERE x.model = t.model AND x.dataset = t.dataset)
        OR NOT list_contains(o.training_data, t.dataset)
        OR (o.training_data IS NULL AND o.model IN (SELECT model FROM seen_clusters)))
GROUP BY ALL ORDER BY ALL"""
CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="F1",
        threshold=0.05,
        certainty="second-hand",
        measure=measure_spread,
        query=_target_means("s.prompt", _MAIN),
    ),
    Claim(
        id="F2",
        threshold=0.0,
        certainty="not found",
        about="two models",
        measure=measure_size,
        query=_target_means("s.prompt", f"{_MAIN} AND s.model IN ('sam-vit-b', 'sam-vit-h')"),
    ),
    Claim(
        id="F3",
        threshold=0.0,
        certainty="abstract",
        measure=measure_prompts,
        query=_target_means("s.prompt", _MAIN),
    ),
    Claim(
        id="F4",
        threshold=0.0,
        unit="Dice, or seconds per image",
        certainty="abstract",
        about="readers",
        measure=measure_annotation,
        query="""\
SELECT a.reader, a.image, a.arm, avg(2.0 * a.tp / (2 * a.tp + a.fp + a.fn)) AS dice,
    sum(a.seconds) AS seconds
FROM annotations a GROUP BY ALL ORDER BY ALL""",
    ),
    Claim(
        id="F5",
        threshold=0.05,
        certainty="second-hand",
        measure=measure_jitter,
        query=_target_means(
            "s.prompt, s.jitter_level, s.jitter_mode",
            "s.study = 'jitter' AND s.selection = 'oracle' AND s.prompt IN ('box', 'point')",
        ),
    ),
    Claim(
        id="F6",
        threshold=0.0,
        certainty="abstract",
        measure=measure_clicks,
        query=_target_means("s.click", "s.study = 'clicks' AND s.selection = 'oracle'"),
    ),
    Claim(
        id="F7",
        threshold=0.1,
        certainty="second-hand",
        measure=measure_factors,
        query=f"""\
WITH {_CHOSEN}
SELECT s.model, i.dataset, i.cluster_id, s.reference_id, m.size_px, m.aspect_ratio,
    m.intensity_difference, m.boundary_complexity,
    avg(2.0 * s.tp / (2 * s.tp + s.fp + s.fn)) AS dice{_CLUSTERS}
    AND s.study = 'main' AND s.selection = 'oracle' AND s.prompt = 'box'
GROUP BY ALL ORDER BY ALL""",
    ),
    Claim(
        id="F8",
        threshold=0.0,
        certainty="abstract",
        measure=measure_finetuning,
        query=_GAINS,
    ),
)
"""F1 … F8, in the paper's order."""
