"""A run gives the same rows however it is cut, batched, interrupted or resumed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cosmos_board.core.errors import (
    DeviceError,
    InputError,
    InUseError,
    StaleRunError,
    StoppedError,
)
from cosmos_board.core.masks import Rle
from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import Block, Pack, open_pack
from cosmos_board.runner.evaluation import model_calls
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.run import RunReport, RunRequest, run
from cosmos_board.runner.settings import Callbacks, SegmenterSpec
from cosmos_board.store.parquet import iter_rows
from cosmos_board.store.schema import CLICK_PREDICTIONS

SQUARES = f"{Path(__file__).parent / 'segmenters.py'}:Squares"
CLI = [str(Path(sys.executable).with_name("cosmos-board"))]


def read_rows(out: Path) -> pa.Table:
    """Return all score rows of a run in one fixed order."""
    table = pa.concat_tables(
        pq.read_table(path) for path in sorted((out / "scores").glob("*.parquet"))
    )
    keys = [
        "reference_id",
        "prompt",
        "study",
        "jitter_level",
        "jitter_mode",
        "trial",
        "click",
        "selection",
    ]
    return table.sort_by([(key, "ascending") for key in keys])


def digest(out: Path) -> str:
    """Return a hash over all rows of a run."""
    return hashlib.sha256(str(read_rows(out).to_pylist()).encode()).hexdigest()


def evaluate(pack: Path, out: Path, **kwargs: object) -> RunReport:
    """Run the squares on a pack."""
    settings = RunSettings(**kwargs.pop("settings", {}))  # type: ignore[arg-type]
    spec, callbacks = SegmenterSpec(name=SQUARES), kwargs.pop("callbacks", None)
    request = RunRequest(packs=(pack,), specs=(spec,), out=out, settings=settings, **kwargs)  # type: ignore[arg-type]
    return run(request, callbacks)  # type: ignore[arg-type]


def test_every_reference_gets_a_row_for_every_prompt_and_selection(
    phantom_pack: Path, tmp_path: Path
) -> None:
    report = evaluate(phantom_pack, tmp_path / "run")
    rows = read_rows(tmp_path / "run")

    references = len(set(rows["reference_id"].to_pylist()))
    assert report.rows == rows.num_rows == references * (5 * 2 + 1)
    everything = rows.filter(pc.equal(rows["prompt"], "everything"))
    assert set(everything["selection"].to_pylist()) == {"oracle"}


def test_oracle_is_never_below_predicted(phantom_pack: Path, tmp_path: Path) -> None:
    evaluate(phantom_pack, tmp_path / "run")
    dice: dict[tuple[str, str], dict[str, float]] = {}
    for row in read_rows(tmp_path / "run").to_pylist():
        value = 2 * row["tp"] / (2 * row["tp"] + row["fp"] + row["fn"])
        dice.setdefault((row["reference_id"], row["prompt"]), {})[row["selection"]] = value

    pairs = [pair for pair in dice.values() if len(pair) == 2]
    assert all(pair["oracle"] >= pair["predicted"] for pair in pairs)
    assert any(pair["oracle"] > pair["predicted"] for pair in pairs)


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_rows_do_not_depend_on_the_batch(
    batch: int, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(phantom_pack, tmp_path / "usual")
    monkeypatch.setattr(model_calls.BatchSizeBackoff.__init__, "__defaults__", (batch,))
    evaluate(phantom_pack, tmp_path / "batched")

    assert digest(tmp_path / "usual") == digest(tmp_path / "batched")


def test_rows_do_not_depend_on_workers(phantom_pack: Path, tmp_path: Path) -> None:
    evaluate(phantom_pack, tmp_path / "one")
    evaluate(phantom_pack, tmp_path / "two", workers=2, check_device=True)
    checks = json.loads((tmp_path / "two/run.json").read_text())["device_checks"]
    assert 1 <= len({check["worker"] for check in checks}) == len(checks) <= 2
    assert all(check["before"] == check["after"] for check in checks)

    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_job_arrays_give_the_rows_of_one_run(phantom_pack: Path, tmp_path: Path) -> None:
    evaluate(phantom_pack, tmp_path / "whole")
    for part in ("1/2", "2/2"):
        evaluate(phantom_pack, tmp_path / "parts", share=part)

    assert digest(tmp_path / "whole") == digest(tmp_path / "parts")


def test_a_finished_run_asks_the_model_nothing(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls"
    monkeypatch.setenv("SQUARES_LOG", str(log))
    evaluate(phantom_pack, tmp_path / "run")
    calls = len(log.read_text().splitlines())

    report = evaluate(phantom_pack, tmp_path / "run")

    assert len(log.read_text().splitlines()) == calls == 6
    assert report.evaluated == 0


def test_a_resumed_run_asks_only_for_what_was_missing(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls"
    monkeypatch.setenv("SQUARES_LOG", str(log))
    seen: list[int] = []
    spec = SegmenterSpec(name=SQUARES)
    request = RunRequest(packs=(phantom_pack,), specs=(spec,), out=tmp_path / "run")
    with pytest.raises(StoppedError):
        run(request, Callbacks(on_image=seen.append, stop=lambda: len(seen) == 2))
    before = len(log.read_text().splitlines())

    run(request)

    assert before == 2
    assert len(log.read_text().splitlines()) == 6


def test_a_block_of_images_is_read_once_for_all_its_shards(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Block] = []
    read_block = Pack._read_block

    def note(pack: Pack, block: Block) -> object:
        read.append(block)
        return read_block(pack, block)

    monkeypatch.setattr(Pack, "_read_block", note)
    evaluate(phantom_pack, tmp_path / "run")

    assert len(list((tmp_path / "run/scores").glob("*.json"))) == 6
    assert len(read) == 1


def test_an_altered_shard_is_redone(phantom_pack: Path, tmp_path: Path) -> None:
    evaluate(phantom_pack, tmp_path / "run")
    whole = digest(tmp_path / "run")
    shard = min((tmp_path / "run" / "scores").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-7] + b"garbage")

    report = evaluate(phantom_pack, tmp_path / "run")

    assert report.evaluated == 1
    assert digest(tmp_path / "run") == whole


def test_other_settings_are_refused_in_the_same_folder(phantom_pack: Path, tmp_path: Path) -> None:
    evaluate(phantom_pack, tmp_path / "run")

    with pytest.raises(InputError, match="limit: differs from how this run began"):
        evaluate(phantom_pack, tmp_path / "run", settings={"limit": 2})


def test_a_model_that_changed_is_not_mixed_with_what_it_was(
    phantom_pack: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.py"
    model.write_text(Path(SQUARES.rpartition(":")[0]).read_text())

    def go(out: Path) -> RunReport:
        spec = SegmenterSpec(name=f"{model}:Squares")
        return run(RunRequest(packs=(phantom_pack,), specs=(spec,), out=out))

    first = go(tmp_path / "run")
    again = go(tmp_path / "run")
    model.write_text(model.read_text() + "\n")

    with pytest.raises(StaleRunError, match=r"was evaluated here on .* with other"):
        go(tmp_path / "run")
    assert first.evaluated == go(tmp_path / "other").evaluated > again.evaluated == 0


def test_a_second_run_into_a_held_folder_is_refused(phantom_pack: Path, tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run").hold(), pytest.raises(InUseError, match=f"pid {os.getpid()}"):
        evaluate(phantom_pack, tmp_path / "run")


def test_batches_shrink_until_they_fit_the_device(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(phantom_pack, tmp_path / "roomy")
    monkeypatch.setenv("SQUARES_MEMORY", "2")
    evaluate(phantom_pack, tmp_path / "tight")

    assert digest(tmp_path / "roomy") == digest(tmp_path / "tight")


def test_a_device_too_full_for_one_prompt_stops_the_run_which_resumes(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever filled it, rows of failed answers would charge the model."""
    evaluate(phantom_pack, tmp_path / "roomy", settings={"prompts": ("box",)})
    monkeypatch.setenv("SQUARES_MEMORY", "0")
    with pytest.raises(DeviceError, match="device: out of memory"):
        evaluate(phantom_pack, tmp_path / "run", settings={"prompts": ("box",)})
    monkeypatch.delenv("SQUARES_MEMORY")
    evaluate(phantom_pack, tmp_path / "run", settings={"prompts": ("box",)})

    assert digest(tmp_path / "run") == digest(tmp_path / "roomy")


