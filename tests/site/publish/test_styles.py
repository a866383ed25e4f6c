"""Style sheets lose what no page can meet, and nothing else."""

from __future__ import annotations

import pytest

from cosmos_board.site.publish.styles import keep_used, names_in_page, names_in_script


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".in{a:b}.out{a:b}", ".in{a:b}"),
        (".in .out{a:b}.in,.out{c:d}", ".in{c:d}"),
        (".in:not(.out){a:b}", ".in:not(.out){a:b}"),
        (".in:is(.out,.x)>p{a:b}", ".in:is(.out,.x)>p{a:b}"),
        ("[data-x=in] p{a:b}[data-x=out] p{a:b}", "[data-x=in] p{a:b}"),
        ("a[href^='http:']{a:b}", "a[href^='http:']{a:b}"),
        ("#in{a:b}#out{a:b}", "#in{a:b}"),
        ("@media print{.out{a:b}}", ""),
        ("@media print{.in{a:b}.out{c:d}}", "@media print{.in{a:b}}"),
        ("@supports (a:b){.in{a:b}}", "@supports (a:b){.in{a:b}}"),
        ('@charset "UTF-8";.in{a:b}', '@charset "UTF-8";.in{a:b}'),
        ("@keyframes turn{from{a:b}to{c:d}}", "@keyframes turn{from{a:b}to{c:d}}"),
        (".made--3{a:b}", ".made--3{a:b}"),
        ('.in:before{content:"}{;"}', '.in:before{content:"}{;"}'),
        (":root{--a:1;--b:2}.in{c:var(--a)}", ":root{--a:1}.in{c:var(--a)}"),
        (":root{--a:url(\"data:x;y,z\");--b:2}.in{c:var( --a)}",
         ":root{--a:url(\"data:x;y,z\")}.in{c:var( --a)}"),
        (":root{--a:1;--b:var(--a)}", ""),
        (":root{--read-by-script:1}", ":root{--read-by-script:1}"),
    ],
)  # fmt: skip
def test_what_may_match_stays_and_what_cannot_goes(css: str, kept: str) -> None:
    names = {"in", "made--", "--read-by-script"}

    assert keep_used(css, names) == kept


def test_names_come_from_attributes_and_from_words_of_scripts() -> None:
    page = '<body class="one two" data-md-color-scheme="slate" id="three"><p lang="zh">four</p>'

    assert names_in_page(page) == {"one", "two", "slate", "three", "zh"}
    script = 'e("md-x");s("--md-y");c("made--"+n);f("md-z__a")'
    assert {"md-x", "--md-y", "made--"} <= names_in_script(script, {"md-x"})
    assert "md-z__a" not in names_in_script(script, {"md-x"})
    assert "md-z__a" in names_in_script(script, {"md-z"})
