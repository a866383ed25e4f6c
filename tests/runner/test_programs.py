"""Runs of models in a program of their own: the rows are those of the model in ours."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import open_pack
from cosmos_board.models.registry import load_segmenter
from cosmos_board.runner.evaluation.evaluate import evaluate_image
from tests.runner.test_failures import evaluate
from tests.runner.test_run import digest

FOLDER = Path(__file__).parent
WORKERS = f"exec:{sys.executable} {FOLDER.parent / 'models' / 'external' / 'workers.py'}"


OWN_SAM, SAM_APART = f"{FOLDER / 'small_sam.py'}:SmallSam", f"{WORKERS} SamInItsOwnProcess"


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the small SAM needs."""
    pytest.importorskip("torch")
    monkeypatch.setenv("LOOKS", str(tmp_path / "looks"))


@pytest.mark.usefixtures("looks")
def test_a_sam_of_random_weights_gives_the_same_rows_and_logits_in_its_own_process(
    phantom_pack: Path,
) -> None:
    item = next(open_pack(phantom_pack).iter_items())
    item = replace(item, references=item.references[:1])
    settings = RunSettings(prompts=("point", "points-5-5", "box"))
    own, apart = (load_segmenter(name) for name in (OWN_SAM, SAM_APART))
    assert evaluate_image(apart, item, settings).rows == evaluate_image(own, item, settings).rows

    point = item.prompts[item.references[0].reference_id]["point"]
    fed_back = []
    for segmenter in (own, apart):
        embedding = segmenter.embed(item.image.pixels)
        [first] = segmenter.predict(embedding, [point])
        assert first.logits is not None
        [second] = segmenter.predict(embedding, [point], [first.logits[first.best]])
        assert second.logits is not None
        assert not np.array_equal(first.logits, second.logits)
        fed_back.append(second.logits)
    np.testing.assert_array_equal(fed_back[0], fed_back[1], strict=True)


@pytest.mark.slow
@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize("study", ["main", "clicks"])
def test_whole_runs_of_that_sam_have_the_same_digest(
    study: Literal["main", "clicks"], phantom_pack: Path, tmp_path: Path
) -> None:
    """Everything mode included."""
    settings = RunSettings(study=study, limit=1)
    for name, model in (("own", OWN_SAM), ("apart", SAM_APART)):
        report = evaluate(phantom_pack, tmp_path / name, model, settings=settings)
        assert report.models[0].failed == 0
    assert digest(tmp_path / "own") == digest(tmp_path / "apart")


def test_a_run_of_a_program_that_fails_is_whole_and_tells_where(
    phantom_pack: Path, tmp_path: Path
) -> None:
    settings = RunSettings(prompts=("box",), limit=2)
    models = (f"{WORKERS} Raising 'cannot look at this'", f"{WORKERS} Boxes")
    report = evaluate(phantom_pack, tmp_path / "run", *models, settings=settings, workers=1)
    raising, boxes = report.models

    assert report.failed
    assert raising.failed == raising.answers == boxes.answers == report.rows // 2
    assert boxes.failed == 0
    assert raising.line.endswith("answers failed: ValueError: cannot look at this")
    assert raising.traceback is not None
    assert 'workers.py", line' in raising.traceback
