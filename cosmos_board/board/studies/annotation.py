"""Whether a model's masks make annotators better and faster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.studies.effects import (
    DIFFERENCE,
    Effect,
    SampleCounts,
    describe_effect,
)
from cosmos_board.board.studies.timing_log import ARMS
from cosmos_board.board.units import number_names
from cosmos_board.stats.crossed import measure_crossed
from cosmos_board.store.queries.annotation import count_unpaired, read_paired_annotations
from cosmos_board.store.queries.connection import Columns, Connection


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

    readers: int
    other_readers: bool
    """Whether the interval is for other readers too, which takes three; else for these alone."""


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
    its seconds their sum. The gain is the mean over clusters of the mean over their pairs; its
    interval is for other clusters and, from three readers on, for other readers.
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
            row = _describe(part, measure, reader)
            if row is not None:
                rows.append(row)
    return AnnotationStudy(rows=tuple(rows), unpaired=unpaired)


def _describe(table: Columns, measure: str, reader: str) -> ArmRow | None:
    known = ~np.isnan(table[f"{measure}_unaided"] + table[f"{measure}_assisted"])
    if not known.any():
        return None
    table = {name: column[known] for name, column in table.items()}
    pairs, pair = number_names(zip(table["image"], table["reader"], strict=True))
    first = np.unique(pair, return_index=True)[1]
    readers, reader_of = number_names(table["reader"][first].tolist())
    clusters, cluster = number_names(
        zip(table["dataset"][first], table["cluster_id"][first], strict=True)
    )
    _, dataset = number_names(name for name, _ in clusters)
    sizes = np.ones(len(pairs)) if measure == "seconds" else np.bincount(pair)
    unaided, assisted = (
        np.bincount(pair, table[f"{measure}_{arm}"].astype(np.float64)) / sizes for arm in ARMS
    )
    gain = assisted - unaided if measure == "dice" else unaided - assisted
    values = np.column_stack([unaided, assisted, gain])
    crossed = measure_crossed(values, reader_of, cluster, dataset) if len(clusters) > 1 else None
    means = values.mean(axis=0) if crossed is None else crossed.means
    counts = SampleCounts(
        targets=len(set(table["target"].tolist())),
        clusters=len(clusters),
        references=len(set(table["reference_id"].tolist())),
    )
    return ArmRow(
        measure=measure,
        reader=reader,
        unaided=float(means[0]),
        assisted=float(means[1]),
        gain=describe_effect(
            float(means[2]),
            None if crossed is None else float(crossed.errors[2]),
            0.0 if crossed is None else float(crossed.degrees[2]),
            counts,
            DIFFERENCE if measure == "dice" else (-np.inf, np.inf),
        ),
        pairs=len(pairs),
        readers=len(readers),
        other_readers=crossed is not None and crossed.other_readers,
    )
