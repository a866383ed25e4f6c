"""Finished runs enter the board exactly once, all or nothing."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cosmos_board.core.errors import InputError, InUseError
from cosmos_board.core.run_record import Card, RunSettings
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.board import open_board, open_board_to_write
from cosmos_board.store.ingest import ingest
from cosmos_board.store.queries.cards import ALL_CLUSTERS, read_models
from cosmos_board.store.records import dump_record, read_shard_record, write_shard_record


@pytest.fixture(scope="module")
def finished(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the box prior."""
    return _evaluate(phantom_pack, tmp_path_factory.mktemp("runs") / "whole")


def _evaluate(pack: Path, out: Path, share: str | None = None, limit: int | None = None) -> Path:
    spec = SegmenterSpec(name="box-prior")
    settings = RunSettings(limit=limit)
    run(RunRequest(packs=(pack,), specs=(spec,), out=out, share=share, settings=settings))
    return out


def rewrite(folder: Path, record: dict[str, Any]) -> None:
    """Write a run's record as `eval` would have written it."""
    (folder / "run.json").write_bytes(dump_record(record))


def _count(db: Path, table: str) -> int:
    with open_board(db) as connection:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert found is not None
        return int(found[0])


def test_a_run_is_added_with_everything_a_board_needs(finished: Path, tmp_path: Path) -> None:
    db = tmp_path / "board.duckdb"

    report = ingest([finished], db)

    references = _count(db, "reference_masks")
    assert report.rows == _count(db, "scores") == references * 5 * 2
    assert _count(db, "images") == 6
    assert (_count(db, "models"), _count(db, "datasets"), _count(db, "runs")) == (1, 1, 1)
    assert _count(db, "timings") == 2


def test_timings_of_two_kinds_of_gpu_stand_apart(finished: Path, tmp_path: Path) -> None:
    folder, db = tmp_path / "run", tmp_path / "board.duckdb"
    shutil.copytree(finished, folder)
    for number, path in enumerate(sorted((folder / "scores").glob("*.json"))):
        card = Card(name="AB"[number % 2], driver="1", runtime="CUDA 13.0")
        write_shard_record(path, replace(read_shard_record(path), card=card))
    ingest([folder], db)

    with open_board(db) as connection:
        found = connection.execute("SELECT DISTINCT device FROM timings ORDER BY 1").fetchall()
    assert found == [("cpu (A)",), ("cpu (B)",)]


def test_a_run_given_twice_is_added_once(finished: Path, tmp_path: Path) -> None:
    db = tmp_path / "board.duckdb"
    first = ingest([finished], db)

    second = ingest([finished, finished], db)

    assert second.rows == 0
    assert _count(db, "scores") == first.rows


