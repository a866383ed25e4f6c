from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cosmos_board.board.studies.annotation import study_annotation
from cosmos_board.board.studies.timing_log import import_timing_log, read_timing_log
from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.core.masks import encode_mask
from cosmos_board.store.board import open_board, open_board_to_write
from cosmos_board.store.queries.annotation import read_paired_annotations
from tests.study_boards import StudyBoard

HEADER = "reader,image,reference,arm,seconds,tp,fp,fn,hce\n"


def planted(*, clusters: int = 15) -> StudyBoard:
    board = StudyBoard(seed=11)
    for name in ("ct.liver", "ct.spleen", "ct.kidney"):
        board.add_target(name, clusters=clusters)
    everyone = board.references["reference_id"].tolist()
    for reader, speed in (("anna", 10.0), ("bo", 20.0)):
        board.add_reading(reader, "unaided", 0.9, 2 * speed, references=everyone)
        board.add_reading(
            reader,
            "assisted",
            lambda r: 0.92 + 0.01 * np.tanh(r["effect"]),
            speed,
            references=everyone,
        )
    return board


def test_gains_are_paired_by_reader_and_image(tmp_path: Path) -> None:
    with open_board(planted().write(tmp_path / "b.duckdb")) as connection:
        study = study_annotation(connection)

    rows = {(row.reader, row.measure): row for row in study.rows}
    seconds = rows["", "seconds"]
    # Three references lie in each image: (20 + 40) / 2 against (10 + 20) / 2, times three.
    assert (seconds.unaided, seconds.assisted) == (90.0, 45.0)
    assert seconds.gain.value == 45.0
    assert rows["anna", "seconds"].gain.value == 30.0
    assert rows["", "dice"].gain.low is not None
    assert rows["", "dice"].gain.low > 0
    assert rows["", "dice"].pairs == 2 * 15 * 2
    assert rows["", "dice"].gain.clusters == 15
    assert rows["", "dice"].gain.targets == 3
    assert rows["", "hce"].gain.value == 0.0
    assert study.unpaired == 0


def test_with_two_readers_the_interval_is_for_these_alone(tmp_path: Path) -> None:
    with open_board(planted().write(tmp_path / "b.duckdb")) as connection:
        rows = study_annotation(connection).rows

    assert {(row.reader, row.readers, row.other_readers) for row in rows} == {
        ("", 2, False), ("anna", 1, False), ("bo", 1, False)
    }  # fmt: skip


def test_from_three_readers_on_the_interval_is_for_other_readers_too(tmp_path: Path) -> None:
    """Gains differ between readers alone: three readers leave 4.3 standard errors open."""
    board = StudyBoard(seed=3).add_target("ct.liver", clusters=20, per_cluster=1)
    everyone = board.references["reference_id"].tolist()
    for reader, saved in (("anna", 10.0), ("bo", 20.0), ("cy", 60.0)):
        board.add_reading(reader, "unaided", 0.9, 100.0, references=everyone)
        board.add_reading(reader, "assisted", 0.9, 100.0 - saved, references=everyone)

    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        rows = {(row.reader, row.measure): row for row in study_annotation(connection).rows}
    seconds = rows["", "seconds"]
    low, high = stats.ttest_1samp([10.0, 20.0, 60.0], 0).confidence_interval(0.95)
    assert seconds.other_readers
    assert seconds.gain.value == pytest.approx(30.0)
    assert (seconds.gain.low, seconds.gain.high) == pytest.approx((low, high))
    assert not seconds.gain.is_shown
    assert seconds.gain.detectable is not None
    assert seconds.gain.detectable > 30.0
    assert (rows["bo", "seconds"].gain.low, rows["bo", "seconds"].gain.high) == (20.0, 20.0)


def test_gains_and_errors_equal_a_second_implementation(tmp_path: Path) -> None:
    """Readers read different images, images hold two references, clusters hold two images."""
    board = StudyBoard(seed=5).add_target("ct.liver", clusters=15)
    board.add_target("ct.spleen", clusters=15)
    rng = np.random.default_rng(5)
    for reader in range(4):
        read = board.references["image_id"].isin(
            rng.choice(board.references["image_id"].unique(), 18, replace=False)
        )
        ids = board.references.loc[read, "reference_id"].tolist()
        for arm, level in (("unaided", 0.7), ("assisted", 0.75 + 0.03 * reader)):
            dice = np.clip(level + rng.normal(0, 0.05, len(ids)), 0, 1)
            board.add_reading(f"r{reader}", arm, dice, 30.0, references=ids)

    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        row = study_annotation(connection).rows[0]
    drawn = pd.concat(board.annotations).merge(board.references, on="reference_id")
    drawn["dice"] = drawn["tp"] / (drawn["tp"] + drawn["fp"])
    keys = ["cluster_id", "image", "reader"]
    arms = drawn.pivot_table("dice", [*keys, "reference_id"], "arm")
    pairs = (arms["assisted"] - arms["unaided"]).groupby(level=keys).mean()
    clusters = pairs.groupby("cluster_id").mean()
    without = [
        pairs.drop(name, level="reader").groupby("cluster_id").mean().mean()
        for name in pairs.index.unique("reader")
    ]
    errors = stats.sem(clusters.to_numpy(float)), float(np.sqrt(3 * np.var(without)))
    halves = [stats.t.ppf(0.975, df) * e for df, e in zip((14, 3), errors, strict=True)]
    half = np.hypot(halves[0], halves[1])
    assert (row.measure, row.readers, row.pairs) == ("dice", 4, 4 * 18)
    assert row.gain.value == pytest.approx(clusters.mean())
    assert row.gain.error == pytest.approx(np.hypot(errors[0], errors[1]))
    assert row.gain.high == pytest.approx(clusters.mean() + half)


