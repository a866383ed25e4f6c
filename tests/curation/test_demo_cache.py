"""The phantoms stand for all demo packs: they need no download."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_board.curation import demo
from cosmos_board.curation.demo import DEMO_PACKS, find_demo_pack, hash_recipe
from cosmos_board.data.pack.check import check_pack

PHANTOMS = DEMO_PACKS["demo-phantoms"]
FIND = """
import sys
from pathlib import Path
from cosmos_board.curation.demo import DEMO_PACKS
from cosmos_board.curation.demo import find_demo_pack
found = find_demo_pack(DEMO_PACKS["demo-phantoms"], Path(sys.argv[1]), say=print)
print(found)
"""


def test_a_pack_is_built_once_and_found_again_in_silence(tmp_path: Path) -> None:
    lines: list[str] = []
    built = find_demo_pack(PHANTOMS, tmp_path, say=lines.append)
    assert lines == ["curating demo-phantoms"]
    assert built.parent == tmp_path / "packs"
    assert check_pack(built) == []

    assert find_demo_pack(PHANTOMS, tmp_path, say=lines.append) == built
    assert lines == ["curating demo-phantoms"]


@pytest.mark.parametrize("where", ["pack.json", "images", "references"])
def test_a_cached_pack_with_one_changed_bit_is_built_anew(where: str, tmp_path: Path) -> None:
    built = find_demo_pack(PHANTOMS, tmp_path, say=lambda line: None)
    victim = built / where if where == "pack.json" else next((built / where).glob("*.parquet"))
    right = victim.read_bytes()
    data = bytearray(right)
    data[len(data) // 2] ^= 1
    victim.write_bytes(bytes(data))

    lines: list[str] = []
    assert find_demo_pack(PHANTOMS, tmp_path, say=lines.append) == built
    assert lines == ["curating demo-phantoms"]
    assert victim.read_bytes() == right


def test_other_facts_or_other_code_are_another_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hash_recipe(PHANTOMS)
    assert hash_recipe(PHANTOMS) == before
    assert hash_recipe(replace(PHANTOMS, subsample="every second")) != before
    for name in demo._MAKERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text("a = 1")
    monkeypatch.setattr(demo, "files", lambda _: tmp_path)
    first = hash_recipe(PHANTOMS)
    (tmp_path / "phantoms" / "code.py").write_text("a = 2")
    assert hash_recipe(PHANTOMS) != first


def test_two_processes_at_once_build_it_once(tmp_path: Path) -> None:
    words = [sys.executable, "-c", FIND, str(tmp_path)]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0].splitlines() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    (found,), (said, built) = sorted(outputs, key=len)
    assert (said, built) == ("curating demo-phantoms", found)
