"""One planted board and the site made of it, shared by the tests of the site."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from cosmos_board.site.content.read import read_site_data
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.publish.build import build_site
from cosmos_board.site.publish.generate import SiteOptions
from tests.site_board import MODELS, Dataset, Model, make_board

SMALL = (
    Dataset("chest-ct", "Chest CT", (("ct", "lung"), ("ct", "heart")), 12, 2),
    Dataset("brain-mr", "Brain MR", (("mr-t1", "grey-matter"),), 11, 2),
    Dataset("few", "Few patients", (("ultrasound", "nerve"),), 5, 2),
)
HOSTILE = Model(
    "evil-sam",
    "<script>alert(1)</script>\"'|`*_[x](javascript:alert(1)) {% raw %}",
    "<img src=x onerror=alert(1)>",
    "promptable",
    0.5,
    description="</p><script>document.title='owned'</script> | `code` & <!--cb:part-1-->",
)


@pytest.fixture(scope="session")
def board_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_board(
        tmp_path_factory.mktemp("board") / "board.duckdb", (*MODELS, HOSTILE), SMALL, studies=True
    )


@pytest.fixture(scope="session")
def data(board_db: Path) -> SiteData:
    return read_site_data(board_db)


@pytest.fixture(scope="session")
def site(board_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site in both languages; whichever worker of pytest-xdist asks first builds it."""
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "served" / "site"
    out.parent.mkdir(exist_ok=True)
    with FileLock(out.parent / "lock"):
        if not out.exists():
            build_site(board_db, out, SiteOptions(languages=("en", "zh")))
    return out


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("empty") / "site"
    build_site(None, out)
    return out
