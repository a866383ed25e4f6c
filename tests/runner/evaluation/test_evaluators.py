"""When a model is loaded, and what is known of it before."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.models.own_models import Declaration
from cosmos_board.models.registry import BUILTIN, find_own_card, is_ready, load_segmenter
from cosmos_board.models.segmenter import Segmenter
from cosmos_board.runner.evaluation import evaluators
from cosmos_board.runner.evaluation.evaluators import PromptedSegmenter, make_evaluator
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec

OWN = [name for name in BUILTIN if find_own_card(name)]


@pytest.mark.parametrize("name", OWN)
def test_the_card_of_what_comes_with_us_is_known_before_it_is_loaded(name: str) -> None:
    planned = make_evaluator(SegmenterSpec(name=name), [])

    assert planned.card == load_segmenter(name).card


def test_what_must_be_fetched_or_is_not_ours_is_loaded_at_once() -> None:
    assert "cosmos-tiny" in OWN or not is_ready("cosmos-tiny")
    assert not set(OWN) & {"sam-vit-b", "sam-vit-h", "medsam", "sam-med2d"}
    with pytest.raises(InputError, match="no such file"):
        make_evaluator(SegmenterSpec(name="box-prior.py:Model"), [])


def test_a_checkpoint_is_looked_at_before_a_run_begins(tmp_path: Path) -> None:
    spec = SegmenterSpec(name="cosmos-tiny", checkpoint=tmp_path / "missing.safetensors")

    with pytest.raises(InputError, match="missing"):
        make_evaluator(spec, [])


def test_a_run_that_hands_out_all_its_work_loads_no_model_itself(
    phantom_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("loaded in the process that only hands out")

    monkeypatch.setattr(evaluators, "load_segmenter", refuse)
    request = RunRequest(
        packs=(phantom_pack,),
        specs=(SegmenterSpec(name="box-prior"),),
        out=tmp_path / "run",
        settings=RunSettings(prompts=("box",)),
        workers=2,
    )

    first, again = run(request), run(request)

    assert first.evaluated == first.images > 0
    assert again.evaluated == 0
    assert again.rows == first.rows


def test_a_model_that_comes_with_us_is_loaded_once_when_it_is_first_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = []

    def count(name: str, **how: object) -> Segmenter:
        loaded.append(name)
        return load_segmenter(name, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluators, "load_segmenter", count)
    planned = make_evaluator(SegmenterSpec(name="box-prior"), [])

    assert isinstance(planned, PromptedSegmenter)
    assert loaded == []
    assert planned.segmenter is planned.segmenter
    assert loaded == ["box-prior"]


def test_a_model_that_only_workers_cannot_make_says_why(phantom_pack: Path, tmp_path: Path) -> None:
    code = tmp_path / "choosy.py"
    code.write_text(
        "import multiprocessing\n"
        "from cosmos_board.models.classical.box_prior import BoxPrior\n"
        "class Choosy(BoxPrior):\n"
        "    def __init__(self):\n"
        "        if multiprocessing.parent_process():\n"
        "            raise ValueError('no room in here')\n",
        encoding="utf-8",
    )
    request = RunRequest(
        packs=(phantom_pack,),
        specs=(SegmenterSpec(name=f"{code}:Choosy", declared=Declaration(name="choosy")),),
        out=tmp_path / "run",
        settings=RunSettings(prompts=("box",)),
        workers=2,
    )

    with pytest.raises(InputError, match="no room in here"):
        run(request)
