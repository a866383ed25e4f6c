from __future__ import annotations

import re
import string
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_board.submissions.format.manifest import (
    check_against_folder,
    dump_manifest,
    parse_manifest,
)
from cosmos_board.submissions.format.toml import LARGEST_BYTES, TomlError, load_toml
from tests.submissions.drafts import draft_manifest, to_toml

WHERE = "submissions/evil-sam/submission.toml"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def lines_of(data: bytes) -> list[str]:
    return [str(problem) for problem in parse_manifest(data, WHERE)[1]]


def test_a_right_manifest_is_read_and_written_back_as_it_was() -> None:
    manifest, problems = parse_manifest(to_toml(draft_manifest()), WHERE)
    assert manifest is not None
    assert problems == []
    assert parse_manifest(dump_manifest(manifest), WHERE) == (manifest, [])
    assert check_against_folder(manifest, "evil-sam", WHERE, NOW) == []


def test_all_problems_are_told_at_once_each_with_its_field() -> None:
    fields = draft_manifest(
        score=0.99, model__name="<b>", authors__0__name="1", run__wall_s=-1, licence="GPL-∞"
    )
    del fields["tier"]
    assert lines_of(to_toml(fields)) == [
        f"{WHERE}: tier: missing",
        f"{WHERE}: model.name: character '<' not allowed",
        f"{WHERE}: authors[0].name: must start with a letter",
        f"{WHERE}: licence: 'GPL-\\u221e' is not an SPDX identifier that we know"
        " (LicenseRef-unknown where none fits)",
        f"{WHERE}: run.wall_s: want a number 0..1e+09",
        f"{WHERE}: score: unknown field (scores are always computed)",
    ]


def test_folder_and_clock_must_agree() -> None:
    fields = draft_manifest(run__finished_at="2099-01-01T00:00:00Z")
    manifest, _ = parse_manifest(to_toml(fields), WHERE)
    assert manifest is not None
    found = [str(one) for one in check_against_folder(manifest, "other", WHERE, NOW)]
    assert found == [
        f"{WHERE}: slug: 'evil-sam' does not match the folder 'other'",
        f"{WHERE}: run.finished_at: lies in the future",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "SAM 2.1", "SAM-Med2D (v2)", "医学分割", "医学 SAM", "Segmentación básica", "Модель",
        "Σίγμα", "nnU-Net+", "Ärzte_1", "모델 3", "9M", "モデル",
    ],
)  # fmt: skip
def test_names_in_the_scripts_of_the_world_are_taken(name: str) -> None:
    assert lines_of(to_toml(draft_manifest(model__name=name))) == []


def mutated() -> st.SearchStrategy[bytes]:
    """Right manifests with stretches replaced by signs that mean something to TOML."""
    base = to_toml(draft_manifest()).decode()
    signs = st.text("[]{}=.+_'\"#:,-T \r\n\t\x00\\\u202e" + string.digits, max_size=8)

    def cut(start: int, length: int, with_: str) -> bytes:
        return (base[:start] + with_ + base[start + length :]).encode()

    return st.builds(cut, st.integers(0, len(base)), st.integers(0, 40), signs)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.one_of(mutated(), st.binary(max_size=200)))
def test_no_bytes_raise_anything_but_a_refusal(data: bytes) -> None:
    with suppress(TomlError):
        load_toml(data)
    for line in lines_of(data):
        assert line.startswith(WHERE)
        assert line.isascii()
        assert len(line) <= 200


@pytest.mark.parametrize("seconds", [2, pytest.param(120, marks=pytest.mark.slow)])
def test_changed_toml_raises_nothing_else(
    seconds: int, record_property: Callable[[str, object], None]
) -> None:
    rng = np.random.default_rng(0)
    base = to_toml(draft_manifest())
    signs = b"[]{}=.+_'\"#:,-TZ \r\n\t\x00\\\xe2\x80\xae0123456789abcdefghijklmnopqrstuvwxyz"
    until = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < until:
        data = bytearray(base)
        for _ in range(rng.integers(1, 4)):
            at, gone = int(rng.integers(len(data) + 1)), int(rng.integers(0, 40))
            new = bytes(rng.choice(list(signs), int(rng.integers(0, 9))).tolist())
            data[at : at + gone] = new * int(rng.integers(1, 3))
        for line in lines_of(bytes(data)):
            assert line.startswith(WHERE)
            assert line.isascii()
        tried += 1
    record_property("mutants", tried)
    assert tried > 15 * seconds


def test_the_limit_is_in_bytes() -> None:
    with pytest.raises(TomlError, match="limit 65536"):
        load_toml(b"a = '" + b"x" * LARGEST_BYTES)


def test_times_may_be_those_of_toml_and_lines_end_as_on_windows() -> None:
    text = to_toml(draft_manifest()).decode()
    manifest, _ = parse_manifest(text.encode(), WHERE)
    bare = re.sub('_at = "(.*)"', r"_at = \1", text).replace("\n", "\r\n")
    assert bare.count("Z\r\n") == 2
    assert parse_manifest(bare.encode(), WHERE) == (manifest, [])


def test_training_data_that_is_unknown_is_said_so() -> None:
    manifest, problems = parse_manifest(to_toml(draft_manifest(training_data="unknown")), WHERE)
    assert problems == []
    assert manifest is not None
    assert manifest.training_data is None
    assert b'training_data = "unknown"' in dump_manifest(manifest)
    assert parse_manifest(dump_manifest(manifest), WHERE) == (manifest, [])
