"""A model in a program of its own: what goes wrong there fails an answer, never a run."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from cosmos_board.core.errors import DeviceError, InputError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.prompts import make_prompt
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.volumes import SlicePrompt
from cosmos_board.data.pack import PackItem, open_pack
from cosmos_board.models.candidate_checks import CandidatesError
from cosmos_board.models.external.child_process import ChildProcess
from cosmos_board.models.external.exec_model import TIMEOUT, ExecModel
from cosmos_board.models.external.program_card import ProgramCard
from cosmos_board.models.registry import load_segmenter, locate_weights
from cosmos_board.runner.evaluation.evaluate import evaluate_image, predict_image
from cosmos_board.runner.evaluation.image_session import ImageSession
from cosmos_board.runner.settings import SegmenterSpec

FOLDER = Path(__file__).parent
FAULTS = {
    "exits": "the program ended with exit code 1: cannot go on",
    "crashes": "the program was ended by signal 11 (Segmentation fault)",
    "never answers": "the program gives no answer within 2 s",
    "prints": "standard output holds b'Loading ', which is no message",
    "huge header": "a header of 4294967295 bytes is announced, at most 1048576 are taken",
    "huge array": "arrays of 1099511627776 bytes are announced, at most 2147483648 are taken",
    "no JSON": "the header of a message is no JSON: Expecting value: line 1 column 1 (char 0)",
    "stops halfway": "the program ended with exit code 0",
    "closes its output": "the program has closed its standard input or output",
    "wrong shape": "masks have shape (1, 96, 97), expected (K, 96, 96) with K of 1 or more",
    "wrong type": "masks are uint8, expected bool",
    "all NaN": "predicted_iou is NaN or infinite for every mask",
    "too many masks": "65 masks for one prompt, expected at most 64",
    "one answer too few": "0 answers to 1 prompts",
    "no masks": "the answer has no masks.0",
    "bytes of two": "masks.0 is bool and holds bytes other than 0 and 1",
}
BOX = RunSettings(prompts=("box",))


@pytest.fixture(scope="module")
def items(phantom_pack: Path) -> list[PackItem]:
    """Two images."""
    items = [item for item in open_pack(phantom_pack).iter_items() if len(item.references) > 1]
    return items[:2]


def work(words: str) -> str:
    """Return one of `workers.py` as `--model` takes it."""
    return f"exec:{sys.executable} {FOLDER / 'workers.py'} {words}"


@contextmanager
def start(fault: str, item: PackItem, timeout_s: float = 60) -> Iterator[ExecModel]:
    """Yield a program that goes wrong on an image."""
    checksum = zlib.crc32(item.image.pixels.tobytes())
    command = [sys.executable, "-S", str(FOLDER / "misbehaving.py"), fault, str(checksum)]
    model = ExecModel(command, "cpu", timeout_s)
    try:
        yield model
    finally:
        model.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_program_does_wrong_fails_answers_with_one_line_and_the_run_goes_on(
    fault: str, items: list[PackItem]
) -> None:
    wanted, after = items
    with start(fault, wanted, 2 if fault == "never answers" else 60) as model:
        rows = evaluate_image(model, wanted, BOX).rows
        later = evaluate_image(model, after, BOX).rows

    assert {row.scores.status for row in rows} == {f"failed: {FAULTS[fault]}"}
    assert {row.scores.status for row in later} == {"ok"}
    for item, found in ((wanted, rows), (after, later)):
        assert len(found) == 2 * len(item.references)  # under both selections


def test_a_program_that_ends_is_started_again_once_for_an_image(
    items: list[PackItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    starts, begin = [], ExecModel._start

    def note_start(model: ExecModel) -> tuple[ChildProcess, ProgramCard]:
        starts.append(model)
        return begin(model)

    monkeypatch.setattr(ExecModel, "_start", note_start)
    with start("exits", items[0]) as model:
        evaluate_image(model, items[0], BOX)
        assert len(starts) == 2
        evaluate_image(model, items[1], BOX)
        assert len(starts) == 3


def test_a_flood_on_standard_error_is_cut_and_stops_nobody(
    items: list[PackItem], capsys: pytest.CaptureFixture[str]
) -> None:
    with start("floods standard error", items[0]) as model:
        rows = evaluate_image(model, items[0], BOX).rows

    assert {row.scores.status for row in rows} == {"ok"}
    shown = len(capsys.readouterr().err)
    assert 1 << 16 <= shown < 1 << 17


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("{worker} 'hello: exits' 0", r"ended with exit code 1: ValueError: no such file: weights"),
        ("{worker} 'hello: prints' 0", r"standard output holds b'Loading ', which is no message$"),
        (
            "{worker} 'hello: another version' 0",
            r"version 2 of the messages, ours is 1: .*worker-k",
        ),
        ("{worker} 'hello: unknown prompt' 0", r"card.prompts: unknown name 'lasso', want everyth"),
        ("{python} -c pass", r"the program ended with exit code 0$"),
        ("no-such-program worker.py", r"starts no program \(got no-such-program\)$"),
        (" ", r"starts no program \(got nothing\)$"),
        ("python 'worker.py", r"No closing quotation$"),
        (
            "{python} " + str(FOLDER / "workers.py") + " Failing",
            r"fails when made: OSError: no weights$",
        ),
    ],
)
def test_a_program_that_does_not_start_is_refused_with_one_line(command: str, line: str) -> None:
    worker = f"{sys.executable} -S {FOLDER / 'misbehaving.py'}"
    with pytest.raises(InputError, match=line) as refused:
        load_segmenter(f"exec:{command.format(worker=worker, python=sys.executable)}")
    assert "\n" not in str(refused.value)


def test_a_program_that_never_says_what_it_is_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT, "0.5")
    with pytest.raises(InputError, match=r"the program gives no answer within 0.5 s$"):
        load_segmenter(f"exec:{sys.executable} -S {FOLDER / 'misbehaving.py'} 'hello: never' 0")
    monkeypatch.setenv(TIMEOUT, "soon")
    with pytest.raises(InputError, match=r"EXEC_TIMEOUT_S: is no number of seconds \(got soon\)"):
        load_segmenter("exec:true")


def test_a_program_that_does_not_read_is_given_up(items: list[PackItem]) -> None:
    large = np.zeros((1024, 1024, 3), np.uint8)  # more than a pipe holds
    with (
        start("does not read", items[0], 2) as model,
        pytest.raises(CandidatesError, match="does not read what it is asked within 2 s"),
    ):
        model.embed(large)


def test_what_a_model_raises_is_the_reason_and_its_traceback_is_kept(items: list[PackItem]) -> None:
    model = load_segmenter(work("Raising 'cannot look at this'"))
    session = ImageSession(model, items[0], BOX)
    rows = [row for deferred in predict_image(session) for row in deferred().rows]

    assert {row.scores.status for row in rows} == {"failed: ValueError: cannot look at this"}
    assert session.backoff.first_failure is not None
    trace = session.backoff.first_failure.trace
    assert 'workers.py", line' in trace
    assert trace.endswith("ValueError: cannot look at this\nsecond line\n")


def test_a_broken_device_of_a_program_stops_the_run_as_ours_would(items: list[PackItem]) -> None:
    model = load_segmenter(work("Raising 'CUDA error: an illegal memory access'"))
    with pytest.raises(DeviceError, match="CUDA error: an illegal memory access; the same command"):
        evaluate_image(model, items[0], BOX)


def test_a_model_without_memory_is_asked_less_at_a_time_and_may_print(
    items: list[PackItem], capfd: pytest.CaptureFixture[str]
) -> None:
    one, other = (
        evaluate_image(load_segmenter(work(name)), items[0], BOX).rows
        for name in ("Boxes", "Small")
    )

    assert one == other
    assert {row.scores.status for row in one} == {"ok"}
    gc.collect()  # ends the programs, which have printed
    assert "predicting 1\n" in capfd.readouterr().err


def test_a_volume_model_is_given_masks_and_boxes_with_their_slices() -> None:
    model = load_segmenter(work("Slices"))
    assert isinstance(model, ExecModel)
    assert (model.card.prompts, model.volume_prompts) == ((), ("slice-mask", "ends-box"))
    voxels, drawn = np.zeros((5, 6, 7), np.uint8), np.arange(42).reshape(6, 7) % 3 == 0
    wanted = np.zeros((5, 6, 7), np.bool_)
    wanted[1, 2:4, 3:6] = wanted[4, 0, 0] = True
    boxes = [(1, (3, 2, 5, 3)), (4, (0, 0, 0, 0))]

    volume = model.open_volume(voxels, (2.0, 1.0, 1.0))
    by_mask = model.predict_volume(volume, [SlicePrompt(3, make_prompt(), encode_mask(drawn))])
    by_boxes = model.predict_volume(
        volume, [SlicePrompt(index, make_prompt(box_xyxy=box)) for index, box in boxes]
    )

    np.testing.assert_array_equal(by_mask[3], drawn)
    assert by_mask.sum() == drawn.sum()
    np.testing.assert_array_equal(by_boxes, wanted)
    thin = model.open_volume(voxels, (2.0, 0.5, 0.5))
    with pytest.raises(
        CandidatesError, match=r"bool of shape \(4, 6, 7\), expected bool of \(5, 6, 7"
    ):
        model.predict_volume(thin, [])


def test_a_checkpoint_is_not_taken() -> None:
    with pytest.raises(InputError, match="is not taken: the program has arguments"):
        load_segmenter("exec:true", checkpoint=Path("weights.pth"))
    assert locate_weights("exec:python worker.py") is None


def test_arguments_and_the_files_among_them_are_the_code_of_the_model(tmp_path: Path) -> None:
    """The program itself is not: an environment may move."""
    worker = tmp_path / "worker.py"
    worker.write_text("1")

    def code(command: str) -> str | None:
        return SegmenterSpec(name=f"exec:{command}").hash_code()

    first = code(f"python {worker} --size 3")
    assert first == code(f"other/python '{worker}' --size 3")
    assert first != code(f"python {worker} --size 4")
    worker.write_text("2")
    assert first != code(f"python {worker} --size 3")


@pytest.mark.parametrize("command", ["{worker}", "sh -c '{worker}; true'"])
def test_a_program_ends_when_its_parent_is_killed(command: str, tmp_path: Path) -> None:
    """Also where a shell stands between them, which the system does not tell."""
    note = tmp_path / "pid"
    worker = work(f"Noting {note}").removeprefix("exec:")
    code = (
        "import sys, time; from cosmos_board.models.registry import load_segmenter;"
        "model = load_segmenter(sys.argv[1]); print('ready', flush=True); time.sleep(60)"
    )
    words = [sys.executable, "-c", code, f"exec:{command.format(worker=worker)}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        pid = int(note.read_text())
        os.kill(pid, 0)
        parent.send_signal(signal.SIGKILL)
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the program outlived its parent")
