"""Whose predictions are these? Copies are refused or held, other models are not."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cosmos_board.core.masks import Rle, encode_mask
from cosmos_board.core.rle import read_runs
from cosmos_board.submissions.checks.check import check_submission
from cosmos_board.submissions.checks.copies import find_copied
from cosmos_board.submissions.checks.overlap import KEPT_BYTES, MOST_RUNS, KeptMasks
from cosmos_board.submissions.checks.predictions import Fingerprint, iter_predictions
from cosmos_board.submissions.checks.submission import Accepted
from tests.submissions.drafts import make_checked
from tests.submissions.samples import Sample

Mask = NDArray[np.bool_]
Row = dict[str, Any]
SUBMISSIONS = Path(__file__).parents[3] / "submissions"
ENTRIES = ("cosmos-tiny", "grabcut", "random-walker")
EIGHT = np.ones((3, 3), np.bool_)


def make_print(rows: Iterable[Mapping[str, Any]]) -> Fingerprint:
    found = Fingerprint()
    for row in rows:
        found.add(row, read_runs(row["rle"], row["height"], row["width"]))
    return found


@cache
def read_entry(slug: str) -> tuple[Row, ...]:
    return tuple(iter_predictions(SUBMISSIONS / slug / "predictions.parquet"))


def read_boxes(slug: str) -> list[Row]:
    return [row for row in read_entry(slug) if row["prompt"] == "box"]


def compare(copy: Fingerprint, *others: Fingerprint) -> list[tuple[str, str]]:
    """Return what is said of a submission beside others on the board."""
    accepted = [
        Accepted(f"rival-{number}", f"Rival {number}", frozenset({1}), one)
        for number, one in enumerate(others)
    ]
    found = find_copied(make_checked(copy), accepted)
    return [(one.disposition, one.text) for one in found]


def change_masks(rows: Iterable[Row], change: Callable[[Mask], Mask]) -> list[Row]:
    """Return the rows with every mask changed that is not empty and does not become so."""
    changed = []
    for row in rows:
        mask = Rle(row["height"], row["width"], row["rle"]).decode()
        after = change(mask) if mask.any() else mask
        changed.append({**row, "rle": encode_mask(after if after.any() else mask).counts})
    return changed


def flip(mask: Mask, pixels: int) -> Mask:
    rng = np.random.default_rng(int(mask.sum()))
    changed = mask.copy()
    changed.flat[rng.choice(mask.size, pixels, replace=False)] ^= True
    return changed


CHANGES: dict[str, Callable[[Mask], Mask]] = {
    "one pixel": lambda mask: flip(mask, 1),
    "two pixels": lambda mask: flip(mask, 2),
    "grown by a pixel": ndimage.binary_dilation,
    "grown by a pixel, corners too": lambda mask: ndimage.binary_dilation(mask, EIGHT),
    "grown by two pixels": lambda mask: ndimage.binary_dilation(mask, EIGHT, iterations=2),
    "shrunk by a pixel": ndimage.binary_erosion,
    "moved down by a pixel": lambda mask: np.roll(mask, 1, 0),
    "moved right by two pixels": lambda mask: np.roll(mask, 2, 1),
    "smoothed": lambda mask: ndimage.median_filter(mask, 3),
}


@pytest.mark.parametrize("slug", ["cosmos-tiny", "random-walker"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_copy_altered_everywhere_is_held(name: str, slug: str) -> None:
    rows = read_boxes(slug)
    copy = make_print(change_masks(rows, CHANGES[name]))
    ((disposition, text),) = compare(copy, make_print(rows))
    assert disposition == "held"
    assert text.endswith("submissions/rival-0; held for review")
    assert "mean IoU" in text


@pytest.mark.parametrize("name", ["two pixels", "shrunk by a pixel", "moved right by two pixels"])
def test_so_is_one_of_95_percent_of_the_references(name: str) -> None:
    rows = read_boxes("cosmos-tiny")
    own = sorted({row["reference_id"] for row in rows})[::20]
    other = {(row["reference_id"], row["prompt"]): row for row in read_boxes("grabcut")}
    mixed = change_masks(rows, CHANGES[name])
    for place, row in enumerate(rows):
        if row["reference_id"] in own:
            mixed[place] = other.get((row["reference_id"], row["prompt"]), row)
    assert [one for one, _ in compare(make_print(mixed), make_print(rows))] == ["held"]


def test_reordered_rows_and_other_estimates_are_the_same_content() -> None:
    rows = read_entry("cosmos-tiny")
    copy = [{**row, "predicted_iou": -1.0} for row in reversed(rows)]
    assert compare(make_print(copy), make_print(rows)) == [
        ("refused", "same content as submissions/rival-0 (sha256 of sorted rows)")
    ]


def test_a_copy_of_one_prompt_is_held_and_the_prompt_named() -> None:
    rows = read_entry("cosmos-tiny")
    own = [row for row in read_entry("random-walker") if row["prompt"] != "box"]
    copied = [row for row in rows if row["prompt"] == "box"]
    ((disposition, text),) = compare(make_print([*own, *copied]), make_print(rows))
    assert disposition == "held"
    assert text.startswith("100.00 % of answers to box (mean IoU 1.000) are equal to submissions/")


def test_masks_that_nobody_chooses_do_not_hide_a_copy() -> None:
    rows = read_boxes("grabcut")
    noise = np.random.default_rng(0)
    junk = []
    for row in rows:
        mask = noise.random((row["height"], row["width"])) < 0.1
        junk.append({**row, "candidate": 1, "rle": encode_mask(mask).counts})
    copy = make_print([*({**row, "candidate": 0} for row in junk), *rows, *junk])
    assert [one for one, _ in compare(copy, make_print(rows))] == ["held"]


def test_our_own_entries_are_no_copies_of_each_other() -> None:
    prints = {slug: make_print(read_entry(slug)) for slug in ENTRIES}
    for one, other in itertools.permutations(prints.values(), 2):
        assert compare(one, other) == []


def test_independent_models_of_dice_093_are_no_copies() -> None:
    """One truth, its edge moved for each by smooth noise of its own, of 1.5 px."""
    rows = [row for row in read_boxes("cosmos-tiny") if row["candidate"] == 0]
    prints = []
    for seed in range(2):
        rng = np.random.default_rng(seed)

        def redraw(mask: Mask, rng: np.random.Generator = rng) -> Mask:
            depth = ndimage.distance_transform_edt
            inside, outside = np.asarray(depth(mask)), np.asarray(depth(~mask))
            noise = ndimage.gaussian_filter(rng.standard_normal(mask.shape), 8)
            drawn: Mask = inside - outside + 1.5 * noise / noise.std() > 0
            return drawn

        prints.append(make_print(change_masks(rows, redraw)))
    assert compare(*prints) == []


def test_masks_of_too_many_runs_to_compare_are_held() -> None:
    board = np.indices((300, 301)).sum(axis=0) % 2 == 0
    rows: list[Row] = [
        {"reference_id": f"r{number}", "prompt": "box", "candidate": 0, "predicted_iou": None,
         "height": 300, "width": 301, "rle": encode_mask(board).counts}
        for number in range(20)
    ]  # fmt: skip
    assert len(read_runs(rows[0]["rle"], 300, 301)) // 2 > MOST_RUNS
    assert compare(make_print(rows)) == [
        ("held", "20 of 20 masks have too many runs or pixels to be compared with other "
         "entries; held for review")
    ]  # fmt: skip


def test_what_is_kept_of_a_large_submission_is_bounded_and_still_tells() -> None:
    """Stripes of one pixel, as many runs as are compared."""
    mask = np.zeros((128, 128), np.bool_)
    mask[::2] = True
    kept, counts = [KeptMasks(), KeptMasks()], encode_mask(mask).counts
    runs = read_runs(counts, 128, 128)
    for number in range(2000):
        row: Row = {
            "reference_id": f"r{number}", "prompt": "box", "candidate": 0, "height": 128,
            "width": 128, "predicted_iou": None, "rle": counts,
        }  # fmt: skip
        for one in kept:
            one.add(row, runs)
    for one in kept:
        size = sum(len(mask.rle.counts) for _, masks in one.groups.values() for mask in masks)
        assert size <= 2 * KEPT_BYTES
    assert kept[0].compare(kept[1])["all"].alike[0] == 1


def test_fifty_entries_are_compared_in_seconds() -> None:
    entry = make_print(read_entry("cosmos-tiny"))
    other = make_print([*read_entry("cosmos-tiny"), *read_entry("cosmos-tiny")[:1]])
    began = time.process_time()
    assert len(compare(entry, *[other] * 50)) == 50
    assert time.process_time() - began < 10


def test_o06_o07_copies_are_refused_and_near_copies_held(sample: Sample, tmp_path: Path) -> None:
    rows = sample.table.to_pylist()
    folder = sample.write(tmp_path)
    rival = Accepted("sam-base", "Other", frozenset({1001}), make_print(rows))
    (problem,) = check_submission(folder, replace(sample.inputs, accepted=(rival,)))
    assert str(problem) == (
        "submissions/evil-sam/predictions.parquet: rows: same content as submissions/sam-base "
        "(sha256 of sorted rows)"
    )
    near = replace(rival, fingerprint=make_print(change_masks(rows, CHANGES["one pixel"])))
    (problem,) = check_submission(folder, replace(sample.inputs, accepted=(near,)))
    assert problem.disposition == "held"
    assert problem.about == "sam-base"
