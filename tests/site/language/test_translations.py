"""Pages written by hand say the same in both languages, and no page counts “1 targets”."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cosmos_board.site.language.words import NOUNS, Words
from cosmos_board.site.publish.build import sources_root

SOURCES = sources_root() / "site"
WRITTEN = sorted(path.relative_to(SOURCES) for path in SOURCES.glob("[ds]*/*.md"))


def test_every_page_written_by_hand_has_a_chinese_one() -> None:
    chinese = {path.relative_to(SOURCES / "zh") for path in (SOURCES / "zh").rglob("*.md")}

    assert chinese == set(WRITTEN)
    assert len(WRITTEN) >= 7


@pytest.mark.parametrize("path", WRITTEN, ids=str)
def test_a_chinese_page_has_the_anchors_commands_and_figures_of_the_english_one(
    path: Path,
) -> None:
    english, chinese = ((folder / path).read_text("utf-8") for folder in (SOURCES, SOURCES / "zh"))

    assert re.findall(r"\{ #([\w-]+) \}", chinese) == re.findall(r"\{ #([\w-]+) \}", english)
    assert code_of(chinese) == code_of(english)
    assert figures_of_tables(chinese) == figures_of_tables(english)
    assert re.search(r"[\u4e00-\u9fff]", chinese)


def code_of(text: str) -> list[str]:
    """Return the code of a page without its comments, which are translated."""
    blocks = re.findall(r"(?s)```\w*\n(.*?)```", text)
    return [re.sub(r"(?m)(^|\s+)#.*$", "", block) for block in blocks]


def figures_of_tables(text: str) -> list[list[str]]:
    """Return the numbers of each row of a page's tables, in order of size: languages differ."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [sorted(re.findall(r"\d[\d.,]*\d|\d", row)) for row in rows]


def test_one_thing_is_never_called_many(site: Path) -> None:
    many = "|".join(form.removeprefix("{n} ") for _, form in NOUNS.values())
    wrong = re.compile(rf"(?<![\d.,\u202f–−-])\b1 (?:{many})\b")

    assert wrong.search(", 1 targets")
    assert not wrong.search("11 targets")
    assert not wrong.search("0.1 targets")
    for page in sorted(site.rglob("index.html")):
        assert wrong.findall(page.read_text("utf-8")) == [], page


def test_numbers_from_ten_thousand_are_grouped_and_zero_is_many() -> None:
    assert Words().count(12_345, "reference") == "12\u202f345 reference masks"
    assert Words().count(0, "model") == "0 models"
