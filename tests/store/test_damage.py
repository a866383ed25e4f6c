"""Whatever is damaged in a run folder is named by `ingest` and mended by the same `eval`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cosmos_board.core.errors import CosmosBoardError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.runner.run import RunReport, RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.ingest import ingest
from cosmos_board.store.records import dump_record


@dataclass(frozen=True)
class Folder:
    """A finished run that is about to be damaged, and one of another model."""

    path: Path
    other: Path

    @property
    def record(self) -> dict[str, Any]:
        return dict(json.loads((self.path / "run.json").read_bytes()))

    @property
    def run_id(self) -> str:
        [run_id] = self.record["entries"]
        return str(run_id)

    def shard(self, number: int = 1) -> Path:
        return self.path / "scores" / f"{self.run_id}-{number:08d}.parquet"

    def sidecar(self, number: int = 1) -> Path:
        return self.shard(number).with_suffix(".json")

    def index(self, kind: str) -> Path:
        return self.path / "index" / f"{self.run_id}.{kind}.parquet"

    def rewrite(self, table: pa.Table) -> None:
        """Give a shard other rows as if they had been written so."""
        pq.write_table(table, self.shard())
        facts = json.loads(self.sidecar().read_bytes())
        digest = hashlib.sha256(self.shard().read_bytes()).hexdigest()
        self.sidecar().write_bytes(dump_record({**facts, "sha256": digest, "rows": table.num_rows}))


def evaluate(pack: Path, out: Path, model: str = "box-prior") -> RunReport:
    """Run a segmenter that needs no weights."""
    settings = RunSettings(save_masks=True, prompts=("box", "point"))
    spec = SegmenterSpec(name=model)
    return run(RunRequest(packs=(pack,), specs=(spec,), out=out, settings=settings))


@pytest.fixture(scope="module")
def runs(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Finished runs of two models."""
    folder = tmp_path_factory.mktemp("runs")
    for model in ("box-prior", "grabcut"):
        evaluate(phantom_pack, folder / model, model)
    return folder / "box-prior", folder / "grabcut"


def read_scores(folder: Path, db: Path) -> list[tuple[Any, ...]]:
    """Return the rows that a run brings to an empty board."""
    ingest([folder], db)
    with duckdb.connect(str(db), read_only=True) as connection:
        return connection.execute("SELECT * FROM scores ORDER BY ALL").fetchall()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def copy_shard(folder: Folder) -> None:
    for path in (folder.shard(), folder.sidecar()):
        shutil.copy(path, path.with_name(path.name.replace("-00000001", "-00000099")))


def lose_shard(folder: Folder) -> None:
    folder.shard().unlink()
    folder.sidecar().unlink()


def rename_shard(folder: Folder) -> None:
    for path in (folder.shard(), folder.sidecar()):
        path.rename(path.with_name(path.name.replace("-00000001", "-00000099")))


def exchange_shards(folder: Folder) -> None:
    for one, two in ((folder.shard(1), folder.shard(2)), (folder.sidecar(1), folder.sidecar(2))):
        middle = one.rename(one.with_name("middle"))
        two.rename(one)
        middle.rename(two)


def take_another_models_shard(folder: Folder) -> None:
    other = Folder(folder.other, folder.other)
    shutil.copy(other.shard(), folder.shard())
    shutil.copy(other.sidecar(), folder.sidecar())


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))


def edit_entry(folder: Folder, part: str, name: str, value: object) -> None:
    record = folder.record
    record["entries"][folder.run_id][part][name] = value
    (folder.path / "run.json").write_text(json.dumps(record))


