"""Two entries that draw one object of one image are refused by name, unless they are kept apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.spec.load import parse_spec

TOP = "schema_version = 1\nname = 'toy'\n"
IMAGES = "[[images]]\nfiles = 'images/{case}.jpg'\nmodality = 'colonoscopy'\n"


def masks(folder: str, more: str = "", meaning: str = "object = 'polyp'") -> str:
    return f"[[images.masks]]\nfiles = '{folder}/{{case}}.png'\n{meaning}\n{more}\n"


def plan(folder: Path, text: str) -> ImportPlan:
    """Plan with two images, each drawn in x/ and in y/, a third in x/ and a fourth in y/."""
    for path in ("images/a.jpg", "images/b.jpg", "images/c.jpg", "images/d.jpg", "x/a.png",
                 "y/a.png", "x/b.png", "y/b.png", "x/c.png", "y/d.png"):  # fmt: skip
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).touch()
    return plan_import(parse_spec(TOP + text, "spec.toml"), folder)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (IMAGES + masks("x") + masks("y"),
         r"images\[0\].masks\[1\].files: takes y/a.png for polyp of images/a.jpg, for which"
         r" images\[0\].masks\[0\] takes x/a.png"),
        (IMAGES + masks("x") + IMAGES + masks("y"),
         r"images\[1\].masks\[0\].files: takes y/a.png .* images\[0\].masks\[0\] takes x/a.png"),
        (2 * (IMAGES + masks("x")), r"takes x/a.png .* which images\[0\].masks\[0\] takes x/a.png"),
        (IMAGES + masks("x", meaning="labels = { 1 = 'polyp', 2 = 'instrument' }") + masks("y"),
         "for polyp"),
        (IMAGES + masks("x") + "".join(masks(each, "observer = 'second'") for each in "yx"),
         r"masks\[2\].files: takes x/a.png .* which images\[0\].masks\[1\] takes y/a.png"),
    ],
)  # fmt: skip
def test_two_sources_of_one_object_are_refused_and_both_are_named(
    text: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=problem):
        plan(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        IMAGES + masks("x") + masks("y", meaning="object = 'instrument'"),
        IMAGES + masks("x") + masks("y", "observer = 'second'"),
        IMAGES + masks("x", "instances = 'files'") + masks("y", "instances = 'files'"),
        IMAGES + masks("x") + IMAGES + masks("y", meaning="object = 'instrument'"),
        IMAGES + masks("x") + IMAGES.replace("colonoscopy", "fundus") + masks("y"),
        IMAGES + masks("x") + IMAGES + "channels = [0]\n" + masks("y"),
        IMAGES.replace("{case}", "{case:a|c}") + masks("x")
        + IMAGES.replace("{case}", "{case:b|d}") + masks("y"),
        IMAGES.replace("{case}", "{case:c|d}") + masks("x") + masks("y"),
        IMAGES + masks("{side:x|y}"),
    ],
)  # fmt: skip
def test_what_is_told_apart_is_planned(text: str, tmp_path: Path) -> None:
    assert plan(tmp_path, text).jobs
