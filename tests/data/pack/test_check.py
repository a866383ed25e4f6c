from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmos_board.core.hashes import hash_file
from cosmos_board.core.masks import encode_mask
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.pack.info import dump_info, read_info
from cosmos_board.store.parquet import iter_rows, write_rows
from cosmos_board.store.schema import PACK_IMAGES, PACK_PROMPTS, PACK_REFERENCES
from tests.curation.units import build_discs, disc

TINY = encode_mask(disc(40, 9, 9, 2)).counts


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_discs(tmp_path_factory.mktemp("packs") / "pack", range(2))


@pytest.fixture
def pack(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "pack"))


def refile(pack: Path, name: str, size_bytes: int, sha256: str) -> None:
    """Make pack.json agree with an altered file, as somebody who forges a pack would."""
    info = read_info(pack)
    files = tuple(
        replace(file, size_bytes=size_bytes, sha256=sha256) if file.path == name else file
        for file in info.files
    )
    (pack / "pack.json").write_bytes(dump_info(replace(info, files=files)))


def test_a_whole_pack_has_no_problem(whole: Path) -> None:
    assert check_pack(whole) == []


@given(data=st.data())
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_altered_byte_is_noticed(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    files = sorted(path for path in whole.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(whole, copy)
    (copy / path.relative_to(whole)).write_bytes(content)

    problems = check_pack(copy)

    assert problems
    assert all("\n" not in problem for problem in problems)


def test_missing_added_and_linked_files_are_noticed(pack: Path, tmp_path: Path) -> None:
    (pack / "observers/part-00000.parquet").rename(pack / "observers/extra.parquet")
    prompts = pack / "prompts/part-00000.parquet"
    prompts.rename(tmp_path / "elsewhere.parquet")
    prompts.symlink_to(tmp_path / "elsewhere.parquet")

    problems = "\n".join(check_pack(pack))

    assert "observers/part-00000.parquet: is missing" in problems
    assert "observers/extra.parquet: is not part of the pack" in problems
    assert "prompts/part-00000.parquet: is a link" in problems


@pytest.mark.parametrize(
    ("folder", "schema", "change", "words"),
    [
        ("images", PACK_IMAGES, {"cluster_id": "discs-00009"}, "content_sha256: is not"),
        ("images", PACK_IMAGES, {"dataset": "other"}, "names another dataset"),
        ("images", PACK_IMAGES, {"image_id": "0" * 16}, "is no image of this part"),
        ("references", PACK_REFERENCES, {"box": [0, 0, 3, 3]}, "has another box"),
        ("references", PACK_REFERENCES, {"instance": 7}, "reference_id: is another one"),
        ("references", PACK_REFERENCES, {"rle": TINY}, "is too small"),
        ("prompts", PACK_PROMPTS, {"points": [1, 1], "labels": [1]}, "has other prompts"),
    ],
)
def test_a_forged_row_is_noticed_even_when_the_files_agree(
    pack: Path, folder: str, schema: object, change: dict[str, object], words: str
) -> None:
    """Somebody who alters a row and puts all file hashes right is caught by what rows mean."""
    path = pack / folder / "part-00000.parquet"
    first, *others = iter_rows(path, schema)
    write_rows(path, schema, [{**first, **change}, *others])
    refile(pack, f"{folder}/part-00000.parquet", path.stat().st_size, hash_file(path))

    problems = check_pack(pack)

    assert any(words in problem for problem in problems), problems
    assert not any("sha256 than" in problem for problem in problems)


def test_what_is_no_pack_is_one_problem(tmp_path: Path) -> None:
    assert len(check_pack(tmp_path)) == 1
