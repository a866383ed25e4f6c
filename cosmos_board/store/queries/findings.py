"""What each finding is made of, as SQL that a reader can run on the board database alone."""

from __future__ import annotations

from cosmos_board.store.queries.cards import ALL_CLUSTERS
from cosmos_board.store.queries.counted_runs import COUNTED_RUNS

_COUNTED = f"""counted_runs AS ( -- of several runs the one with the most rows, then the latest
{COUNTED_RUNS})"""
_CLUSTERS = """
    FROM scores s JOIN counted_runs c USING (run_id, study, prompt)
        JOIN reference_masks m USING (reference_id) JOIN images i USING (image_id)
        JOIN datasets d ON d.dataset = i.dataset
    WHERE c.track = 'full'
        AND (NOT d.synthetic OR NOT EXISTS (FROM datasets WHERE NOT synthetic))"""


def _clusters(columns: str, condition: str) -> str:
    return f"""\
WITH {_COUNTED}, clusters AS (
    SELECT s.model, {columns}i.modality || '.' || m.object AS target, i.dataset, i.cluster_id,
        avg(2.0 * s.tp / (2 * s.tp + s.fp + s.fn)) AS dice{_CLUSTERS}
        AND {condition} GROUP BY ALL)"""


def _target_means(columns: str, condition: str) -> str:
    return f"""\
{_clusters(f"{columns}, ", condition)}
SELECT c.* EXCLUDE (dataset, cluster_id, dice), avg(c.dice) AS dice, count(*) AS clusters
FROM clusters c GROUP BY ALL ORDER BY ALL"""


_MAIN = "s.study = 'main' AND s.selection = 'predicted'"
_SIX = "s.study = 'main' AND (s.selection = 'predicted' OR s.prompt = 'everything')"
"""`everything` has no masks that its own predicted IoU chose."""

FINDING_QUERIES = {
    "F1": _target_means("s.prompt", _MAIN),
    "F2": _target_means("s.prompt", f"{_SIX} AND s.model IN ('sam-vit-b', 'sam-vit-h')"),
    "F3": _target_means("s.prompt", _SIX),
    "F4": """\
SELECT a.reader, a.image, a.arm, avg(2.0 * a.tp / (2 * a.tp + a.fp + a.fn)) AS dice,
    sum(a.seconds) AS seconds
FROM annotations a GROUP BY ALL ORDER BY ALL""",
    "F5": _target_means(
        "s.prompt, s.jitter_level, s.jitter_mode",
        "s.study = 'jitter' AND s.selection = 'predicted' AND s.prompt IN ('box', 'point')",
    ),
    "F6": _target_means("s.click", "s.study = 'clicks' AND s.selection = 'predicted'"),
    "F7": f"""\
WITH {_COUNTED}
SELECT s.model, i.dataset, i.cluster_id, s.reference_id, m.size_px, m.aspect_ratio,
    m.intensity_difference, m.boundary_complexity,
    avg(2.0 * s.tp / (2 * s.tp + s.fp + s.fn)) AS dice{_CLUSTERS}
    AND {_MAIN} AND s.prompt = 'box'
GROUP BY ALL ORDER BY ALL""",
    "F8": f"""\
{_clusters("", f"{_MAIN} AND s.prompt = 'box'")}
SELECT t.model, o.base_model, t.target, avg(t.dice - b.dice) AS gain, count(*) AS clusters
FROM clusters t JOIN models o ON o.model = t.model JOIN clusters b ON b.model = o.base_model
    AND (b.target, b.dataset, b.cluster_id) = (t.target, t.dataset, t.cluster_id)
WHERE NOT EXISTS (FROM seen_clusters x WHERE x.model = t.model AND x.dataset = t.dataset
        AND x.cluster_id IN (t.cluster_id, '{ALL_CLUSTERS}'))
    AND (EXISTS (FROM seen_clusters x WHERE x.model = t.model AND x.dataset = t.dataset)
        OR NOT list_contains(o.training_data, t.dataset)
        OR (o.training_data IS NULL AND o.model IN (SELECT model FROM seen_clusters)))
GROUP BY ALL ORDER BY ALL""",
}
"""By id of the finding."""
