from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.rle import check_runs, read_runs
from tests.submissions.runs import encode_runs

HEIGHT, WIDTH = 7, 9


def slow_runs(counts: bytes, total: int) -> list[int] | None:
    """The format read one character at a time; None where it is wrong."""
    runs: list[int] = []
    at = 0
    while at < len(counts):
        value = shift = 0
        while True:
            if at >= len(counts) or not 48 <= counts[at] <= 111 or shift > 25:
                return None
            digit = counts[at] - 48
            at += 1
            value |= (digit & 0x1F) << shift
            shift += 5
            if not digit & 0x20:
                if digit & 0x10:
                    value -= 1 << shift
                break
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    wrong = not runs or sum(runs) != total or min(runs) < 0 or 0 in runs[1:]
    return None if wrong or encode_runs(np.array(runs)) != counts else runs


def fast_runs(counts: bytes) -> list[int] | None:
    try:
        return [int(run) for run in read_runs(counts, HEIGHT, WIDTH)]
    except ValueError:
        return None


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(min_size=HEIGHT * WIDTH, max_size=HEIGHT * WIDTH))
def test_every_mask_is_read_as_it_was_written(data: bytes) -> None:
    mask = np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH) > 127
    counts = encode_mask(mask).counts
    runs = read_runs(counts, HEIGHT, WIDTH)
    assert encode_runs(runs) == counts
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    assert (mask == inside.reshape(WIDTH, HEIGHT).T).all()


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.text("".join(map(chr, range(48, 112))), max_size=12).map(str.encode))
def test_strings_are_judged_as_one_character_at_a_time(counts: bytes) -> None:
    assert fast_runs(counts) == slow_runs(counts, HEIGHT * WIDTH)


@pytest.mark.parametrize("seconds", [2, pytest.param(120, marks=pytest.mark.slow)])
def test_changed_masks_are_judged_alike(
    seconds: int, record_property: Callable[[str, object], None]
) -> None:
    rng = np.random.default_rng(0)
    until = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < until:
        mask = rng.random((HEIGHT, WIDTH)) < rng.random()
        counts = bytearray(encode_mask(mask).counts)
        for _ in range(rng.integers(0, 3)):
            counts[rng.integers(len(counts))] = rng.integers(44, 116)
        found = bytes(counts[: rng.integers(1, len(counts) + 1)] if rng.random() < 0.2 else counts)
        assert fast_runs(found) == slow_runs(found, HEIGHT * WIDTH)
        tried += 1
    record_property("mutants", tried)
    assert tried > 80 * seconds


@pytest.mark.parametrize(
    ("counts", "width", "problem"),
    [(b"110", 2, "zero-length run"), (b"Q0", 1, "shortest way"), (b"00Q0", 1, "3 runs for 1 pix")],
)
def test_other_ways_to_write_a_mask_are_only_read_where_nobody_is_strict(
    counts: bytes, width: int, problem: str
) -> None:
    assert read_runs(counts, 1, width, strict=False).sum() == width

    with pytest.raises(ValueError, match=problem):
        read_runs(counts, 1, width)


def test_what_is_refused_of_our_own_files_says_where() -> None:
    with pytest.raises(InputError, match=r"a\.parquet: rle: runs sum to 2, image has 3 pixels"):
        check_runs(b"11", 1, 3, where="a.parquet")
