"""Names say what they seem to say: nothing invisible in them, nothing that looks like another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cosmos_board.submissions.checks.names import check_names
from cosmos_board.submissions.format.lookalikes import skeleton
from cosmos_board.submissions.format.manifest import Author, parse_manifest
from cosmos_board.submissions.format.text import check_name, check_slug
from cosmos_board.submissions.problems import LONGEST_LINE, Problem
from tests.submissions.drafts import draft_manifest, to_toml

SITE = Path(__file__).parents[3] / "cosmos_board" / "site"
PAGES = "".join(path.read_text() for path in sorted((SITE / "pages").rglob("*.py")))

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


LOOK_ALIKES = [
    "SAM ViT-B.", "S.A.M. ViT-B", "SAM (ViT) B", "sam+vit_b", "SAM V1T-B", "ЅАМ", "medsam 2",
    "SAM3", "Sam - 3", "MedSAM", "GrabCut", "cosmos tiny",
]  # fmt: skip


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_nobody_takes_a_known_models_name_or_one_that_looks_like_it(name: str) -> None:
    manifest, _ = parse_manifest(to_toml(draft_manifest(model__name=name)), "a")
    assert manifest is not None
    lines = [str(one) for one in check_names(manifest, (), "a")]
    assert bool(lines) == (name != "ЅАМ"), lines
    ours = manifest.model_copy(update={"authors": (Author(name="We", github_id=0),)})
    assert list(check_names(ours, (), "a")) == []


@pytest.mark.parametrize("slug", ["sam3", "medsam2", "grabcut", "sam-vit-b"])
def test_nobody_takes_a_known_models_slug(slug: str) -> None:
    manifest, _ = parse_manifest(to_toml(draft_manifest(slug=slug)), "a")
    assert manifest is not None
    assert "a: slug: is a known model, which only the project submits" in [
        str(one) for one in check_names(manifest, (), "a")
    ]


RESERVED = ["index", "404", "search", "con", "nul", "prn", "aux", "com0", "com1", "com9", "lpt3"]


@pytest.mark.parametrize("slug", RESERVED)
def test_a_slug_is_no_page_of_the_site_and_no_device(slug: str) -> None:
    with pytest.raises(ValueError, match=f"slug must not be '{slug}', which is reserved"):
        check_slug(slug)


def test_every_page_beside_those_of_models_is_reserved() -> None:
    """A slug is the name of a page below `models/`; what else lies there must not be taken."""
    paths = re.findall(r'"models/([a-z0-9-]+)\.md"', PAGES)
    assert paths
    for name in paths:
        with pytest.raises(ValueError, match="which is reserved"):
            check_slug(name)


def test_a_line_never_grows_past_its_limit() -> None:
    line = str(Problem("a/" + "::" * 95, "", "x" * 60))

    assert "::" not in line
    assert len(line) <= LONGEST_LINE
