"""What is added to a board later never changes which references it ranks on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from cosmos_board.board.build import build_boards
from cosmos_board.board.types import BoardRow
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.scores import Study
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.board import open_board
from cosmos_board.store.ingest import ingest
from cosmos_board.store.listing import TrackList, fix_lists
from cosmos_board.store.queries.board_references import listed_references
from cosmos_board.store.records import read_run_record, write_run_record
from cosmos_board.store.removal import list_runs, remove_runs
from tests.boards import PlantedModel, PlantedTarget, planted_board


def evaluate(
    pack: Path, out: Path, model: str, *, study: Study = "main", limit: int | None = None
) -> Path:
    """Return a finished run with a box, or of a study."""
    settings = RunSettings(prompts=("box", "point"), study=study, limit=limit)
    run(RunRequest(packs=(pack,), specs=(SegmenterSpec(name=model),), out=out, settings=settings))
    return out


def rows_of(db: Path, track: str | None = None) -> dict[tuple[str, str], BoardRow]:
    """Return the rows of every Dice board of the box, or of a track, by slice and model."""
    with open_board(db) as connection:
        boards = build_boards(connection, ("dice",), prompts=["box"])
    return {
        (str(key.slice), row.model): row
        for key, board in boards.items()
        if key.selection == "predicted" and track in (None, key.track)
        for row in board.rows
    }


def standing(row: BoardRow) -> tuple[object, ...]:
    return row.status, row.score, row.coverage, row.references, row.clusters


@pytest.fixture(scope="module")
def short(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on three of the pack's six images."""
    return evaluate(phantom_pack, tmp_path_factory.mktemp("runs") / "short", "box-prior", limit=3)