def drop_rows(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows // 2), path)


def move_to_another_dataset(folder: Folder) -> None:
    table = pq.read_table(folder.index("images"))
    names = pa.array(["elsewhere"] * table.num_rows)
    place = table.schema.get_field_index("dataset")
    pq.write_table(
        table.set_column(place, table.schema.field(place), names), folder.index("images")
    )


def write_as_newer(folder: Folder) -> None:
    table = pq.read_table(folder.shard())
    folder.rewrite(table.replace_schema_metadata({"schema_version": "99"}))


def double_rows(folder: Folder) -> None:
    table = pq.read_table(folder.shard())
    folder.rewrite(pa.concat_tables([table, table]))


def score_unknown_references(folder: Folder) -> None:
    table = pq.read_table(folder.shard())
    place = table.schema.get_field_index("reference_id")
    names = pa.array([f"x{number}" for number in range(table.num_rows)])
    folder.rewrite(table.set_column(place, table.schema.field(place), names))


def lose_column(folder: Folder) -> None:
    folder.rewrite(pq.read_table(folder.shard()).drop_columns(["tp"]))


def lose_facts(folder: Folder) -> None:
    record = folder.record
    del record["entries"][folder.run_id]["model"]["label"]
    (folder.path / "run.json").write_bytes(dump_record(record))


OTHER_ROWS = "parquet: sha256: is not that of the rows that were written"
OTHER_INDEX = "parquet: sha256: is not that of what was written"
ALTERED = "json: document_sha256: is not that of what was written: the file was altered"
AGAIN = "parquet: is damaged or incomplete; evaluated again"
INDEX_ANEW = "the index is damaged or incomplete; written anew"
RECORD_ANEW = r"run.json: .*; written anew: evaluate other models"
STRAY = r"-00000099.\w+: is no shard of this run; moved to .*/stray"

Damage = Callable[[Folder], object]

WAYS: dict[str, tuple[Damage, str, str]] = {
    # way: (what is done, what `ingest` says, what the same `eval` says)
    "a shard is cut": (lambda f: cut(f.shard()), OTHER_ROWS, AGAIN),
    "a bit of a shard is flipped": (lambda f: flip(f.shard()), OTHER_ROWS, AGAIN),
    "a shard is empty": (lambda f: empty(f.shard()), OTHER_ROWS, AGAIN),
    "a shard is lost": (lambda f: f.shard().unlink(), "parquet: does not exist", AGAIN),
    "a sidecar is lost": (lambda f: f.sidecar().unlink(), "json: does not exist", ""),
    "both are lost": (
        lose_shard, r"is not finished: shards are missing \(got 5, want 6\)", "",
    ),
    "a shard is copied": (copy_shard, "00000099.parquet: is a copy of another shard", STRAY),
    "a shard is renamed": (rename_shard, "00000099.parquet: is a copy of another shard", STRAY),
    "two shards are exchanged": (exchange_shards, "is a copy of another shard", AGAIN),
    "a shard is another run's": (
        take_another_models_shard, "is a copy of another shard", AGAIN,
    ),
    "a sidecar is edited": (lambda f: edit_json(f.sidecar(), rows=7), ALTERED, AGAIN),
    "a sidecar has NaN": (
        lambda f: edit_json(f.sidecar(), rows=float("nan")),
        "json: is damaged: NaN is no number",
        AGAIN,
    ),
    "a sidecar is empty": (lambda f: empty(f.sidecar()), "json: is damaged: Expecting", AGAIN),
    "a sidecar is a list": (
        lambda f: f.sidecar().write_text("[]"), "json: is damaged", AGAIN,
    ),
    "an index is cut": (lambda f: cut(f.index("images")), "is damaged or no Parquet", INDEX_ANEW),
    "an index has lost rows": (
        lambda f: drop_rows(f.index("references")), OTHER_INDEX, INDEX_ANEW,
    ),
    "an index is lost": (
        lambda f: f.index("images").unlink(), "images.parquet: does not exist", INDEX_ANEW,
    ),
    "an index is another dataset's": (move_to_another_dataset, OTHER_INDEX, INDEX_ANEW),
    "run.json is cut": (lambda f: cut(f.path / "run.json"), "is damaged", RECORD_ANEW),
    "run.json is empty": (lambda f: empty(f.path / "run.json"), "is damaged", RECORD_ANEW),
    "run.json is edited": (
        lambda f: edit_entry(f, "model", "name", "better"), ALTERED, RECORD_ANEW,
    ),
    "run.json has a field more": (
        lambda f: edit_json(f.path / "run.json", more=1), ALTERED, RECORD_ANEW,
    ),
    "run.json has NaN": (
        lambda f: edit_json(f.path / "run.json", tier=float("inf")), "Infinity is no", RECORD_ANEW,
    ),
    "run.json is lost": (
        lambda f: (f.path / "run.json").unlink(), "does not exist, so this is no run", "",
    ),
    "run.json is a folder": (
        lambda f: make_folder(f.path / "run.json"),
        "is a folder where a file belongs",
        RECORD_ANEW,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_damage_is_named_and_mended_by_the_same_evaluation(
    way: str, runs: tuple[Path, Path], phantom_pack: Path, tmp_path: Path
) -> None:
    whole = read_scores(runs[0], tmp_path / "whole.duckdb")
    folder = Folder(tmp_path / "run", runs[1])
    shutil.copytree(runs[0], folder.path)
    damage, said, mended = WAYS[way]
    damage(folder)

    with pytest.raises(CosmosBoardError, match=said) as caught:
        ingest([folder.path], tmp_path / "board.duckdb")
    report = evaluate(phantom_pack, folder.path)

    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    assert report.evaluated <= 2
    assert bool(report.mended) == bool(mended)
    assert all(re.search(f"{mended}|{AGAIN}", line) for line in report.mended)
    assert read_scores(folder.path, tmp_path / "mended.duckdb") == whole


FORGED: dict[str, tuple[Damage, str, int]] = {
    "run.json is of a newer program": (
        lambda f: edit_json(f.path / "run.json", schema_version=99),
        r"schema_version: is newer than this program \(got 99, want 2\)",
        1,
    ),
    "a shard is of a newer program": (write_as_newer, r"newer than this program \(got 99", 1),
    "rows come twice": (double_rows, "reference .*: has its row twice", 1),
    "rows are of other references": (
        score_unknown_references, "x0: is not there, and has scores", 1,
    ),
    "a column is lost": (lose_column, "parquet: tp: this column is missing", 1),
    "run.json lacks a fact": (
        lose_facts, r"run.json: entries\.\w+\.model\.label: is missing, so the file is damaged", 1,
    ),
    "a shard is a folder": (
        lambda f: make_folder(f.shard()), "is a folder where a file belongs", 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", FORGED)
def test_what_no_hash_can_tell_is_refused_too(
    way: str, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "run", runs[1])
    shutil.copytree(runs[0], folder.path)
    damage, said, code = FORGED[way]
    damage(folder)

    with pytest.raises(CosmosBoardError, match=said) as caught:
        ingest([folder.path], tmp_path / "board.duckdb")

    assert caught.value.exit_code == code
    assert "\n" not in str(caught.value)


def test_lost_masks_are_made_again(
    runs: tuple[Path, Path], phantom_pack: Path, tmp_path: Path
) -> None:
    shutil.copytree(runs[0], tmp_path / "run")
    masks = min((tmp_path / "run" / "predictions").glob("*.parquet"))
    before = masks.read_bytes()
    cut(masks)

    report = evaluate(phantom_pack, tmp_path / "run")

    assert report.evaluated == 1
    assert masks.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_the_disks_fault(
    runs: tuple[Path, Path], tmp_path: Path
) -> None:
    shutil.copytree(runs[0], tmp_path / "run")
    (tmp_path / "run" / "run.json").chmod(0)

    with pytest.raises(CosmosBoardError, match=r"run.json: read: permission denied") as caught:
        ingest([tmp_path / "run"], tmp_path / "board.duckdb")
    assert caught.value.exit_code == 74
