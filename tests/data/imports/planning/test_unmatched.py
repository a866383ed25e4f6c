"""Files that fit no pattern and may hold pixels are listed by kind."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_board.data.imports.planning.unmatched import describe_unmatched, find_unmatched

PIXELS = ("a.png", "a.TIF", "b/1.nii", "b/2.nii.gz", "b/3.hdr", "c/im1.ppm.gz", "x.mha", "s.dcm")
ARCHIVES = ("a.zip", "b/a.7z", "a.tar", "a.tar.gz", "a.tgz", "a.rar")
NAMELESS = ("IM0001", "p/1.2.840.113619.2", "p/00000001")
OTHER = ("README", "LICENSE", "a.csv", "notes.txt", "a.json", "mesh.stl", "a.raw", "b.json.gz")


@pytest.mark.parametrize("path", [*PIXELS, *ARCHIVES, *NAMELESS])
def test_what_may_hold_pixels_is_listed_unless_it_is_matched(path: str) -> None:
    (kind,) = find_unmatched([path], set())

    assert (kind.example, kind.count) == (path, 1)
    assert find_unmatched([path], {path}) == ()


@pytest.mark.parametrize("path", OTHER)
def test_other_files_are_not_listed(path: str) -> None:
    assert find_unmatched([path], set()) == ()


def test_the_voxels_beside_a_header_that_is_matched_are_not_lost() -> None:
    assert find_unmatched(["a/s1.hdr", "a/s1.img"], {"a/s1.hdr"}) == ()
    assert [kind.ending for kind in find_unmatched(["a/s1.img"], set())] == [".img"]


def test_folders_that_differ_in_numbers_are_one_kind() -> None:
    paths = [f"case_{number}/t{number}.nii.gz" for number in range(300)]

    (kind,) = find_unmatched([*paths, "case_7/readme.txt"], set())

    assert str(kind) == "300 .nii.gz in case_#/, such as case_0/t0.nii.gz"


FOLDERS = st.sampled_from(["", "p1/", "p22/", "q/", "q/r3/"])


@given(st.sets(st.tuples(FOLDERS, st.sampled_from([*PIXELS, *NAMELESS, *OTHER]))), st.data())
def test_every_lost_file_is_counted_once(rows: set[tuple[str, str]], data: st.DataObject) -> None:
    paths = sorted({folder + name for folder, name in rows})
    matched = {path for path in paths if data.draw(st.booleans())}
    lost = [path for path in paths if path not in matched and not path.endswith(OTHER)]
    folders = Counter(re.sub(r"\d+", "#", path.rpartition("/")[0]) for path in lost)

    kinds = find_unmatched(paths, matched)

    assert sum(kind.count for kind in kinds) == len(lost)
    assert all(
        sum(kind.count for kind in kinds if kind.folder == folder) == number
        for folder, number in folders.items()
    )
    assert [kind.count for kind in kinds] == sorted((k.count for k in kinds), reverse=True)


def test_a_long_list_ends_with_the_rest_in_one_line() -> None:
    kinds = find_unmatched([f"{letter}/a.png" for letter in "abcdefghijkl"], set())

    lines = describe_unmatched(kinds)

    assert lines[0] == "  12 files that may be images or masks fit no pattern:"
    assert lines[-1] == "    4 more of 4 kinds"
    assert len(lines) == 10
    assert describe_unmatched(()) == []