@pytest.mark.parametrize("study", ["jitter", "clicks"])
def test_a_study_on_more_images_changes_nobody_on_the_main_board(
    study: Study, short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    ingest([short], db)
    before = rows_of(db)

    ingest([evaluate(phantom_pack, tmp_path / study, "random-walker", study=study)], db)
    after = rows_of(db)

    assert {key: standing(after[key]) for key in before} == {
        key: standing(row) for key, row in before.items()
    }
    assert all(row.coverage == 1 for row in before.values())


def test_another_model_on_more_images_is_ranked_on_those_of_the_board(
    short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    ingest([short], db)
    before = rows_of(db)

    report = ingest([evaluate(phantom_pack, tmp_path / "whole", "grabcut")], db)
    after = rows_of(db)

    assert "are not among those that this board ranks on" in " ".join(report.notes)
    for (part, model), row in before.items():
        assert standing(after[part, model]) == standing(row)
        other = after[part, "grabcut"]
        assert (other.coverage, other.references) == (1.0, row.references)


def test_a_model_on_a_subset_is_incomplete_and_nobody_else_is(
    short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    ingest([evaluate(phantom_pack, tmp_path / "whole", "grabcut")], db)
    before = rows_of(db)

    report = ingest([short], db)
    after = rows_of(db)

    assert "is listed as incomplete" in " ".join(report.notes)
    assert {key: standing(after[key]) for key in before} == {
        key: standing(row) for key, row in before.items()
    }
    assert any(row.status == "incomplete" for (_, name), row in after.items() if name != "grabcut")


def put_on_track(run: Path, track: str, out: Path) -> Path:
    """Return a copy of a run folder that says it is of another track."""
    shutil.copytree(run, out)
    write_run_record(out, replace(read_run_record(out), track=track))
    return out


@pytest.mark.parametrize("track", ["core", "counts"])
def test_a_submission_on_more_or_fewer_references_changes_nobody_else(
    track: str, short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    """Whether it comes first to another track, or to the same one after others."""
    whole = evaluate(phantom_pack, tmp_path / "whole", "grabcut")
    runs = {
        "short": put_on_track(short, track, tmp_path / "few"),
        "whole": put_on_track(whole, track, tmp_path / "many"),
    }
    for first, second in (("short", "whole"), ("whole", "short")):
        db = tmp_path / f"{first}.duckdb"
        ingest([runs[first]], db)
        before = rows_of(db)

        ingest([runs[second]], db)
        after = rows_of(db)

        assert {key: standing(after[key]) for key in before} == {
            key: standing(row) for key, row in before.items()
        }
        news = {row.status for key, row in after.items() if key not in before}
        assert ("incomplete" in news) == (second == "short")


def test_a_list_that_the_maintainers_fixed_outlives_the_runs_that_answer_it(
    short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    whole = evaluate(phantom_pack, tmp_path / "whole", "grabcut")
    ((run_id, entry),) = read_run_record(whole).entries.items()
    images, references = (
        whole / "index" / f"{run_id}.{kind}.parquet" for kind in ("images", "references")
    )
    db = tmp_path / "board.duckdb"
    fix_lists(
        db, [TrackList(track="core", dataset=entry.dataset, images=images, references=references)]
    )
    few = put_on_track(short, "core", tmp_path / "few")
    for _ in range(2):
        report = ingest([few], db, replace=True)
        assert {row.status for row in rows_of(db).values()} == {"incomplete"}
        assert "is listed as incomplete" in " ".join(report.notes)
        remove_runs(db, [one.run_id for one in list_runs(db)])
    ingest([put_on_track(whole, "core", tmp_path / "many")], db)
    assert {row.coverage for row in rows_of(db).values()} == {1.0}


@pytest.mark.parametrize("track", ["core", "counts"])
def test_what_a_submission_answers_says_nothing_of_the_full_track(
    track: str, short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    db, alone = tmp_path / "board.duckdb", tmp_path / "alone.duckdb"
    whole = evaluate(phantom_pack, tmp_path / "whole", "grabcut")
    ingest([put_on_track(whole, track, tmp_path / "submitted")], db)
    ingest([short], db)
    ingest([short], alone)

    assert rows_of(db, "full") == rows_of(alone, "full")


@pytest.mark.parametrize("track", ["core", "counts"])
def test_a_database_from_before_there_were_lists_of_tracks_ranks_as_it_did(
    track: str, tmp_path: Path
) -> None:
    db = planted_board(
        tmp_path / "board.duckdb",
        [PlantedModel(name="a", track=track), PlantedModel(name="b", track=track, missing=1)],
        [PlantedTarget(name="ct.liver", dataset="one")],
    )
    before = rows_of(db)
    with duckdb.connect(str(db)) as connection:
        connection.execute("DROP TABLE track_references")

    assert rows_of(db) == before
    found = {model: row.status for (_, model), row in before.items()}
    assert found == {"a": "ranked", "b": "incomplete"}


def test_runs_that_arrive_together_are_ranked_on_all_that_they_were_asked(
    short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    whole = evaluate(phantom_pack, tmp_path / "whole", "grabcut")
    boards = []
    for name, runs in (("one", [short, whole]), ("two", [whole, short])):
        ingest(runs, tmp_path / f"{name}.duckdb")
        boards.append(rows_of(tmp_path / f"{name}.duckdb"))

    assert boards[0] == boards[1]
    assert all(row.coverage == 1 for (_, name), row in boards[0].items() if name == "grabcut")


def test_replacing_every_run_of_a_dataset_chooses_its_references_anew(
    short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    ingest([short], db)
    few = rows_of(db)["dataset:phantoms", "box-prior"].references

    whole = evaluate(phantom_pack, tmp_path / "whole", "box-prior")
    ingest([whole], db, replace=True)

    assert rows_of(db)["dataset:phantoms", "box-prior"].references > few


def test_a_database_without_lists_leaves_out_what_studies_alone_were_asked(tmp_path: Path) -> None:
    db = planted_board(
        tmp_path / "board.duckdb",
        [PlantedModel(name="a"), PlantedModel(name="b", dice=0.7)],
        [
            PlantedTarget(name="ct.liver", dataset="one"),
            PlantedTarget(name="ct.lung", dataset="two"),
        ],
    )
    before = rows_of(db)
    with duckdb.connect(str(db)) as connection:
        connection.execute("DROP TABLE board_references")
        connection.execute("INSERT INTO images VALUES ('more', 'one', 'ct', 'c99999', 9, 9)")
        connection.execute(
            "INSERT INTO reference_masks (reference_id, image_id, object, instance)"
            " VALUES ('more-liver', 'more', 'liver', 0)"
        )
        connection.execute(
            "INSERT INTO runs SELECT 'study', model, dataset, 'clicks', protocol, prompts_sha256,"
            " checkpoint_sha256, device, seed, track, tier, started_utc, provenance"
            " FROM runs WHERE run_id = 'a/one'"
        )
        connection.execute(
            "INSERT INTO scores SELECT * REPLACE ('study' AS run_id, 'clicks' AS study,"
            " 'more-liver' AS reference_id) FROM scores WHERE run_id = 'a/one' LIMIT 1"
        )

    assert rows_of(db) == before
    assert {row.status for row in before.values()} == {"ranked"}


def test_removed_runs_leave_what_a_board_without_them_has(
    short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    db, plain = tmp_path / "board.duckdb", tmp_path / "plain.duckdb"
    whole = evaluate(phantom_pack, tmp_path / "whole", "grabcut")
    clicks = evaluate(phantom_pack, tmp_path / "clicks", "random-walker", study="clicks")
    ingest([short], plain)
    ingest([short], db)
    ingest([whole, clicks], db)
    gone = [one.run_id for one in list_runs(db) if one.model != "box-prior"]

    report = remove_runs(db, gone)

    assert (report.runs, report.models, report.datasets) == (2, 2, 0)
    for table in ("models", "datasets", "images", "reference_masks", "runs", "shards", "scores",
                  "timings", "board_references"):  # fmt: skip
        assert read(db, table) == read(plain, table), table
    again = ingest([whole, clicks], db)
    assert again.rows == report.rows
    assert ingest([whole, clicks], db).rows == 0


def test_nothing_is_left_of_a_database_whose_runs_are_all_removed(
    short: Path, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    ingest([short], db)

    remove_runs(db, [one.run_id for one in list_runs(db)])

    with open_board(db) as connection:
        assert connection.execute(listed_references(connection)).fetchall() == []
        for table in ("models", "datasets", "images", "reference_masks", "scores"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert ingest([short], db).rows > 0


def read(db: Path, table: str) -> list[tuple[object, ...]]:
    with open_board(db) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()


def test_who_is_no_longer_ranked_for_want_of_a_new_dataset_is_named(
    short: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    build_phantom_pack(other, 3, side=80, name="other-phantoms", workers=1)
    db = tmp_path / "board.duckdb"
    assert ingest([short], db).notes == ()

    notes = ingest([evaluate(other, tmp_path / "grabcut", "grabcut")], db).notes

    assert [note.partition(":")[0] for note in notes] == [
        "box-prior on other-phantoms", "grabcut on phantoms"
    ]  # fmt: skip
    assert "has no scores with box, point" in notes[0]
    assert ingest([evaluate(other, tmp_path / "prior", "box-prior")], db).notes == ()
