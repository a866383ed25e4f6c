"""What a model returns is checked, and what failed is told at the end of a run."""

from __future__ import annotations

import errno
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cosmos_board.core.errors import StoppedError, StorageError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import open_pack
from cosmos_board.models.registry import load_segmenter
from cosmos_board.runner.evaluation import model_calls
from cosmos_board.runner.evaluation.evaluate import evaluate_image
from cosmos_board.runner.run import RunReport, RunRequest, run
from cosmos_board.runner.settings import Callbacks, SegmenterSpec
from tests.runner.test_run import SQUARES, digest, read_rows

FOLDER = Path(__file__).parent
FAULTY = f"{FOLDER / 'faulty.py'}:Faulty"
BOX = RunSettings(prompts=("box",))


def evaluate(
    pack: Path, out: Path, *models: str, settings: RunSettings = BOX, **how: object
) -> RunReport:
    """Run models on a pack."""
    callbacks: Callbacks | None = how.pop("callbacks", None)  # type: ignore[assignment]
    specs = tuple(SegmenterSpec(name=name) for name in models or (FAULTY,))
    request = RunRequest(packs=(pack,), specs=specs, out=out, settings=settings, **how)  # type: ignore[arg-type]
    return run(request, callbacks)


FORMS = {
    "float masks": "masks are float32, expected bool",
    "byte masks": "masks are uint8, expected bool",
    "half size": "masks have shape (3, 48, 96), expected (K, 96, 96) with K of 1 or more",
    "flat masks": "masks have shape (96, 96), expected (K, 96, 96) with K of 1 or more",
    "no mask": "masks have shape (0, 96, 96), expected (K, 96, 96) with K of 1 or more",
    "list of masks": "masks are list, expected a numpy array",
    "one estimate too few": "predicted_iou has shape (2,), expected (3,)",
    "estimates in a column": "predicted_iou has shape (3, 1), expected (3,)",
    "list of estimates": "predicted_iou is list, expected a numpy array",
    "words for estimates": "predicted_iou is <U4, expected float32",
    "all NaN": "predicted_iou is NaN or infinite for every mask",
    "a dictionary": "the answer is dict, expected Candidates",
    "no list": "predict returned None, expected a list of Candidates",
    "embedding is a tuple": "embed returned tuple, expected Embedding",
    "embedding is of another size": "the embedding is of 97 x 96 pixels, expected 96 x 96",
    "exits": "SystemExit: 0",
    "leaves": "SystemExit: 0",
    "embed leaves": "SystemExit: 0",
}


