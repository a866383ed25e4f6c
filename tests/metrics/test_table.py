"""The table of metrics is complete and names columns that exist."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.core.scores import Scores
from cosmos_board.metrics.table import METRICS, STORED_METRICS, Metric, get_metric

PACKAGE = Path(__file__).parents[2] / "cosmos_board"


def test_metrics_are_those_of_the_protocol_in_the_order_of_columns() -> None:
    distances = ["hd_px", "hd95_px", "assd_px"]
    assert list(METRICS) == ["dice", "iou", *distances, "nsd", "nsd_rel", "boundary_iou"]


def test_every_stored_metric_is_a_field_of_the_scores_and_the_others_follow_from_counts() -> None:
    names = [field.name for field in fields(Scores) if field.name not in ("counts", "status")]

    assert list(STORED_METRICS) == names
    for metric in METRICS.values():
        assert (metric.sql == metric.name) == (metric.name in STORED_METRICS)
    assert METRICS.keys() - STORED_METRICS.keys() == {"dice", "iou"}


@pytest.mark.parametrize("name", ["boundary_iou", "hd_px", "nsd_rel"])
def test_a_metric_is_named_where_it_is_defined_and_stored_and_nowhere_else(name: str) -> None:
    """So that a new one touches these files alone; the site lists some first, by preference."""
    named = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".sql"} and re.search(rf"\b{name}\b", path.read_text("utf-8"))
    }

    stored = {"core/scores.py", "store/schema.py", "store/board_ddl.sql"}
    defined = {"metrics/definitions.py", "metrics/table.py", "metrics/score.py"}
    assert "metrics/table.py" in named
    assert named <= stored | defined | {"site/pages/sections/ranking.py"}


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_is_explained_and_its_unit_tells_its_direction(metric: Metric) -> None:
    assert metric.definition.endswith(".")
    assert (metric.unit == "px") == metric.name.endswith("_px") == (not metric.higher_is_better)
    assert metric.ranked == (metric.bounds == (0.0, 1.0)) == (metric.unit == "")


def test_an_unknown_metric_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="want hd95_px"):
        get_metric("hd95")
