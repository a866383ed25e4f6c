"""The table of metrics is complete and names columns that exist."""

from __future__ import annotations

from dataclasses import fields

import pytest

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.core.scores import Scores
from cosmos_board.metrics.table import METRICS, STORED_METRICS, Metric, get_metric


def test_metrics_are_those_of_the_protocol_in_the_order_of_columns() -> None:
    assert list(METRICS) == ["dice", "iou", "hd_px", "hd95_px", "assd_px", "nsd", "boundary_iou"]


def test_every_stored_metric_is_a_field_of_the_scores_and_the_others_follow_from_counts() -> None:
    names = [field.name for field in fields(Scores) if field.name not in ("counts", "status")]

    assert list(STORED_METRICS) == names
    for metric in METRICS.values():
        assert (metric.sql == metric.name) == (metric.name in STORED_METRICS)
    assert METRICS.keys() - STORED_METRICS.keys() == {"dice", "iou"}


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_is_explained_in_both_languages(metric: Metric) -> None:
    assert metric.definition.endswith(".")
    assert metric.definition_zh.endswith("。")
    assert (metric.unit == "px") == metric.name.endswith("_px") == (not metric.higher_is_better)


def test_an_unknown_metric_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="want hd95_px"):
        get_metric("hd95")
