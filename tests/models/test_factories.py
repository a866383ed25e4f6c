"""Code of users: what it may import, and what is said when it cannot be used."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.models.factories import find_code, resolve_address
from cosmos_board.models.registry import find_card, load_segmenter
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec

MODEL = """
from dataclasses import replace
from cosmos_board.models.classical.box_prior import BoxPrior
from {helper} import NAME

class Mine(BoxPrior):
    card = replace(BoxPrior().card, name=NAME)

    def predict(self, embedding, prompts, logits=None):
        import {helper}_late
        return super().predict(embedding, prompts)

class Sized(Mine):
    def __init__(self, size, checkpoint=None):
        pass
"""


def write_model(folder: Path, name: str = "beside", helper: str = "helper_of_mine") -> Path:
    """Write a model and the two modules that it imports from beside it."""
    folder.mkdir(exist_ok=True)
    (folder / f"{helper}.py").write_text(f"NAME = '{name}'\n", encoding="utf-8")
    (folder / f"{helper}_late.py").write_text("", encoding="utf-8")
    path = folder / "my_model.py"
    path.write_text(MODEL.format(helper=helper), encoding="utf-8")
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_imports_what_lies_beside_it_also_in_worker_processes(
    workers: int, phantom_pack: Path, tmp_path: Path
) -> None:
    path = write_model(tmp_path / "code")
    request = RunRequest(
        packs=(phantom_pack,),
        specs=(SegmenterSpec(name=f"{path}:Mine"),),
        out=tmp_path / "run",
        settings=RunSettings(prompts=("box",)),
        workers=workers,
    )

    [summary] = run(request).models

    assert (summary.model, summary.failed) == ("beside", 0)


def test_two_models_do_not_share_helpers_of_one_name(tmp_path: Path) -> None:
    one, two = (write_model(tmp_path / name, name) for name in ("one", "two"))

    assert find_card(f"{one}:Mine").name == "one"
    assert find_card(f"{two}:Mine").name == "two"
    assert find_card(f"{one}:Mine").name == "one"


def test_what_lies_beside_a_model_shadows_nothing_else(tmp_path: Path) -> None:
    path = write_model(tmp_path / "code")
    (path.parent / "colorsys.py").write_text("raise ValueError('the wrong one')\n")
    find_card(f"{path}:Mine")
    sys.modules.pop("colorsys", None)

    assert importlib.import_module("colorsys").rgb_to_hsv


def test_a_helper_that_changes_makes_another_model(tmp_path: Path) -> None:
    path = write_model(tmp_path / "code")
    spec = SegmenterSpec(name=f"{path}:Mine")
    load_segmenter(spec.name)
    before = spec.hash_code()
    (path.parent / "unrelated.py").write_text("x = 1\n")
    load_segmenter(spec.name)
    assert spec.hash_code() == before
    write_model(tmp_path / "code", "other-name")
    load_segmenter(spec.name)

    assert spec.hash_code() != before


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("None", r"card: is none \(got NoneType, want ModelCard\)"),
        ("property(lambda self: self.weights)", r"is no segmenter|card: cannot be read"),
        ("property(lambda self: 1 / 0)", "card: cannot be read .got ZeroDivisionError"),
        ("replace(BoxPrior().card, prompts=('boxes',))", "card.prompts: unknown name .got 'boxes'"),
        ("replace(BoxPrior().card, prompts='box')", "card.prompts: unknown name .got 'b'"),
    ],
)
def test_a_card_that_is_none_is_refused(card: str, message: str, tmp_path: Path) -> None:
    path = write_model(tmp_path / "code")
    text = path.read_text().replace("replace(BoxPrior().card, name=NAME)", card)
    path.write_text(text)

    with pytest.raises(InputError, match=message):
        load_segmenter(f"{path}:Mine")


def test_what_is_installed_below_the_folder_is_no_part_of_a_model(tmp_path: Path) -> None:
    path = write_model(tmp_path / "code")
    packages = tmp_path / "code" / "env" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "bought_in.py").write_text("x = 1\n")
    path.write_text(f"import sys; sys.path.append({str(packages)!r})\n{path.read_text()}")
    path.write_text(f"{path.read_text()}\nimport bought_in\n")
    try:
        load_segmenter(f"{path}:Mine")
    finally:
        sys.path.remove(str(packages))

    assert [file.name for file in find_code(path)] == ["my_model.py", "helper_of_mine.py"]
    load_segmenter(f"{write_model(tmp_path / 'other')}:Mine")
    assert "bought_in" in sys.modules
    del sys.modules["bought_in"]


def test_a_missing_module_is_named(tmp_path: Path) -> None:
    path = write_model(tmp_path / "code")
    (path.parent / "helper_of_mine.py").unlink()

    with pytest.raises(InputError, match=r"not found \(got helper_of_mine, want it installed, or"):
        load_segmenter(f"{path}:Mine")


def test_a_class_that_wants_more_than_eval_gives_says_what(tmp_path: Path) -> None:
    path = write_model(tmp_path / "code")

    with pytest.raises(InputError, match=r"arguments that nobody gives it \(got size, want"):
        load_segmenter(f"{path}:Sized")


def test_code_that_leaves_when_imported_or_made_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "leaves.py"
    path.write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(InputError, match=r"fails when imported \(got SystemExit: 0"):
        load_segmenter(f"{path}:Mine")

    path.write_text("class Mine:\n    def __init__(self):\n        raise SystemExit(0)\n")
    with pytest.raises(InputError, match=r"fails when made \(got SystemExit: 0"):
        load_segmenter(f"{path}:Mine")


def test_models_show_takes_what_eval_takes(tmp_path: Path) -> None:
    path = write_model(tmp_path / "code")
    command = [sys.executable, "-m", "cosmos_board", "models", "show", f"{path}:Mine"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert "beside" in done.stdout


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("sam-vit-b", "torch", "sam"),
        ("hf:facebook/sam-vit-base", "torch", "hf"),
        ("hf:facebook/sam-vit-base", "transformers", "hf"),
        ("onnx:folder", "onnxruntime", "onnx"),
        ("clicks:file.onnx", "onnxruntime", "onnx"),
    ],
)
def test_a_missing_package_names_the_extra_that_brings_all_that_is_needed(
    name: str, module: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_much.py").write_text(
        f"raise ModuleNotFoundError('none', name='{module}')\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(InputError, match=rf"pip install -e '\.\[{extra}\]'"):
        resolve_address("needs_much:load", name)
    sys.modules.pop("needs_much", None)
