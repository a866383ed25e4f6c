"""Targets of a board database: what is ranked on, and how the Dice of models is spread."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cosmos_board.core.tracks import FULL
from cosmos_board.store.queries.connection import Connection, fetch_rows
from cosmos_board.store.queries.counted_runs import ensure_counted_runs
from cosmos_board.store.queries.units import ensure_units

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
