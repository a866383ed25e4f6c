"""Cases: chosen from the scores, drawn through the licence gate."""

from __future__ import annotations

import io
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image as Pictures

from cosmos_board.core.run_record import RunSettings
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.data.pack import open_pack
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.site.content.case_drawing import encode_webp, trace
from cosmos_board.site.content.case_picks import KINDS, pick_cases
from cosmos_board.site.content.read import read_site_data
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import words_for
from cosmos_board.site.publish.generate import make_site
from cosmos_board.store.board import open_board, open_board_to_write
from cosmos_board.store.ingest import ingest


def draw(path: str, height: int, width: int) -> NDArray[np.bool_]:
    """Fill path data made of M, m, h, v, l and z by the even-odd rule, at pixel centres."""
    big = np.zeros((height * 4, width * 4), np.uint8)
    for outline in re.findall(r"M[^M]*", path):
        x, y = map(float, re.findall(r"-?[\d.]+", outline.split("z")[0])[:2])
        points = [(x, y)]
        for step, numbers in re.findall(r"([hvl])((?:-?[\d.]+ ?)+)", outline):
            values = [float(value) for value in numbers.split()]
            x += values[0] if step in "hl" else 0
            y += values[-1] if step in "vl" else 0
            points.append((x, y))
        part = np.zeros_like(big)
        cv2.fillPoly(part, [np.rint(np.array(points) * 4).astype(np.int32)], 1)
        big ^= part
    return np.asarray(big[2::4, 2::4] > 0)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(arrays(bool, (6, 7), elements=st.booleans()))
def test_small_outlines_fill_back_to_their_mask(mask: NDArray[np.bool_]) -> None:
    """Outlines of up to twelve corners are exact; holes are left out by the even-odd rule."""
    path = trace(mask)

    assert (path == "") == (not mask.any())
    assert path.count("M") == path.count("z")
    if path.count("M") == 1 and len(re.findall("[hvl]", path)) < 12:
        assert (draw(path, 6, 7) == mask).mean() > 0.9


def test_a_disc_keeps_its_area() -> None:
    y, x = np.mgrid[:80, :90]
    disc = (y - 40) ** 2 + (x - 45) ** 2 < 30**2

    filled = draw(trace(disc), 80, 90)

    assert 2 * (filled & disc).sum() / (filled.sum() + disc.sum()) > 0.98
    assert len(trace(disc)) < 400


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `demo` leaves it: packs, a run with masks, the board database."""
    root = tmp_path_factory.mktemp("demo")
    build_phantom_pack(root / "packs" / "phantoms", 6, side=96, workers=1)
    specs = tuple(SegmenterSpec(name=name) for name in ("box-prior", "grabcut"))
    request = RunRequest(
        packs=(root / "packs" / "phantoms",),
        specs=specs,
        out=root / "run",
        settings=RunSettings(save_masks=True),
    )
    ingest([run(request).out], root / "board.duckdb")
    assert open_pack(root / "packs" / "phantoms").info.name == "phantoms"
    return root


@pytest.fixture(scope="module")
def demo_book(demo: Path) -> SiteData:
    return read_site_data(demo / "board.duckdb")


def test_every_target_has_its_lowest_median_highest_and_disputed_case(
    demo: Path, demo_book: SiteData
) -> None:
    with open_board(demo / "board.duckdb") as connection:
        picks = pick_cases(connection)
    for target in {pick.target for pick in picks}:
        mine = {pick.kind: pick for pick in picks if pick.target == target}
        mean = {kind: sum(p.dice.values()) / len(p.dice) for kind, p in mine.items()}
        assert set(mine) == set(KINDS)
        assert mean["lowest"] <= mean["median"] <= mean["highest"]
        assert len({pick.reference_id for pick in mine.values()}) == len(mine)
    assert {case.pick.target for case in demo_book.cases} == {pick.target for pick in picks}
    assert all(case.models.keys() == {"box-prior", "grabcut"} for case in demo_book.cases)


def test_the_viewer_shows_image_outlines_prompt_and_a_slider(demo_book: SiteData) -> None:
    site = make_site(demo_book, words_for("en"))
    pages = {page.path: page for page in site.pages}
    page = pages["viewer/synthetic.organ.md"]
    html = "".join(page.slots.values())

    assert html.count('<img src="../../data/cases/') == 4
    assert html.count('type="range"') == 4
    assert html.count('class="reference"') == 4
    assert "<rect" in html
    assert site.files["data/cases/synthetic.organ/lowest.webp"][8:12] == b"WEBP"


def test_no_id_of_an_image_or_reference_is_published(demo_book: SiteData) -> None:
    site = make_site(demo_book, words_for("en"))
    html = "".join(slot for page in site.pages for slot in page.slots.values())

    for case in demo_book.cases:
        assert case.pick.image_id not in html
        assert case.pick.reference_id not in html


def test_without_permission_nothing_of_a_dataset_is_shown(demo: Path) -> None:
    """The gate is asked with what the database says of the pack; nothing granted, nothing read."""
    other = demo / "closed.duckdb"
    other.write_bytes((demo / "board.duckdb").read_bytes())
    with open_board_to_write(other) as connection:
        connection.execute("UPDATE datasets SET permissions = []")

    data = read_site_data(other)

    assert data.cases == ()
    assert not any(path.endswith(".webp") for path in make_site(data, words_for("en")).files)


def test_images_are_made_smaller_and_keep_their_colours() -> None:
    pixels = np.zeros((600, 900, 3), np.uint8)
    pixels[..., 0] = 200

    picture = Pictures.open(io.BytesIO(encode_webp(pixels, 0.5)))

    assert picture.size == (450, 300)
    assert picture.getpixel((10, 10)) == pytest.approx((200, 0, 0), abs=12)