def test_a_model_that_fails_is_charged_and_the_run_goes_on(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUARES_FAILS_ON_WIDTH", "96")
    report = evaluate(phantom_pack, tmp_path / "run")
    rows = read_rows(tmp_path / "run").to_pylist()

    assert {row["status"] for row in rows} == {"failed: ValueError: cannot look at this"}
    assert report.rows == len(rows)
    assert report.failed


def test_jitter_puts_every_cell_and_clicks_ten_each(phantom_pack: Path, tmp_path: Path) -> None:
    evaluate(phantom_pack, tmp_path / "jitter", settings={"study": "jitter"})
    evaluate(phantom_pack, tmp_path / "clicks", settings={"study": "clicks"})
    jitter, clicks = read_rows(tmp_path / "jitter"), read_rows(tmp_path / "clicks")

    references = len(set(jitter["reference_id"].to_pylist()))
    assert jitter.num_rows == references * (7 * 3 * 3) * 2
    assert clicks.num_rows == references * 10 * 2
    assert sorted(set(clicks["click"].to_pylist())) == list(range(1, 11))


def test_clicks_keep_the_mask_behind_every_score_when_asked(
    phantom_pack: Path, tmp_path: Path
) -> None:
    settings = RunSettings(study="clicks", save_masks=True)
    spec = SegmenterSpec(name="random-walker")
    request = RunRequest(packs=(phantom_pack,), specs=(spec,), out=tmp_path, settings=settings)
    run(request)
    kept = {
        (row["reference_id"], row["click"], row["selection"]): Rle(
            row["height"], row["width"], row["rle"]
        ).decode()
        for path in (tmp_path / "predictions").glob("*.parquet")
        for row in iter_rows(path, CLICK_PREDICTIONS)
    }
    references = {
        reference.reference_id: reference.rle.decode()
        for item in open_pack(phantom_pack).iter_items()
        for reference in item.references
    }
    scores = read_rows(tmp_path).to_pylist()

    assert len(kept) == len(scores) > 0
    for row in scores:
        mask = kept[row["reference_id"], row["click"], row["selection"]]
        reference = references[row["reference_id"]]
        assert row["tp"] == int((mask & reference).sum())
        assert row["fp"] == int((mask & ~reference).sum())


def _kill_and_resume(
    command: list[str], out: Path, rng: random.Random, environment: dict[str, str]
) -> None:
    victim = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("scores/*.json")) and victim.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 0.4))
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)


