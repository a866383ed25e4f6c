from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.pack import open_pack
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.store.board import open_board
from cosmos_board.store.ingest import ingest
from cosmos_board.store.records import read_run_record, write_run_record
from cosmos_board.submissions.scoring.score import score_submission
from tests.submissions.samples import Sample


def test_a_drafted_submission_is_right(sample: Sample, tmp_path: Path) -> None:
    assert sample.check(sample.write(tmp_path, slug="careful-boxes")) == []


def test_core_scores_are_those_of_the_run_they_came_from(sample: Sample, tmp_path: Path) -> None:
    folder = sample.write(tmp_path, slug="careful-boxes")
    scored = score_submission(folder, [open_pack(sample.pack)], tmp_path / "run")
    ingest([scored.run], tmp_path / "core.duckdb")
    ingest([sample.run], tmp_path / "full.duckdb")
    query = (
        "SELECT reference_id, prompt, selection, tp, fp, fn, hd_px, nsd, nsd_rel, predicted_iou,"
        " status FROM scores ORDER BY ALL"
    )
    found = []
    for name in ("core", "full"):
        with open_board(tmp_path / f"{name}.duckdb") as connection:
            found.append(connection.execute(query).fetchall())
    assert found[0] == found[1]
    assert len(found[0]) == scored.rows
    record = RunFolder(scored.run).read_record()
    assert record is not None
    assert (record.track, record.tier) == ("core", "audited")


def test_a_models_core_and_full_rows_stand_side_by_side(sample: Sample, tmp_path: Path) -> None:
    """Also where the slug is the name of a model that maintainers ran in full."""
    folder = sample.write(tmp_path, slug="box-prior", authors__0__github_id=0)
    scored = score_submission(folder, [open_pack(sample.pack)], tmp_path / "run")
    db = tmp_path / "board.duckdb"
    for run in (scored.run, sample.run, scored.run):
        ingest([run], db)
    with open_board(db) as connection:
        found = connection.execute("SELECT model, track FROM runs ORDER BY track").fetchall()
        rows = connection.execute("SELECT count(*) FROM scores").fetchall()
    assert found == [("box-prior", "core"), ("box-prior", "full")]
    assert rows == [(2 * scored.rows,)]


def test_what_is_refused_is_not_scored(sample: Sample, tmp_path: Path) -> None:
    folder = sample.write(tmp_path, table=sample.change_row(3, rle=b"0"))
    with pytest.raises(InputError, match="row 3: rle: runs sum to 0"):
        score_submission(folder, [open_pack(sample.pack)], tmp_path / "run")


def test_another_run_is_not_written_over(sample: Sample, tmp_path: Path) -> None:
    folder, out = sample.write(tmp_path, slug="careful-boxes"), tmp_path / "run"
    packs = [open_pack(sample.pack)]
    RunFolder(out).make()
    other = score_submission(folder, packs, tmp_path / "other").run
    record = read_run_record(other)
    assert record.submission is not None
    source = replace(record.submission, slug="other-boxes")
    write_run_record(out, replace(record, submission=source))
    before = (out / "run.json").read_bytes()

    with pytest.raises(InputError, match="holds another run"):
        score_submission(folder, packs, out)

    assert (out / "run.json").read_bytes() == before
    again = score_submission(folder, packs, tmp_path / "own").rows
    assert score_submission(folder, packs, tmp_path / "own").rows == again


def test_references_left_out_are_counted(sample: Sample, tmp_path: Path) -> None:
    line, *_ = sample.check(sample.write(tmp_path, table=sample.table.slice(1)))
    assert "rows: 1 of 18 references missing for prompt point (track needs 100 %)" in line


def test_without_the_pack_a_submission_is_held_for_who_has_it(
    sample: Sample, tmp_path: Path
) -> None:
    from cosmos_board.submissions.checks.check import check_submission
    from cosmos_board.submissions.checks.submission import CheckInputs

    folder = sample.write(tmp_path, packs__0__name="demo-phantoms")
    (problem,) = check_submission(folder, CheckInputs())
    assert problem.disposition == "held"
    assert "no pack 'demo-phantoms' here" in str(problem)


@pytest.mark.parametrize("name", ["submission.toml", "predictions.parquet"])
def test_a_file_that_cannot_be_opened_is_a_problem(
    name: str, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cosmos_board.submissions.checks import check
    from cosmos_board.submissions.files import folder as folder_module

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(tmp_path / name))

    folder = sample.write(tmp_path)
    if name == "submission.toml":
        monkeypatch.setattr(check, "read_manifest", refuse)
    else:
        monkeypatch.setattr(folder_module, "hash_file", refuse)
    (line,) = sample.check(folder)
    assert line == f"submissions/evil-sam/{name}: cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("row", "values", "says"),
    [
        (3, {"predicted_iou": float("nan")}, "row 3: predicted_iou: nan outside -10..10"),
        (3, {"predicted_iou": float("-inf")}, "row 3: predicted_iou: -inf outside -10..10"),
        (3, {"candidate": 1}, "candidate 1 of ("),
        (3, {"prompt": "everything"}, "row 3: prompt: 'everything' is not among model.prompts"),
        (3, {"reference_id": "x\0"}, "row 3: reference_id: 'x\\x00' not in the core sample"),
        (3, {"prompt": "box" * 99}, "row 3: prompt: length 297 outside 1..200"),
        (3, {"height": -1}, "row 3: rle: h=-1 outside 1..16384"),
    ],
)
def test_odd_values_are_named(
    row: int, values: dict[str, object], says: str, sample: Sample, tmp_path: Path
) -> None:
    line, *_ = sample.check(sample.write(tmp_path, table=sample.change_row(row, **values)))
    assert says in line


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"slug": "sam-vit-b"}, "slug: is a known model, which only the project"),
        ({"model__name": "SAM VIT-H"}, "model.name: equals existing name"),
        ({"model__name": "GrαbCut"}, "model.name: mixes scripts"),
        (
            {"model__name": "Grab Cut"},
            "model.name: looks like existing name 'GrabCut' (owner id 0)",
        ),
        ({"run__versions": {"<script>": "1"}}, "run.versions.<script>"),
        ({"run__versions": {"a": "::set-output"}}, "run.versions.a: is no version"),
        ({"schema_version": True}, "schema_version: want an integer 1..1"),
    ],
)
def test_names_of_the_project_and_odd_fields_are_refused(
    changes: dict[str, object], says: str, sample: Sample, tmp_path: Path
) -> None:
    folder = sample.write(tmp_path, **changes)  # type: ignore[arg-type]
    assert says in sample.check(folder)[0]
