"""Run records and sidecars: what is written is read, and anything else is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from cosmos_board.core.cards import DatasetCard, ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.run_record import (
    Provenance,
    Quarantined,
    RunEntry,
    RunRecord,
    RunSettings,
    ShardRecord,
)
from cosmos_board.store.records import (
    RUN_RECORD,
    DamagedError,
    dump_record,
    read_run_record,
    read_shard_record,
    write_run_record,
    write_shard_record,
)

SHARD = ShardRecord(
    shard="a-00000000",
    sha256="ab",
    rows=3,
    peak_bytes=9,
    quarantined=(Quarantined(image_id="i", reason="is no PNG"),),
    timings={"embed": (2, 0.25)},
)
RECORD = RunRecord(
    settings=RunSettings(prompts=("box",)),
    protocol="cosmos-1",
    provenance=Provenance(
        python="3", platform="Linux", processors=None, packages={"numpy": "2"}, commit=None
    ),
    started_utc="2026-01-01T00:00:00+00:00",
    entries={
        "a": RunEntry(
            model=ModelCard(name="m", label="M", family="f", kind="classical", prompts=("box",)),
            dataset=DatasetCard(
                name="d", label="D", version="1", licence="", source="", citation="",
                normalisation="none", cluster_unit="patient",
            ),
            images=1, of_images=2, shards=1, checkpoint_sha256=None, device="cpu",
        )
    },
)  # fmt: skip


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_run_record(tmp_path, RECORD)
    write_shard_record(tmp_path / "a.json", SHARD)

    assert read_run_record(tmp_path) == RECORD
    assert read_shard_record(tmp_path / "a.json") == SHARD


def test_a_field_that_is_not_known_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(dump_record({**asdict(SHARD), "more": 1}))

    assert read_shard_record(tmp_path / "a.json") == SHARD


WAYS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    # what is wrong: what a reader says
    "a field is missing": (lambda d: d.pop("protocol"), r"run.json: protocol: is missing"),
    "an entry is no entry": (
        lambda d: d["entries"].update(a=3), r"run.json: entries\.a: is damaged: .* \(got 3\)",
    ),
    "a number is a word": (
        lambda d: d["entries"]["a"].update(shards="many"),
        r"run.json: entries\.a\.shards: is damaged: .* \(got 'many'\)",
    ),
    "a study is unknown": (lambda d: d["settings"].update(study="x"), r"settings\.study: is dam"),
    "a list is null": (lambda d: d["settings"].update(prompts=None), r"settings\.prompts: is dam"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_record_of_another_form_is_refused_in_one_line(way: str, tmp_path: Path) -> None:
    change, says = WAYS[way]
    document = asdict(RECORD)
    change(document)
    (tmp_path / RUN_RECORD).write_bytes(dump_record(document))

    with pytest.raises(DamagedError, match=says) as caught:
        read_run_record(tmp_path)

    assert "\n" not in str(caught.value)


def test_a_newer_record_is_refused_and_is_not_called_damaged(tmp_path: Path) -> None:
    document = {**asdict(RECORD), "schema_version": 99}
    (tmp_path / RUN_RECORD).write_bytes(dump_record(document))

    with pytest.raises(InputError, match="newer than this program") as caught:
        read_run_record(tmp_path)

    assert not isinstance(caught.value, DamagedError)