def test_a_run_of_which_answers_failed_is_added_and_says_so(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUARES_FAILS_ON_WIDTH", "96")
    squares = Path(__file__).parents[1] / "runner" / "segmenters.py"
    request = RunRequest(
        packs=(phantom_pack,),
        specs=(SegmenterSpec(name=f"{squares}:Squares"), SegmenterSpec(name="box-prior")),
        out=tmp_path / "run",
        settings=RunSettings(prompts=("box",)),
    )
    rows = run(request).rows // 2

    report = ingest([tmp_path / "run"], tmp_path / "board.duckdb")

    assert report.rows == 2 * rows
    reason = "ValueError: cannot look at this"
    assert report.failures == (f"squares: {rows} of {rows} answers failed: {reason}",)


@pytest.mark.parametrize("base_first", [True, False])
def test_weights_without_a_name_when_they_were_tuned_are_paired_by_their_hash(
    base_first: bool, finished: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    digest = "0123456789ab" + 52 * "c"
    folders = [tmp_path / name for name in ("mine", "tuned")]
    for folder in folders:
        shutil.copytree(finished, folder)
        record = json.loads((folder / "run.json").read_bytes())
        [(run_id, entry)] = record["entries"].items()
        entry["model"]["name"] = folder.name
        entry["checkpoint_sha256"] = digest if folder.name == "mine" else 64 * "f"
        if folder.name == "tuned":
            entry["model"]["base_model"] = "sam-vit-b@0123456789ab"
        other = folder.name.ljust(16, "0")
        record["entries"] = {other: entry}
        rewrite(folder, record)
        for part in ("scores", "index"):
            for path in (folder / part).glob(f"{run_id}*"):
                moved = path.rename(path.with_name(path.name.replace(run_id, other)))
                if moved.suffix == ".json":
                    facts = json.loads(moved.read_bytes())
                    moved.write_bytes(dump_record({**facts, "shard": moved.stem}))
    for folder in folders if base_first else reversed(folders):
        ingest([folder], tmp_path / "board.duckdb")

    with open_board(tmp_path / "board.duckdb") as connection:
        bases = dict(connection.execute("SELECT model, base_model FROM models").fetchall())
    assert bases == {"mine": None, "tuned": "mine"}


def test_an_unfinished_run_is_refused_and_leaves_nothing(
    phantom_pack: Path, tmp_path: Path
) -> None:
    part = _evaluate(phantom_pack, tmp_path / "part", share="1/2")

    with pytest.raises(InputError, match=r"is not finished: shards are missing \(got 3, want 6\)"):
        ingest([part], tmp_path / "board.duckdb")

    assert _count(tmp_path / "board.duckdb", "scores") == 0


def test_the_parts_of_a_job_array_make_one_run(
    phantom_pack: Path, finished: Path, tmp_path: Path
) -> None:
    parts = [
        _evaluate(phantom_pack, tmp_path / name, share=share)
        for name, share in (("a", "1/2"), ("b", "2/2"))
    ]

    whole, joined = tmp_path / "whole.duckdb", tmp_path / "joined.duckdb"
    ingest([finished], whole)
    ingest(parts, joined)

    with open_board(whole) as one, open_board(joined) as two:
        query = "SELECT * EXCLUDE run_id FROM scores ORDER BY ALL"
        assert one.execute(query).fetchall() == two.execute(query).fetchall()


def test_altered_rows_are_refused(finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "altered"
    shutil.copytree(finished, copy)
    shard = min((copy / "scores").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes() + b" ")

    with pytest.raises(InputError, match="sha256: is not that of the rows that were written"):
        ingest([copy], tmp_path / "board.duckdb")


def test_a_rival_run_is_refused_or_replaces(
    phantom_pack: Path, finished: Path, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    ingest([finished], db)
    short = _evaluate(phantom_pack, tmp_path / "short", limit=2)

    with pytest.raises(InputError, match="--replace drops that one"):
        ingest([short], db)
    ingest([short], db, replace=True)

    assert _count(db, "runs") == 1
    assert _count(db, "scores") < 6 * 3 * 10


@pytest.mark.parametrize("same_state", [True, False, None])
def test_clusters_seen_in_another_state_of_a_pack_mean_nothing_here(
    finished: Path, tmp_path: Path, same_state: bool | None
) -> None:
    copy = tmp_path / "tuned"
    shutil.copytree(finished, copy)
    record = json.loads((copy / "run.json").read_text())
    for entry in record["entries"].values():
        here = entry["dataset"]["content_sha256"]
        name = entry["dataset"]["name"]
        entry["model"]["seen_clusters"] = [f"{name}/c1", "elsewhere/c2"]
        states = [f"{name}@{here if same_state else 'f' * 64}", f"elsewhere@{'a' * 64}"]
        entry["model"]["seen_packs"] = states if same_state is not None else states[1:]
    rewrite(copy, record)

    ingest([copy], tmp_path / "board.duckdb")

    with open_board(tmp_path / "board.duckdb") as connection:
        seen = set(read_models(connection)["box-prior"].seen_pairs)
    assert seen == {(name, "c1" if same_state else ALL_CLUSTERS), ("elsewhere", "c2")}


def test_two_datasets_that_share_a_picture_are_not_put_on_one_board(
    finished: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    """Ids come from pixels: rows of both would count for each other's references."""
    build_phantom_pack(tmp_path / "again", 6, side=96, workers=1, name="again")
    other = _evaluate(tmp_path / "again", tmp_path / "run")
    db = tmp_path / "board.duckdb"
    ingest([finished], db)
    rows = _count(db, "scores")

    with pytest.raises(InputError, match=r"again: has image \w+ of phantoms, which is on this"):
        ingest([other], db)
    assert _count(db, "scores") == rows


def test_patients_of_another_dataset_are_counted_once(finished: Path, tmp_path: Path) -> None:
    """Two releases of the same scans differ in their files, so no image is equal."""
    db, again = tmp_path / "board.duckdb", tmp_path / "again"
    shared = {"phantoms": {"again"}, "again": {"phantoms"}}
    build_phantom_pack(tmp_path / "again-pack", 2, seed=5, side=96, workers=1, name="again")
    _evaluate(tmp_path / "again-pack", again)
    ingest([finished], db, shared_cases=shared)

    with pytest.raises(InputError, match=r"again: has cases of phantoms, which is on this board"):
        ingest([again], db, shared_cases=shared)

    assert _count(db, "datasets") == 1
    assert ingest([finished], db, shared_cases=shared).rows == 0
    assert ingest([again], db).rows > 0


def test_a_run_of_a_newer_program_is_refused(finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "newer"
    shutil.copytree(finished, copy)
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**record, "schema_version": 99}))

    with pytest.raises(InputError, match="is newer than this program"):
        ingest([copy], tmp_path / "board.duckdb")


def _hold(db: str, ready: object) -> None:
    connection = duckdb.connect(db)
    ready.set()  # type: ignore[attr-defined]
    time.sleep(20)
    connection.close()


def test_a_database_that_another_process_writes_is_in_use(finished: Path, tmp_path: Path) -> None:
    db = tmp_path / "board.duckdb"
    ingest([finished], db)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(str(db), ready))
    holder.start()
    try:
        assert ready.wait(30)
        with pytest.raises(InUseError):
            ingest([finished], db)
    finally:
        holder.kill()
        holder.join()


@pytest.mark.parametrize("content", [b"no database at all" * 300, b""])
def test_what_is_no_board_database_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "board.duckdb"
    path.write_bytes(content)

    with pytest.raises(InputError, match="board database"), open_board(path):
        pass


def test_another_duckdb_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.duckdb"
    duckdb.connect(str(path)).execute("CREATE TABLE t (x INTEGER)").close()

    with pytest.raises(InputError, match="but no board database"), open_board_to_write(path):
        pass
