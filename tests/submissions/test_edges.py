"""Forty submissions at the limits of what is allowed: accepted, and nothing said of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.submissions.hostile_files import to_bytes, with_columns
from tests.submissions.runs import encode_runs
from tests.submissions.samples import Sample

Edge = Callable[[Sample], dict[str, Any]]
SIDE_PX = 96
PIXELS = SIDE_PX * SIDE_PX


def one_mask(*runs: int) -> Edge:
    counts = encode_runs(np.array(runs))
    return lambda sample: {"table": sample.change_row(5, rle=counts)}


def written(**options: object) -> Edge:
    return lambda sample: {"data": to_bytes(sample.table, **options)}


def worded(**changes: object) -> Edge:
    return lambda sample: changes


def groups_of(rows: int) -> Edge:
    return lambda sample: {"data": to_bytes(sample.table, row_group_size=rows)}


def columns_turned(sample: Sample) -> dict[str, Any]:
    return {"table": sample.table.select(sample.table.column_names[::-1])}


def rows_turned(sample: Sample) -> dict[str, Any]:
    return {"table": sample.table.take(np.arange(len(sample.table))[::-1])}


def large_types(sample: Sample) -> dict[str, Any]:
    table = sample.table
    return {
        "table": with_columns(
            table,
            reference_id=table["reference_id"].cast(pa.large_string()).combine_chunks(),
            rle=table["rle"].cast(pa.large_binary()).combine_chunks(),
        )
    }


def dictionaries(sample: Sample) -> dict[str, Any]:
    table = sample.table
    coded = table["prompt"].combine_chunks().dictionary_encode()
    return {"table": with_columns(table, prompt=coded)}


def no_estimates(sample: Sample) -> dict[str, Any]:
    nulls = pa.nulls(len(sample.table), pa.float64())
    return {"table": with_columns(sample.table, predicted_iou=nulls)}


def three_candidates(sample: Sample) -> dict[str, Any]:
    rows = sample.table.to_pylist()
    more = [{**row, "candidate": number} for row in rows for number in (0, 1, 2)]
    return {"table": pa.Table.from_pylist(more, sample.table.schema)}


def all_empty(sample: Sample) -> dict[str, Any]:
    empty = encode_runs(np.array([PIXELS]))
    rles = pa.array([empty] * len(sample.table), pa.binary())
    return {"table": with_columns(sample.table, rle=rles)}


def checkerboard(sample: Sample) -> dict[str, Any]:
    return {"table": sample.change_row(5, rle=encode_runs(np.ones(PIXELS, np.int64)))}


def not_nullable(sample: Sample) -> dict[str, Any]:
    fields = [field.with_nullable(False) for field in sample.table.schema]
    return {"table": sample.table.cast(pa.schema(fields))}


def in_pages(sample: Sample) -> dict[str, Any]:
    sink = io.BytesIO()
    pq.write_table(sample.table, sink, data_page_version="2.0", data_page_size=64)
    return {"data": sink.getvalue()}


EDGES: dict[str, Edge] = {
    "one pixel": one_mask(100, 1, PIXELS - 101),
    "first pixel": one_mask(0, 1, PIXELS - 1),
    "last pixel": one_mask(PIXELS - 1, 1),
    "nothing drawn": one_mask(PIXELS),
    "everything drawn": one_mask(0, PIXELS),
    "a checkerboard": checkerboard,
    "nothing drawn at all": all_empty,
    "three candidates": three_candidates,
    "no estimates": no_estimates,
    "estimate above one": lambda sample: {"table": sample.change_row(5, predicted_iou=1.02)},
    "estimate below zero": lambda sample: {"table": sample.change_row(5, predicted_iou=-0.2)},
    "estimate at the limit": lambda sample: {"table": sample.change_row(5, predicted_iou=10.0)},
    "columns in another order": columns_turned,
    "rows in another order": rows_turned,
    "large types": large_types,
    "dictionaries": dictionaries,
    "columns without nulls": not_nullable,
    "small pages": in_pages,
    "one row a group": groups_of(1),
    "one group": groups_of(10_000),
    "snappy": written(compression="snappy"),
    "zstd": written(compression="zstd", compression_level=19),
    "not packed": written(compression="none"),
    "no statistics": written(write_statistics=False),
    "no dictionary": written(use_dictionary=False),
    "no arrow schema": written(store_schema=False),
    "page checksums": written(write_page_checksum=True),
    "name in Chinese": worded(model__name="医学分割模型"),
    "name in Chinese and Latin": worded(model__name="医学 SAM 2"),
    "name with accents": worded(model__name="Segmentación Ünïted"),
    "name of 60 characters": worded(model__name="x" * 60),
    "name in Greek": worded(model__name="Τομή"),
    "author in Chinese": worded(authors__0__name="王小明"),
    "author with an apostrophe": worded(authors__0__name="Seán O'Brien-Müller, Jr."),
    "fifty authors": lambda sample: {
        "authors": [{"name": "Ann Lee", "github_id": 2002 + n} for n in range(50)]
    },
    "an ORCID ending in X": worded(authors__0__orcid="0000-0002-1694-233X"),
    "notes of 2,000 characters": worded(notes="Trained twice.\n" + "x" * 1985),
    "unknown training data": worded(training_data="unknown"),
    "slug of 40 characters": worded(slug="a" * 40),
    "contact by address": worded(contact="https://example.org/contact?x=1#y"),
}


def test_there_are_forty() -> None:
    assert len(EDGES) == 40


@pytest.mark.parametrize("name", EDGES)
def test_edge_is_accepted_without_a_word(name: str, sample: Sample, tmp_path: Path) -> None:
    assert sample.check(sample.write(tmp_path, **EDGES[name](sample))) == []
