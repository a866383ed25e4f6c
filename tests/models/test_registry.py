from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.models.cards import CARDS
from cosmos_board.models.classical.box_prior import BoxPrior
from cosmos_board.models.registry import (
    BUILTIN,
    get_card,
    is_ready,
    list_cards,
    load_segmenter,
    locate_weights,
    resolve_name,
)
from cosmos_board.models.weights.weights_file import hash_weights

CODE = """
from cosmos_board.models.classical.box_prior import BoxPrior

class Mine(BoxPrior):
    def __init__(self, checkpoint=None):
        self.checkpoint = checkpoint

class Broken:
    def __init__(self):
        raise ValueError("no luck")

number = 3
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "my_model.py"
    path.write_text(CODE, encoding="utf-8")
    return path


def test_listing_imports_neither_torch_nor_opencv() -> None:
    program = (
        "import sys; from cosmos_board.models.registry import list_cards; list_cards();"
        "print([name for name in ('torch', 'cv2', 'numpy') if name in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "[]"


def test_every_built_in_has_a_card_of_its_name() -> None:
    assert {card.name for card in list_cards()} >= set(BUILTIN)
    assert all(CARDS[name].name == name for name in BUILTIN)


def test_a_name_gives_its_segmenter() -> None:
    assert isinstance(load_segmenter("box-prior"), BoxPrior)
    assert load_segmenter("grabcut").card is get_card("grabcut")


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="want grabcut"):
        load_segmenter("grabcat")
    with pytest.raises(UnknownNameError):
        get_card("nothing-like-it")


def test_a_class_in_a_file_is_a_segmenter(code: Path) -> None:
    segmenter = load_segmenter(f"{code}:Mine", checkpoint=Path("w.pth"))

    assert getattr(segmenter, "checkpoint", None) == Path("w.pth")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_model.py:Nothing", "attribute: unknown name"),
        ("my_model.py", "names no class in the file"),
        ("my_model.py:number", "is no segmenter"),
        ("my_model.py:Broken", "ValueError: no luck"),
        ("absent.py:Mine", "no such file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_in_one_line(
    code: Path, name: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_segmenter(str(code.with_name(name.partition(":")[0])) + ":" + name.partition(":")[2])

    assert "\n" not in str(caught.value)


def test_code_that_does_not_import_says_why(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("1 / 0", encoding="utf-8")

    with pytest.raises(InputError, match="ZeroDivisionError"):
        load_segmenter(f"{path}:Mine")


def test_weights_for_a_segmenter_without_any_are_refused(code: Path) -> None:
    with pytest.raises(InputError, match="not taken"):
        load_segmenter(f"{code}:Broken", checkpoint=Path("w.pth"))


def _write_safetensors(path: Path, metadata: dict[str, str]) -> Path:
    header = json.dumps({"__metadata__": metadata}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def test_a_file_of_weights_is_read_by_the_loader_that_it_names(tmp_path: Path) -> None:
    path = _write_safetensors(tmp_path / "w.safetensors", {"architecture": "box-prior"})

    assert isinstance(load_segmenter(str(path)), BoxPrior)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"short", "no safetensors file"),
        (b"\x10" + bytes(7) + b"{not json       ", "no safetensors file"),
        (b"\x02" + bytes(7) + b"[]", "no safetensors file"),
        (b"\x02" + bytes(7) + b"{}", "has no architecture"),
    ],
)
def test_a_file_of_anything_else_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)

    with pytest.raises(InputError, match=message):
        load_segmenter(str(path))


def test_a_file_for_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    path = _write_safetensors(tmp_path / "w.safetensors", {"architecture": "os:system"})

    with pytest.raises(UnknownNameError, match="os:system"):
        load_segmenter(str(path))


def test_weights_are_located_without_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSMOS_BOARD_CACHE", str(tmp_path))
    given = tmp_path / "given.pth"

    assert locate_weights("sam-vit-b", given) == given
    assert locate_weights("sam-vit-b") == tmp_path / "checkpoints" / "sam_vit_b_01ec64.pth"
    assert locate_weights("grabcut") is None
    assert locate_weights("x.safetensors") == Path("x.safetensors")
    assert is_ready("grabcut")
    assert not is_ready("sam-vit-b")
    assert not is_ready("nothing")


def test_missing_weights_say_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSMOS_BOARD_CACHE", str(tmp_path))

    with pytest.raises(InputError, match="models fetch sam-vit-b"):
        load_segmenter("sam-vit-b")


def test_a_folder_of_weights_has_a_hash_that_every_file_decides(tmp_path: Path) -> None:
    for name in ("encoder.onnx", "decoder.onnx"):
        (tmp_path / name).write_bytes(name.encode())
    before = hash_weights(tmp_path)

    (tmp_path / "decoder.onnx").write_bytes(b"another")

    assert hash_weights(tmp_path) != before
    assert hash_weights(tmp_path / "encoder.onnx") == hashlib.sha256(b"encoder.onnx").hexdigest()
    with pytest.raises(InputError, match="no such file"):
        hash_weights(tmp_path / "absent")


def test_a_known_name_is_loaded_from_its_address() -> None:
    assert resolve_name("sam2.1-tiny") == "hf:facebook/sam2.1-hiera-tiny"
    assert resolve_name("medsam") == "medsam"
    assert resolve_name("nothing") == "nothing"


def test_a_checkpoint_is_not_taken_for_that_of_a_method_without_weights(tmp_path: Path) -> None:
    given = tmp_path / "weights.pth"

    assert locate_weights("grabcut", given) is None
    assert locate_weights("sam-vit-b", given) == given
    assert locate_weights(str(tmp_path / "own.safetensors"), given) == tmp_path / "own.safetensors"