@pytest.mark.parametrize(
    "kills",
    [pytest.param(1, id="1 kill"), pytest.param(60, id="60 kills", marks=pytest.mark.slow)],
)
def test_killed_runs_resume_to_the_same_rows(
    kills: int, phantom_pack: Path, tmp_path: Path
) -> None:
    evaluate(phantom_pack, tmp_path / "unbroken")
    whole = digest(tmp_path / "unbroken")
    environment = {**os.environ, "SQUARES_PAUSE_S": "0.1"}
    rng = random.Random(0)
    digests = []
    for kill in range(kills):
        out = tmp_path / f"killed-{kill}"
        command = [*CLI, "eval", str(phantom_pack), "--model", SQUARES, "--out", str(out)]
        _kill_and_resume([*command, "--workers", str(1 + kill % 2)], out, rng, environment)
        digests.append(digest(out))

    assert digests == [whole] * kills


def test_sigterm_stops_with_its_own_exit_code_and_resumes(
    phantom_pack: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    command = [*CLI, "eval", str(phantom_pack), "--model", SQUARES, "--out", str(out)]
    environment = {**os.environ, "SQUARES_PAUSE_S": "0.3"}
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(out.glob("scores/*.json")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=30)

    assert running.returncode == 75
    assert errors.splitlines()[-1] == f"{out}: stopped; the same command resumes"
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
