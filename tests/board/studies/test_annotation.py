from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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