@pytest.mark.parametrize("fault", FORMS)
def test_an_answer_of_another_form_is_a_failed_one_with_its_reason(
    fault: str, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", fault)
    report = evaluate(phantom_pack, tmp_path / "run")
    rows = read_rows(tmp_path / "run").to_pylist()

    assert {row["status"] for row in rows} == {f"failed: {FORMS[fault]}"}
    [summary] = report.models
    assert (summary.answers, summary.failed, summary.empty) == (len(rows), len(rows), 0)
    assert summary.line == f"faulty: {len(rows)} of {len(rows)} answers failed: {FORMS[fault]}"
    assert report.failed


EVERYTHING_FORMS = {
    "everything: a list": "segment_everything returned list, expected EverythingCandidates",
    "everything: one estimate too few": "1 predicted_iou of 2 masks",
    "everything: masks": "a mask is ndarray, expected Rle",
    "everything: another size": "a mask has 96 x 97 pixels, expected 96 x 96",
    "everything: text": "the counts of a mask are str, expected bytes",
    "everything: too short": "mask: rle: runs sum to 1, image has 9216 pixels",
    "everything: words": "a predicted_iou is str, expected float",
}


@pytest.mark.parametrize("fault", EVERYTHING_FORMS)
def test_everything_mode_is_checked_too(
    fault: str, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", fault)
    evaluate(phantom_pack, tmp_path / "run", settings=RunSettings(prompts=("everything",)))

    statuses = set(read_rows(tmp_path / "run")["status"].to_pylist())
    assert statuses == {f"failed: {EVERYTHING_FORMS[fault]}"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("NaN logits", "logits are not finite"),
        ("one logit too few", "logits have shape (2, 8, 8), expected (3, y, x)"),
        ("float masks", "masks are float32, expected bool"),
    ],
)
def test_what_is_fed_back_between_clicks_is_checked(
    fault: str,
    reason: str,
    phantom_pack: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAULT", fault)
    report = evaluate(phantom_pack, tmp_path / "run", settings=RunSettings(study="clicks"))

    assert set(read_rows(tmp_path / "run")["status"].to_pylist()) == {f"failed: {reason}"}
    assert report.models[0].failed == report.models[0].answers == report.rows


def test_logits_that_nobody_feeds_back_are_not_looked_at(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", "NaN logits")
    assert evaluate(phantom_pack, tmp_path / "run").models[0].failed == 0


def test_an_estimate_that_is_no_number_is_chosen_last_and_stored_as_unknown(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(phantom_pack, tmp_path / "sound")
    monkeypatch.setenv("FAULT", "NaN first")
    evaluate(phantom_pack, tmp_path / "run")

    sound, rows = (read_rows(tmp_path / name).to_pylist() for name in ("sound", "run"))
    for before, now in zip(sound, rows, strict=True):
        assert (before["tp"], before["fp"]) == (now["tp"], now["fp"])
        if now["selection"] == "predicted":
            assert now["predicted_iou"] == pytest.approx(0.8)
    assert None in {row["predicted_iou"] for row in rows if row["selection"] == "oracle"}


@pytest.mark.parametrize("fault", ["one mask without an estimate", "Fortran order"])
def test_answers_of_an_allowed_form_are_no_failures(
    fault: str, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", fault)
    [summary] = evaluate(phantom_pack, tmp_path / "run").models

    assert (summary.failed, summary.reason, summary.traceback) == (0, None, None)
    dice = summary.prompts[0].predicted
    assert dice is not None
    assert dice > 0


def test_a_model_that_writes_into_the_prompts_is_asked_the_same_again(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(phantom_pack, tmp_path / "sound", settings=RunSettings())
    monkeypatch.setenv("FAULT", "writes into the prompts")
    evaluate(phantom_pack, tmp_path / "run", settings=RunSettings())

    assert digest(tmp_path / "sound") == digest(tmp_path / "run")


def test_a_model_that_writes_into_the_image_changes_no_row_of_another(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", "writes into the image")
    segmenter = load_segmenter(FAULTY)
    items = list(open_pack(phantom_pack).iter_items())
    before = [item.image.pixels.copy() for item in items]
    for item in items:
        evaluate_image(segmenter, item, BOX)

    assert all(
        np.array_equal(pixels, item.image.pixels)
        for pixels, item in zip(before, items, strict=True)
    )


def test_a_model_that_draws_into_the_same_memory_again_changes_no_row(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_calls.BatchSizeBackoff.__init__, "__defaults__", (2,))
    settings = RunSettings(prompts=("point", "box", "points-5"))
    evaluate(phantom_pack, tmp_path / "sound", settings=settings)
    evaluate(phantom_pack, tmp_path / "run", f"{FOLDER / 'faulty.py'}:Reusing", settings=settings)

    assert digest(tmp_path / "sound") == digest(tmp_path / "run")


def test_only_the_prompt_without_an_answer_is_charged(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", "one answer too few")
    evaluate(phantom_pack, tmp_path / "run")

    statuses = set(read_rows(tmp_path / "run")["status"].to_pylist())
    assert statuses == {"failed: 0 answers to 1 prompts"}


def test_a_model_that_interrupts_has_failed_but_a_signal_is_heard() -> None:
    from cosmos_board.runner.evaluation.model_calls import ModelFailureError, call_model

    def interrupt() -> None:
        raise KeyboardInterrupt

    def leave() -> None:
        raise SystemExit(1)

    def handle(*_: object) -> None:
        raise SystemExit(1)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            call_model(interrupt)
        signal.signal(signal.SIGINT, handle)
        assert isinstance(call_model(interrupt), ModelFailureError)
        assert isinstance(call_model(leave), ModelFailureError)
        with pytest.raises(SystemExit):
            call_model(lambda: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_failure_says_where_and_a_resumed_run_still_does(
    workers: int, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUARES_FAILS_ON_WIDTH", "96")
    first = evaluate(phantom_pack, tmp_path / "run", SQUARES, workers=workers)
    again = evaluate(phantom_pack, tmp_path / "run", SQUARES)

    assert again.evaluated == 0
    assert again.failed
    assert first.models == again.models
    [summary] = again.models
    assert summary.reason == "ValueError: cannot look at this"
    assert summary.traceback is not None
    assert 'segmenters.py", line' in summary.traceback
    assert "in embed" in summary.traceback
    assert summary.traceback.endswith("ValueError: cannot look at this\nsecond line")
    assert "cosmos_board/runner" not in summary.traceback
    record = json.loads((tmp_path / "run" / "run.json").read_bytes())
    assert record["failures"]["squares"]["traceback"] == summary.traceback


def test_failures_of_earlier_calls_and_other_shards_count(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setenv("SQUARES_FAILS_ON_WIDTH", "96")
    callbacks = Callbacks(on_image=seen.append, stop=lambda: len(seen) == 2)
    with pytest.raises(StoppedError):
        evaluate(phantom_pack, tmp_path / "run", SQUARES, callbacks=callbacks)
    monkeypatch.delenv("SQUARES_FAILS_ON_WIDTH")
    report = evaluate(phantom_pack, tmp_path / "run", SQUARES)

    [summary] = report.models
    assert 0 < summary.failed < summary.answers == report.rows
    assert report.failed
    monkeypatch.setenv("SQUARES_FAILS_ON_WIDTH", "96")
    evaluate(phantom_pack, tmp_path / "parts", SQUARES, share="1/2")
    monkeypatch.delenv("SQUARES_FAILS_ON_WIDTH")
    assert evaluate(phantom_pack, tmp_path / "parts", SQUARES, share="2/2").failed


def test_one_failure_in_more_than_a_hundred_answers_is_told_but_fails_no_run(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "rare.py"
    code.write_text(
        "from dataclasses import replace\n"
        "from tests.runner.segmenters import Squares\n"
        "class Rare(Squares):\n"
        "    asked = 0\n"
        "    card = replace(Squares().card, name='rare', prompts=('box',))\n"
        "    def predict(self, embedding, prompts, logits=None):\n"
        "        if len(prompts) > 1:\n"
        "            raise ValueError('one at a time')\n"
        "        Rare.asked += 1\n"
        "        if Rare.asked == 5:\n"
        "            raise ValueError('the fifth')\n"
        "        return super().predict(embedding, prompts, logits)\n",
        encoding="utf-8",
    )
    report = evaluate(
        phantom_pack, tmp_path / "run", f"{code}:Rare", settings=RunSettings(study="jitter")
    )

    [summary] = report.models
    assert (summary.failed, summary.reason) == (2, "ValueError: the fifth")
    assert summary.answers > 200
    assert not report.failed


def eval_cli(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `cosmos-board eval`."""
    command = [sys.executable, "-m", "cosmos_board", "eval", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("fault", ["exits", "leaves", "interrupts"])
def test_a_model_that_ends_the_process_ends_in_exit_code_1_and_a_line(
    fault: str, phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", fault)
    done = eval_cli(
        phantom_pack, "--model", FAULTY, "--model", "box-prior", "--prompt", "box", "--out",
        tmp_path / "run", "--workers", "1",
    )  # fmt: skip

    assert done.returncode == 1
    name = "KeyboardInterrupt" if fault == "interrupts" else "SystemExit: 0"
    last = done.stderr.splitlines()[-1]
    assert last.startswith("faulty: ")
    assert last.endswith(f"answers failed: {name}")
    assert 'faulty.py", line' in done.stderr
    assert "(100.0 %)" in done.stdout


def test_empty_masks_are_no_failures_but_most_of_them_are_told(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", "all empty")
    done = eval_cli(
        phantom_pack, "--model", FAULTY, "--prompt", "box", "--limit", "2", "--out", tmp_path / "r"
    )

    assert done.returncode == 0
    assert re.search(r"^faulty: (\d+) of \1 answers are empty masks$", done.stderr, re.MULTILINE)


def test_json_has_what_the_table_has(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", "float masks")
    done = eval_cli(
        phantom_pack, "--model", FAULTY, "--model", "box-prior", "--prompt", "box", "--json",
        "--out", tmp_path / "run",
    )  # fmt: skip

    faulty, prior = json.loads(done.stdout)["models"]
    assert done.returncode == 1
    assert faulty["failed"] == faulty["answers"] == prior["answers"]
    assert faulty["reason"] == "masks are float32, expected bool"
    assert faulty["traceback"] is None
    assert (prior["failed"], prior["reason"]) == (0, None)
    [counts] = prior["prompts"]
    assert counts["prompt"] == "box"
    assert 0 < counts["predicted"] == counts["oracle"] <= 1


def test_a_disk_that_fails_under_a_model_ends_the_run_and_is_no_failed_answer() -> None:
    def fill() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("cannot keep my features") from error

    with pytest.raises(StorageError, match="No space left on device"):
        model_calls.call_model(fill)
