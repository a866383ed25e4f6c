"""Whether a model's masks make annotators better and faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.board.studies.effects import Effect, SampleCounts, measure_pooled
from cosmos_board.board.units import number_names
from cosmos_board.core.arrays import Floats
from cosmos_board.stats.bootstrap import Draws, draw_counts, sum_replicates, to_steps
from cosmos_board.store.queries.annotation import count_unpaired, read_paired_annotations
from cosmos_board.store.queries.connection import Columns, Connection
from cosmos_board.store.queries.units import fetch_units

_STEP = 2.0**-20
"""Seconds and clicks are rounded to this before they are summed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRow:
    """One measure in both arms, paired by reader and image."""

    measure: str
    """`dice`, `seconds` (per image) or `hce` (clicks per mask)."""

    reader: str
    """Empty for all readers."""

    unaided: float
    assisted: float
    gain: Effect
    """How much better assisted is: Dice gained, seconds saved, clicks saved."""

    pairs: int
    """Pairs of reader and image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationStudy:
    """The annotation study."""

    rows: tuple[ArmRow, ...]
    """All readers first, then each."""

    unpaired: int
    """Annotations without a partner in the other arm, which do not count."""


def study_annotation(connection: Connection) -> AnnotationStudy:
    """Return what assistance gains, paired by reader and image.

    A pair's Dice and effort are means over the references that the reader drew in both arms,
    its seconds their sum. The gain is the mean over clusters of the mean over their pairs.
    """
    table = read_paired_annotations(connection)
    unpaired = count_unpaired(connection)
    if not len(table["reader"]):
        return AnnotationStudy(rows=(), unpaired=unpaired)
    rows = []
    readers = sorted(set(table["reader"].tolist()))
    for reader in ["", *(readers if len(readers) > 1 else [])]:
        chosen = table["reader"] == reader if reader else np.ones(len(table["reader"]), bool)
        part = {name: column[chosen] for name, column in table.items()}
        for measure in ("dice", "seconds", "hce"):
            row = _describe(connection, part, measure, reader)
            if row is not None:
                rows.append(row)
    return AnnotationStudy(rows=tuple(rows), unpaired=unpaired)


def _describe(connection: Connection, table: Columns, measure: str, reader: str) -> ArmRow | None:
    known = ~np.isnan(table[f"{measure}_unaided"] + table[f"{measure}_assisted"])
    if not known.any():
        return None
    table = {name: column[known] for name, column in table.items()}
    clusters, cluster = number_names(zip(table["dataset"], table["cluster_id"], strict=True))
    pairs, pair = number_names(zip(table["image"], table["reader"], strict=True))
    arms = [table[f"{measure}_{arm}"].astype(np.float64) for arm in ("unaided", "assisted")]
    sizes = np.bincount(pair)
    values: Floats = np.stack([np.bincount(pair, arm) for arm in arms]).astype(np.float64)
    if measure != "seconds":
        values = values / sizes
    owner = np.zeros(len(pairs), np.int64)
    owner[pair] = cluster
    sums = np.stack([np.bincount(owner, arm, len(clusters)) for arm in values])
    means = to_steps(sums / np.bincount(owner, minlength=len(clusters)), _STEP)
    sign = 1.0 if measure == "dice" else -1.0
    steps = sign * (means[1] - means[0])
    value = float(steps.sum() / len(steps) * _STEP)
    draws = _draw(connection, clusters)
    drawn = sum_replicates(np.column_stack([steps, np.ones(len(steps))]), draws)
    with np.errstate(invalid="ignore"):
        replicates = np.where(drawn[1] > 0, drawn[0] / drawn[1] * _STEP, value)
    support = SampleCounts(
        targets=len(set(table["target"].tolist())),
        clusters=len(clusters),
        references=len(set(table["reference_id"].tolist())),
        degrees=len(clusters) - len({dataset for dataset, _ in clusters}),
    )
    unaided, assisted = means.mean(axis=1) * _STEP
    return ArmRow(
        measure=measure,
        reader=reader,
        unaided=float(unaided),
        assisted=float(assisted),
        gain=measure_pooled(value, replicates, support),
        pairs=len(pairs),
    )


def _draw(connection: Connection, clusters: Sequence[tuple[str, ...]]) -> Draws:
    """Return how often the board's bootstrap draws these clusters."""
    everyone: dict[str, set[str]] = {}
    units = fetch_units(connection)
    for dataset, cluster in zip(units["dataset"], units["cluster_id"], strict=True):
        everyone.setdefault(dataset, set()).add(cluster)
    parts = []
    for dataset in sorted({name for name, _ in clusters}):
        names = sorted(everyone[dataset])
        place_of = {name: place for place, name in enumerate(names)}
        place = [place_of[cluster] for name, cluster in clusters if name == dataset]
        parts.append(draw_counts(names, dataset=dataset)[place])
    return np.concatenate(parts)
