"""Targets of a board database: what is ranked on, spreads of Dice and medians of distances."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from cosmos_board.core.scores import OK
from cosmos_board.core.tracks import FULL
from cosmos_board.store.queries.connection import Connection, fetch_columns, fetch_rows
from cosmos_board.store.queries.counted_runs import ensure_counted_runs
from cosmos_board.store.queries.restricted_rows import closed_datasets
from cosmos_board.store.queries.units import LISTED, ensure_units

TARGET = "i.modality || '.' || r.object"
_OWNER = f"""owner AS (
    SELECT {TARGET} AS target, bool_and(d.synthetic) AS synthetic
    FROM reference_masks r JOIN images i USING (image_id) JOIN datasets d USING (dataset)
    GROUP BY ALL)"""
"""Whether a target has synthetic data alone: one that has real references stands for these."""

_SLICES = {
    "overall": "''",
    "modality": "i.modality",
    "object": "r.object",
    "target": TARGET,
    "dataset": "i.dataset",
}

FEWEST_CLOSED = 10
"""Patients of restricted datasets that a published median rests on at the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetInfo:
    """An object in a modality that one dataset has."""

    modality: str
    object: str
    dataset: str
    synthetic: bool

    @property
    def target(self) -> str:
        """Key of the target, such as `ct.liver`."""
        return f"{self.modality}.{self.object}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much there is of something, every image and cluster counting once."""

    references: int = 0
    images: int = 0
    clusters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiceSpread:
    """How the Dice of one model is spread over the references of one target."""

    target: str
    prompt: str
    model: str
    references: int
    clusters: int
    quantiles: tuple[float, ...]
    """At 5, 25, 50, 75 and 95 %."""

    lost: int
    """References under Dice 0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceDice:
    """The Dice of one model on one reference."""

    target: str
    dataset: str
    reference_id: str
    image_id: str
    model: str
    kind: str
    """Of the model."""

    dice: float


class DistanceKey(NamedTuple):
    """Of which masks a median distance is taken."""

    model: str
    selection: str
    target: str
    """Such as `ct.liver`."""

    dataset: str = ""
    """Empty for all datasets of the target: the real ones, where there are some."""


@dataclass(frozen=True, slots=True)
class Distances:
    """Medians over the drawn masks of one model, in pixels.

    An empty mask has no boundary: its row holds the image's diagonal, which is a rule.
    """

    hd95_px: float
    assd_px: float
    masks: int
    """Drawn masks: references times trials, without empty and failed answers."""


def read_targets(connection: Connection) -> tuple[TargetInfo, ...]:
    """Return the targets that boards rank on, by dataset, sorted."""
    ensure_units(connection)
    return fetch_rows(
        connection,
        TargetInfo,
        """SELECT DISTINCT i.modality, r.object, i.dataset, d.synthetic FROM reference_masks r
        JOIN unit_of u USING (reference_id) JOIN images i USING (image_id)
        JOIN datasets d USING (dataset)
        WHERE (u.listed OR u.core) AND i.dataset IN (SELECT dataset FROM runs) ORDER BY ALL""",
    )


def read_amounts(
    connection: Connection, held_out: Mapping[str, Collection[str]] = MappingProxyType({})
) -> dict[tuple[str, str, bool], Amount]:
    """Return how much every slice ranks on, by its kind and name and whether it is synthetic.

    A cluster of two targets is one cluster. `held_out` has the datasets of sets, by name.
    """
    ensure_units(connection)
    amounts = {}
    slices: list[tuple[str, str, list[str] | None]]
    slices = [(kind, name, None) for kind, name in _SLICES.items()]
    slices += [("held-out", f"'{name}'", list(names)) for name, names in held_out.items()]
    for kind, name, datasets in slices:
        rows = connection.execute(
            f"""SELECT {name} AS name, d.synthetic, count(*), count(DISTINCT r.image_id),
                count(DISTINCT (i.dataset, i.cluster_id))
            FROM reference_masks r JOIN unit_of u USING (reference_id)
            JOIN images i USING (image_id) JOIN datasets d USING (dataset)
            WHERE (u.listed OR u.core)
                AND coalesce(list_contains($datasets::VARCHAR[], i.dataset), true)
            GROUP BY ALL""",
            {"datasets": datasets},
        ).fetchall()
        for part, synthetic, references, images, clusters in rows:
            amounts[kind, str(part), bool(synthetic)] = Amount(
                references=references, images=images, clusters=clusters
            )
    return amounts


def read_spreads(
    connection: Connection, *, without: Collection[str] = ()
) -> tuple[DiceSpread, ...]:
    """Return how Dice is spread over references, by target (but `without`), prompt and model."""
    ensure_units(connection)
    return fetch_rows(
        connection,
        DiceSpread,
        f"""WITH {_OWNER}, dice AS (
             SELECT {TARGET} AS target, s.prompt, s.model, i.cluster_id, i.dataset,
                    s.reference_id, avg(2.0 * tp / (2 * tp + fp + fn)) AS dice
             FROM counted_scores s JOIN reference_masks r USING (reference_id)
             JOIN images i USING (image_id) JOIN datasets d ON d.dataset = i.dataset
             JOIN unit_of u ON u.reference_id = s.reference_id AND u.listed
             JOIN owner o ON o.target = {TARGET} AND o.synthetic = d.synthetic
             WHERE s.study = 'main' AND s.track = ? AND NOT list_contains(?, o.target)
               AND s.selection = CASE s.prompt WHEN 'everything' THEN 'oracle' ELSE 'predicted' END
             GROUP BY ALL)
           SELECT target, prompt, model, count(*) AS references,
                  count(DISTINCT (dataset, cluster_id)) AS clusters,
                  quantile_disc(dice, [0.05, 0.25, 0.5, 0.75, 0.95]) AS quantiles,
                  count(*) FILTER (dice < 0.1) AS lost
           FROM dice GROUP BY ALL ORDER BY target, prompt, model""",
        [FULL, list(without)],
    )


def read_reference_scores(connection: Connection, prompt: str) -> tuple[ReferenceDice, ...]:
    """Return the Dice of every model on every reference with one prompt, by target and reference.

    Of the full track and the candidates that models chose, first trials alone.
    """
    ensure_counted_runs(connection)
    return fetch_rows(
        connection,
        ReferenceDice,
        f"""WITH {_OWNER}
           SELECT o.target, i.dataset, s.reference_id, r.image_id, s.model, m.kind,
                  2.0 * s.tp / (2 * s.tp + s.fp + s.fn) AS dice
           FROM counted_scores s JOIN reference_masks r USING (reference_id)
           JOIN images i USING (image_id) JOIN models m USING (model)
           JOIN datasets d ON d.dataset = i.dataset
           JOIN owner o ON o.target = {TARGET} AND o.synthetic = d.synthetic
           WHERE s.study = 'main' AND s.track = ? AND s.prompt = ? AND s.selection = 'predicted'
               AND s.trial = 0
           ORDER BY o.target, s.reference_id, s.model""",
        [FULL, prompt],
    )


def read_distances(connection: Connection, track: str, prompt: str) -> dict[DistanceKey, Distances]:
    """Return the median distances of every model on every target with one prompt, in order of key.

    They are of the references that boards rank on. Where a model drew nothing there is no key, nor
    where a run has no distances (the track `counts`). Once the connection sees only what may be
    published, nor where under ten patients of restricted datasets stand behind a median.
    """
    ensure_units(connection)
    closed = closed_datasets(connection)
    enough = f"count(DISTINCT unit) FILTER (closed) NOT BETWEEN 1 AND {FEWEST_CLOSED - 1}"
    rows = fetch_columns(
        connection,
        f"""
        WITH asked AS (
            SELECT DISTINCT unit FROM unit_of WHERE {LISTED[track]}),
        places AS (
            SELECT unit, modality || '.' || object AS target, dataset,
                list_contains($closed, dataset) AS closed,
                NOT synthetic OR bool_and(synthetic) OVER (PARTITION BY modality, object) AS pooled,
                dense_rank() OVER (ORDER BY modality, object) AS pool,
                dense_rank() OVER (ORDER BY modality, object, dataset) AS stratum
            FROM asked JOIN unit_table USING (unit) JOIN datasets USING (dataset)
            WHERE dataset IN (
                SELECT dataset FROM counted_runs WHERE study = 'main' AND track = $track)),
        drawn AS (
            SELECT s.column_id, s.selection, s.hd95_px, s.assd_px, p.unit, p.closed, p.stratum,
                CASE WHEN p.pooled THEN p.pool END AS pool
            FROM counted_scores s JOIN unit_of u USING (reference_id) JOIN places p USING (unit)
            WHERE s.study = 'main' AND s.track = $track AND s.prompt = $prompt AND s.status = $ok
                AND u.{LISTED[track]} AND s.hd95_px IS NOT NULL),
        medians AS (
            SELECT column_id, selection, stratum, pool, median(hd95_px) AS hd95_px,
                median(assd_px) AS assd_px, count(*) AS masks
            FROM drawn GROUP BY GROUPING SETS (
                (column_id, selection, stratum), (column_id, selection, pool))
            {f"HAVING {enough}" if closed else ""}),
        columns AS (SELECT DISTINCT column_id, model FROM counted_runs WHERE study = 'main'),
        names AS (
            SELECT DISTINCT stratum, NULL AS pool, target, dataset FROM places
            UNION ALL SELECT DISTINCT NULL, pool, target, '' FROM places)
        SELECT model, selection, target, dataset, hd95_px, assd_px, masks
        FROM medians m JOIN columns USING (column_id)
            JOIN names n ON (n.stratum, n.pool) IS NOT DISTINCT FROM (m.stratum, m.pool)
        ORDER BY model, selection, target, dataset""",
        {"track": track, "prompt": prompt, "ok": OK, "closed": closed},
    )
    names = zip(*(rows[name] for name in DistanceKey._fields), strict=True)
    values = zip(*(rows[name].tolist() for name in Distances.__slots__), strict=True)
    return {DistanceKey(*key): Distances(*value) for key, value in zip(names, values, strict=True)}
