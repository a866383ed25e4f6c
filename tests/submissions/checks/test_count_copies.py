"""Whose counts are these? Copies are held for a person, coincidences are not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import poisson

from cosmos_board.core.hashes import hash_file
from cosmos_board.core.masks import Rle
from cosmos_board.curation.demo import DEMO_PACKS, find_demo_pack
from cosmos_board.data.pack import open_pack
from cosmos_board.submissions.checks.copies import (
    FEWEST_WRONG,
    NEAR_COPY_COUNTS,
    find_copied,
    is_telling,
)
from cosmos_board.submissions.checks.counts import read_counts
from cosmos_board.submissions.checks.predictions import iter_predictions
from cosmos_board.submissions.checks.submission import Accepted, CountsFile
from tests.submissions.drafts import make_checked
from tests.submissions.test_counts import AREA, PIXELS_SIDE, PROMPTS, WHERE, make_index, make_rows

Row = dict[str, Any]
OWNER, RIVAL = 1001, 2002
SUBMISSIONS = Path(__file__).parents[3] / "submissions"


def find_copies(
    tmp_path: Path,
    change: Callable[[int, Row], None] = lambda number, row: None,
    *,
    change_both: Callable[[int, Row], None] = lambda number, row: None,
    references: int = 40,
    authors: tuple[int, ...] = (RIVAL,),
    sha256: str = "",
) -> list[str]:
    """Compare counts with a copy of them in which some rows were changed."""
    table = make_rows(references)
    rows = table.to_pylist()
    for number, row in enumerate(rows):
        change_both(number, row)
    mine = pa.Table.from_pylist(rows, table.schema)
    for number, row in enumerate(rows):
        change(number, row)
    theirs = tmp_path / "theirs.parquet"
    pq.write_table(pa.Table.from_pylist(rows, table.schema), theirs)
    pq.write_table(mine, tmp_path / "mine.parquet")
    index = make_index(references)
    counts, problems = read_counts(tmp_path / "mine.parquet", index, PROMPTS, WHERE)
    assert [problem for problem in problems if problem.disposition == "refused"] == []
    checked = make_checked(
        counts,
        tmp_path,
        track="counts",
        authors=[{"name": "Ann Lee", "github_id": one} for one in authors],
        files=[{"path": f"{name}.parquet", "sha256": "d" * 64, "size_bytes": 1}
               for name in ("counts", "predictions")],
    )  # fmt: skip
    checked.rows = index
    file = CountsFile(theirs, sha256 or hash_file(theirs))
    accepted = [Accepted("first", "First", frozenset({OWNER}), None, "", file)]
    found = find_copied(checked, accepted)
    assert {problem.disposition for problem in found} <= {"held"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.parquet", "theirs.parquet"]
    return [problem.text for problem in found]


def another_mask(row: Row) -> None:
    row["tp"], row["fn"] = (row["tp"] + 5) % AREA, AREA - (row["tp"] + 5) % AREA


def test_a_copy_is_held_and_named(tmp_path: Path) -> None:
    assert find_copies(tmp_path) == [
        "100.00 % of counts for everything equal submissions/first; held for review"
    ]


@pytest.mark.parametrize(("altered", "held"), [(20, True), (21, False)])
def test_a_copy_is_held_from_half_of_its_rows_on(altered: int, held: bool, tmp_path: Path) -> None:
    """A prompt has 40 rows of the first kind and 80 of the second."""
    assert NEAR_COPY_COUNTS == 0.5

    def change(number: int, row: Row) -> None:
        if number // 3 < altered:
            another_mask(row)

    assert bool(find_copies(tmp_path, change)) == held


@pytest.mark.parametrize(("pixels", "held"), [(1, True), (2, True), (3, False)])
def test_counts_altered_everywhere_by_a_pixel_or_two_are_held(
    pixels: int, held: bool, tmp_path: Path
) -> None:
    def change_both(number: int, row: Row) -> None:
        row["fp"] += FEWEST_WRONG

    def change(number: int, row: Row) -> None:
        row["fp"] += pixels

    found = find_copies(tmp_path, change, change_both=change_both)
    says = "100.00 % of counts for everything are within 2 px of those of submissions/first"
    assert found == ([f"{says}; held for review"] if held else [])


def test_one_copied_prompt_is_enough(tmp_path: Path) -> None:
    def change(number: int, row: Row) -> None:
        if row["prompt"] != "box":
            another_mask(row)

    (text,) = find_copies(tmp_path, change)
    assert text.startswith("100.00 % of counts for box equal")


@pytest.mark.parametrize(
    "same",
    [
        pytest.param({"tp": 0, "fp": 0, "fn": AREA}, id="nothing drawn"),
        pytest.param({"tp": AREA, "fp": 0, "fn": 0}, id="perfect"),
        pytest.param({"tp": AREA, "fp": PIXELS_SIDE**2 - AREA, "fn": 0}, id="everything drawn"),
    ],
)
def test_rows_that_are_the_same_whoever_drew_them_do_not_count(
    same: Mapping[str, int], tmp_path: Path
) -> None:
    """Nine rows of ten are equal, and none of the telling ones."""

    def change_both(number: int, row: Row) -> None:
        if number % 10:
            row.update(same)

    def change(number: int, row: Row) -> None:
        if not number % 10:
            another_mask(row)

    assert find_copies(tmp_path, change, change_both=change_both, references=400) == []


def test_rows_replaced_by_empty_masks_do_not_hide_a_copy(tmp_path: Path) -> None:
    def change_both(number: int, row: Row) -> None:
        if number % 4:
            row.update(tp=0, fp=0, fn=AREA)

    def change(number: int, row: Row) -> None:
        if number % 4:
            another_mask(row)

    (text,) = find_copies(tmp_path, change, change_both=change_both, references=400)
    assert text.startswith("100.00 %")


def test_references_of_other_packs_and_too_few_rows_say_nothing(tmp_path: Path) -> None:
    def change(number: int, row: Row) -> None:
        if number >= 27:
            row["reference_id"] = f"other-{number}"

    assert find_copies(tmp_path, change) == []


@pytest.mark.parametrize(
    ("authors", "held"),
    [((OWNER,), False), ((RIVAL,), True), ((OWNER, RIVAL), True)],
    ids=["its owner", "somebody else", "somebody who names its owner too"],
)
def test_only_an_owner_may_repeat_counts(
    authors: tuple[int, ...], held: bool, tmp_path: Path
) -> None:
    assert bool(find_copies(tmp_path, authors=authors)) == held


def test_counts_that_are_not_as_accepted_are_held_not_passed(tmp_path: Path) -> None:
    assert find_copies(tmp_path, sha256="e" * 64) == [
        "not compared with submissions/first (its counts are not as accepted); held for review"
    ]


def test_near_perfect_models_agree_by_chance_in_a_seventh_of_their_rows_at_most() -> None:
    """Independent models whose misses are Poisson counts, over every mean from 0.01 to 50."""
    worst = 0.0
    for mean in np.geomspace(0.01, 50, 200):
        same = (poisson.pmf(np.arange(200), mean) ** 2).sum() ** 2
        perfect_both, perfect = np.exp(-4 * mean), np.exp(-2 * mean)
        worst = max(worst, (same - perfect_both) / (1 - perfect))
    assert 0.13 < worst < 0.14


def test_our_own_entries_agree_in_no_telling_row(tmp_path: Path) -> None:
    """On the phantoms, which need no download: candidate by candidate."""
    pack = open_pack(find_demo_pack(DEMO_PACKS["demo-phantoms"], tmp_path, say=lambda line: None))
    masks = {one.reference_id: one.mask() for item in pack.iter_items() for one in item.references}
    entries = {}
    for slug in ("cosmos-tiny", "grabcut", "random-walker"):
        found = {}
        for row in iter_predictions(SUBMISSIONS / slug / "predictions.parquet"):
            if (mask := masks.get(row["reference_id"])) is not None:
                drawn = Rle(row["height"], row["width"], row["rle"]).decode()
                tp, area = int((drawn & mask).sum()), int(mask.sum())
                counts = np.array([[tp, int(drawn.sum()) - tp, area - tp]], np.int32)
                if is_telling(counts, np.array([mask.size]))[0]:
                    found[row["reference_id"], row["prompt"], row["candidate"]] = counts.tolist()
        entries[slug] = found
    for one, other in itertools.combinations(entries.values(), 2):
        both = one.keys() & other.keys()
        assert len(both) > 200
        assert [key for key in both if one[key] == other[key]] == []