def test_a_mask_drawn_in_one_arm_only_does_not_count(tmp_path: Path) -> None:
    board = planted()
    board.annotations[0] = board.annotations[0].iloc[5:]

    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        study = study_annotation(connection)
        assert len(read_paired_annotations(connection)["reader"]) == 2 * 90 - 5
    assert study.unpaired == 5


def test_drawn_images_have_no_part_beside_real_ones(tmp_path: Path) -> None:
    path = planted().add_target("mr.liver", dataset="south").write(tmp_path / "b.duckdb")
    with open_board_to_write(path) as connection:
        connection.execute("UPDATE datasets SET synthetic = true WHERE dataset = 'north'")

    with open_board(path) as connection:
        assert study_annotation(connection).rows == ()


def test_under_ten_clusters_there_is_no_interval(tmp_path: Path) -> None:
    with open_board(planted(clusters=6).write(tmp_path / "b.duckdb")) as connection:
        rows = study_annotation(connection).rows

    assert {row.gain.low for row in rows} == {None}


def test_without_a_log_there_are_no_rows(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver")
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        assert study_annotation(connection).rows == ()


def test_masks_are_scored_against_the_packs_references(tmp_path: Path) -> None:
    truth = np.zeros((40, 50), bool)
    truth[10:30, 10:30] = True
    drawn = truth.copy()
    drawn[10:30, 10:20] = False
    log = tmp_path / "log.csv"
    counts = encode_mask(drawn).counts.decode()
    log.write_text(f"reader,image,reference,arm,seconds,mask\nanna,i,r,assisted,3.5,{counts}\n")

    row = read_timing_log(log, {"r": encode_mask(truth)})[0]
    assert (row.tp, row.fp, row.fn, row.seconds) == (200, 0, 200, 3.5)
    assert row.hce is not None
    assert row.hce > 0
    with pytest.raises(InputError, match="in none of the packs"):
        read_timing_log(log)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param("anna,i,r,guided,1,5,0,5,", "unknown arm", id="arm"),
        pytest.param("anna,i,r,assisted,-1,5,0,5,", "seconds", id="negative time"),
        pytest.param("anna,i,r,assisted,nan,5,0,5,", "seconds", id="no time"),
        pytest.param("anna,i,r,assisted,0,5,0,5,", "seconds", id="no time at all"),
        pytest.param("anna,i,r,assisted,1e9,5,0,5,", "seconds", id="a lifetime"),
        pytest.param("anna,i,r,assisted,1,5.5,0,5,", "tp", id="half a pixel"),
        pytest.param("anna,i,r,assisted,1,0,5,0,", "never empty", id="empty reference"),
        pytest.param(",i,r,assisted,1,5,0,5,", "reader is empty", id="nobody"),
        pytest.param("anna,i,r,assisted,1,5", "number of fields", id="short line"),
        pytest.param("anna,i,r,assisted,1,5,0,5,,9", "number of fields", id="long line"),
    ],
)
def test_a_wrong_line_is_refused_by_number(tmp_path: Path, line: str, problem: str) -> None:
    log = tmp_path / "log.csv"
    log.write_text(HEADER + "anna,i,q,assisted,1,5,0,5,2\n" + line + "\n")

    with pytest.raises(InputError, match=f"row 3.*{problem}"):
        read_timing_log(log)


def test_a_repeated_line_and_a_header_that_lacks_a_column_are_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(HEADER + "anna,i,r,assisted,1,5,0,5,\n" * 2)
    with pytest.raises(InputError, match="row 3: repeats"):
        read_timing_log(log)

    log.write_text("reader,image,reference,arm,seconds,tp\n")
    with pytest.raises(InputError, match="lacks fp, fn"):
        read_timing_log(log)
    log.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no CSV"):
        read_timing_log(log)
    with pytest.raises(StorageError):
        read_timing_log(tmp_path / "absent.csv")


def test_import_checks_the_database_and_replaces_what_was_there(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver")
    board.references["size_px"] = 10
    path = board.write(tmp_path / "b.duckdb")
    first = board.references.iloc[0]
    log = tmp_path / "log.csv"

    def write(seconds: int, image: str, tp: int) -> Path:
        log.write_text(HEADER + f"anna,{image},{first.reference_id},unaided,{seconds},{tp},0,5,1\n")
        return log

    with open_board_to_write(path) as connection:
        with pytest.raises(InputError, match="names another image"):
            import_timing_log(connection, write(1, "elsewhere", 5))
        with pytest.raises(InputError, match="not the reference's size"):
            import_timing_log(connection, write(1, first.image_id, 6))
        assert import_timing_log(connection, write(1, first.image_id, 5)) == 1
        assert import_timing_log(connection, write(7, first.image_id, 5)) == 1
        rows = connection.execute("SELECT seconds, hce FROM annotations").fetchall()
    assert rows == [(7.0, 1.0)]
