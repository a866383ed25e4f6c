from __future__ import annotations

import pytest

from cosmos_board.data.imports.spec.patterns import Pattern, fill_template


@pytest.mark.parametrize(
    ("pattern", "path", "parts"),
    [
        pytest.param("a/*.png", "a/b.png", {}, id="a star is one step"),
        pytest.param("a/*.png", "a/b/c.png", None, id="and no more"),
        pytest.param("**/{case}.png", "x/y/c.png", {"case": "c"}, id="any folders"),
        pytest.param("**/{case}.png", "c.png", {"case": "c"}, id="or none"),
        pytest.param("{a}/{a}.png", "x/x.png", {"a": "x"}, id="the same twice"),
        pytest.param("{a}/{a}.png", "x/y.png", None, id="and not another"),
        pytest.param(r"{n:\d{2,3}}.png", "123.png", {"n": "123"}, id="braces in an expression"),
        pytest.param(r"{n:(a|b)c}{m}.png", "bcd.png", {"n": "bc", "m": "d"}, id="groups within"),
        pytest.param("a+(b).png", "a+(b).png", {}, id="signs are themselves"),
        pytest.param("{a}?.png", "xy.png", {"a": "x"}, id="one character"),
    ],
)
def test_a_pattern_names_the_parts_of_a_path(
    pattern: str, path: str, parts: dict[str, str] | None
) -> None:
    assert Pattern(pattern).match(path) == parts


@pytest.mark.parametrize("pattern", ["", "/etc/{a}", "../{a}", "a/../b", "{a", "a}", "{a:(}"])
def test_a_pattern_that_leads_out_or_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Pattern(pattern)


def test_a_mask_takes_the_expressions_of_its_image() -> None:
    known = Pattern(r"{case:\d+}.png").expressions

    assert Pattern("{case}_{part}.png", known).match("12_3_x.png") == {"case": "12", "part": "3_x"}


def test_a_template_is_filled_and_unknown_parts_are_empty() -> None:
    assert fill_template("{a}-{b}", {"a": "x"}) == "x-"
