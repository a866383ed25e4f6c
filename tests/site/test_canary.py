"""A planted restricted dataset: nothing of it is found anywhere in a built site.

Its pack claims every permission; the catalog, which knows the name, grants none. The same search
finds the open dataset beside it, so it can find what it looks for.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image as Pictures

from cosmos_board.core.masks import Pixels
from cosmos_board.core.run_record import RunSettings
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.data.pack import open_pack
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.site.content.case_drawing import trace
from cosmos_board.site.content.read import read_site_data
from cosmos_board.site.publish.build import build_site
from cosmos_board.site.publish.generate import SiteOptions
from cosmos_board.store.ingest import ingest

CLOSED, OPEN = "chaos", "demo-phantoms"
"""One that the catalog restricts, one that it opens; six clusters each."""


@dataclass(frozen=True)
class Built:
    """A demo folder with its site, and all that was published as text and as pictures."""

    root: Path
    text: str
    pictures: list[NDArray[np.float64]]


def _fingerprint(pixels: Pixels) -> NDArray[np.float64]:
    """Return a small grey picture without mean and scale: what survives resizing and coding."""
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2).astype(np.uint8)
    small = cv2.resize(grey, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float64)
    mark: NDArray[np.float64] = (small - small.mean()) / (small.std() + 1e-9)
    return mark


def _read(path: Path) -> str:
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pylist())
    return path.read_bytes().decode("utf-8", errors="replace")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("canary")
    packs = (root / "packs" / CLOSED, root / "packs" / OPEN)
    for seed, path in enumerate(packs):
        build_phantom_pack(path, 6, seed=seed, side=96, name=path.name, workers=1)
    settings = RunSettings(save_masks=True, prompts=("box",))
    spec = SegmenterSpec(name="box-prior")
    ingest(
        [run(RunRequest(packs=packs, specs=(spec,), out=root / "run", settings=settings)).out],
        root / "board.duckdb",
    )
    build_site(root / "board.duckdb", root / "site", SiteOptions(languages=("en", "zh")))
    files = [path for path in (root / "site").rglob("*") if path.is_file()]
    pictures = [
        _fingerprint(np.asarray(Pictures.open(io.BytesIO(path.read_bytes())).convert("L")))
        for path in files
        if path.suffix in {".webp", ".png", ".jpg", ".jpeg"}
    ]
    return Built(root, "\n".join(_read(path) for path in files), pictures)


def _is_shown(pixels: Pixels, built: Built) -> bool:
    mark = _fingerprint(pixels)
    return any(float((mark * picture).mean()) > 0.9 for picture in built.pictures)


def test_no_restricted_picture_or_outline_is_published(built: Built) -> None:
    items = list(open_pack(built.root / "packs" / CLOSED).iter_items())
    outlines = [trace(reference.mask()) for item in items for reference in item.references]

    assert not any(_is_shown(item.image.pixels, built) for item in items)
    assert not any(outline in built.text for outline in outlines)


def test_the_search_finds_what_is_open(built: Built) -> None:
    items = list(open_pack(built.root / "packs" / OPEN).iter_items())

    assert any(_is_shown(item.image.pixels, built) for item in items)


def test_no_restricted_id_is_published(built: Built) -> None:
    for item in open_pack(built.root / "packs" / CLOSED).iter_items():
        assert item.image.image_id not in built.text
        assert item.image.cluster_id not in built.text


def test_cells_of_fewer_than_ten_restricted_patients_are_suppressed(built: Built) -> None:
    """Those of others make them no more: an attacker has the open ones."""
    boards = read_site_data(built.root / "board.duckdb").boards.values()

    assert {name for board in boards for name in board.facts.datasets} == {OPEN}
    assert {board.facts.clusters for board in boards} == {6}
