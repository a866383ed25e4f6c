"""Names say what they seem to say: nothing invisible in them, nothing that looks like another."""

from __future__ import annotations

import pytest

from cosmos_board.submissions.confusables import skeleton
from cosmos_board.submissions.problems import LONGEST_LINE, Problem
from cosmos_board.submissions.text import check_name

DRAWN_AS_NOTHING = "\u034f\ufe0f\U000e0100\u180b\u17b4\u115f\u1160\u3164\uffa0"


@pytest.mark.parametrize("sign", DRAWN_AS_NOTHING, ids=ascii)
def test_what_a_font_may_leave_out_is_refused(sign: str) -> None:
    with pytest.raises(ValueError, match=rf"U\+{ord(sign):04X} not allowed"):
        check_name(f"S{sign}AM")


@pytest.mark.parametrize("text", ["Med\u4e28cal", "SA\u041c", "\u0455\u0430m"], ids=ascii)
def test_a_look_alike_has_the_skeleton_of_what_it_looks_like(text: str) -> None:
    plain = {"Med\u4e28cal": "Medlcal"}.get(text, "SAM")

    assert skeleton(text) == skeleton(plain)


@pytest.mark.parametrize("mark", ["\u034f", "\u0301", "\u0903", "\u20dd"], ids=ascii)
def test_marks_do_not_make_another_name(mark: str) -> None:
    assert skeleton(f"s{mark}am") == skeleton("sam")


def test_a_line_never_grows_past_its_limit() -> None:
    line = str(Problem("a/" + "::" * 95, "", "x" * 60))

    assert "::" not in line
    assert len(line) <= LONGEST_LINE
