"""Medians of distances, against plain Python over all rows; and how much a slice ranks on."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import median

import duckdb
import pytest

from cosmos_board.site.content.blocks import NO_BLOCKS
from cosmos_board.site.content.suppression import suppress
from cosmos_board.store.board import open_board
from cosmos_board.store.queries.cards import read_datasets
from cosmos_board.store.queries.targets import (
    Amount,
    DistanceKey,
    Distances,
    read_amounts,
    read_distances,
)
from tests.boards import PlantedModel, PlantedTarget, planted_board

MODELS = [
    PlantedModel(name="a", gap=0.1),
    PlantedModel(name="failing", failed=5, missing=2),
    PlantedModel(name="nothing", dice=-9.0),
    PlantedModel(name="submitted", track="core"),
]
TARGETS = [
    PlantedTarget(name="ct.liver", dataset="one", clusters=12),
    PlantedTarget(name="ct.liver", dataset="two", clusters=11, difficulty=0.3),
    PlantedTarget(name="ct.liver", dataset="drawn", clusters=10),
    PlantedTarget(name="ct.bone", dataset="drawn", clusters=10),
    PlantedTarget(name="mr.brain", dataset="one", clusters=10, references=1),
]


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """Two real datasets and a synthetic one, some masks empty and some answers failed."""
    path = planted_board(
        tmp_path / "b.duckdb", MODELS, TARGETS, prompts=("everything", "box"), synthetic=["drawn"]
    )
    connection = duckdb.connect(str(path))
    connection.execute(
        "UPDATE scores SET status = 'penalised', tp = 0 WHERE hash(reference_id, model) % 7 = 0"
        " AND status = 'ok'"
    )
    return connection


def take_medians(
    connection: duckdb.DuckDBPyConnection, track: str, prompt: str
) -> dict[DistanceKey, Distances]:
    """Return the medians in plain Python; synthetic rows pool by themselves alone."""
    rows = connection.execute(
        """SELECT model, selection, modality || '.' || object, i.dataset, hd95_px, assd_px
        FROM scores s JOIN runs USING (run_id, model) JOIN reference_masks USING (reference_id)
            JOIN images i USING (image_id)
        WHERE status = 'ok' AND track = ? AND prompt = ? AND s.study = 'main'""",
        [track, prompt],
    ).fetchall()
    masks: dict[DistanceKey, list[tuple[float, float]]] = defaultdict(list)
    for model, selection, target, dataset, hd95_px, assd_px in rows:
        masks[DistanceKey(model, selection, target, dataset)].append((hd95_px, assd_px))
        if dataset != "drawn" or target == "ct.bone":
            masks[DistanceKey(model, selection, target)].append((hd95_px, assd_px))
    return {
        key: Distances(median(pair[0] for pair in pairs), median(pair[1] for pair in pairs),
                       len(pairs))
        for key, pairs in sorted(masks.items())
    }  # fmt: skip


@pytest.mark.parametrize(("track", "prompt"), [("full", "box"), ("full", "everything"),
                                               ("core", "box")])  # fmt: skip
def test_medians_are_those_of_the_drawn_masks(
    connection: duckdb.DuckDBPyConnection, track: str, prompt: str
) -> None:
    found = read_distances(connection, track, prompt)

    expected = take_medians(connection, track, prompt)
    assert list(found) == list(expected)
    for key, distances in expected.items():
        assert found[key].masks == distances.masks
        assert found[key].hd95_px == pytest.approx(distances.hd95_px, abs=1e-12)
        assert found[key].assd_px == pytest.approx(distances.assd_px, abs=1e-12)


def test_a_model_that_draws_nothing_has_no_distances(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    models = {key.model for key in read_distances(connection, "full", "box")}

    assert models == {"a", "failing"}


def test_the_order_of_rows_changes_no_bit(tmp_path: Path) -> None:
    found = []
    for shuffle in (None, 1, 2):
        path = planted_board(tmp_path / f"{shuffle}.duckdb", MODELS, TARGETS, shuffle=shuffle)
        with duckdb.connect(str(path)) as connection:
            found.append(list(read_distances(connection, "full", "box").items()))

    assert found[0] == found[1] == found[2]


def test_other_studies_and_references_that_are_not_listed_do_not_count(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    expected = take_medians(connection, "full", "box")
    connection.execute("INSERT INTO board_references SELECT reference_id FROM reference_masks")
    connection.execute(
        "INSERT INTO reference_masks SELECT 'x' || reference_id AS reference_id,"
        " * EXCLUDE (reference_id) FROM reference_masks"
    )
    connection.execute(
        "INSERT INTO scores SELECT * REPLACE ('x' || reference_id AS reference_id, 9e9 AS hd95_px)"
        " FROM scores UNION ALL"
        " SELECT * REPLACE ('clicks' AS study, 9e9 AS hd95_px) FROM scores"
    )

    assert read_distances(connection, "full", "box") == pytest.approx(expected)


def test_submitted_counts_have_no_distances(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("UPDATE scores SET hd95_px = NULL, assd_px = NULL, hd_px = NULL")

    assert read_distances(connection, "full", "box") == {}


def test_fewer_than_ten_drawn_patients_of_a_restricted_dataset_have_no_median(
    tmp_path: Path,
) -> None:
    """The board itself may be published: its means rest on twelve patients, empty masks and all."""
    models = [PlantedModel(name="a"), PlantedModel(name="sparse")]
    targets = [
        PlantedTarget(name="ct.liver", dataset="mine", clusters=12),
        PlantedTarget(name="ct.liver", dataset="open", clusters=12),
    ]
    path = planted_board(tmp_path / "b.duckdb", models, targets)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """UPDATE datasets SET permissions = ['redistribute_images', 'redistribute_masks',
            'publish_row_ids', 'show_thumbnails'] WHERE dataset = 'open'"""
        )
        connection.execute(
            """UPDATE scores SET status = 'penalised', tp = 0 WHERE model = 'sparse'
            AND reference_id IN (SELECT reference_id FROM reference_masks JOIN images
                USING (image_id) WHERE dataset = 'mine' AND cluster_id >= 'c00009')"""
        )
        everything = read_distances(connection, "full", "box")
    with duckdb.connect(str(path)) as connection:
        suppress(connection, read_datasets(connection), NO_BLOCKS)
        published = read_distances(connection, "full", "box")

    assert everything.keys() - published.keys() == {
        DistanceKey("sparse", selection, "ct.liver", dataset)
        for selection in ("oracle", "predicted")
        for dataset in ("mine", "")
    }
    assert published == {key: everything[key] for key in published}


def test_a_held_out_set_counts_its_own_datasets_and_a_shared_cluster_once(tmp_path: Path) -> None:
    targets = [
        PlantedTarget(name="ct.liver", dataset="one", clusters=3),
        PlantedTarget(name="ct.spleen", dataset="one", clusters=4, references=1),
        PlantedTarget(name="ct.liver", dataset="two", clusters=5),
    ]
    db = planted_board(tmp_path / "b.duckdb", [PlantedModel(name="a")], targets)

    with open_board(db) as connection:
        amounts = read_amounts(connection, {"kept": ("one",), "nothing": ("three",)})

    assert amounts["held-out", "kept", False] == Amount(references=10, images=7, clusters=4)
    assert amounts["overall", "", False] == Amount(references=20, images=17, clusters=9)
    assert ("held-out", "nothing", False) not in amounts
