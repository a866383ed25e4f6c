"""Where no target has 10 clusters, no page and no command names a leader, a tie or a 0 %."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import group
from cosmos_board.site.publish.build import build_site
from cosmos_board.site.publish.generate import SiteOptions
from tests.site_board import MODELS, Dataset, make_board

CLAIMS = re.compile(
    r"\b(best|leads?|leader|tied?|ties|won|lost|wins|ranked first)\b|(?<![\d.–])0 ?%"
    r"|最好|最佳|领先|并列|排名第一",
    re.IGNORECASE,
)
TEXTS = ("docs/", "submit/", "datasets/catalogue/", "findings/", "404")
"""Pages that say nothing of this board's data, and those that quote the claims of the study."""

SHOWN = ("aria-label", "title", "alt")
SETS = (
    Dataset("chest", "Chest", (("ct", "lung"), ("ct", "heart")), 9, 2),
    Dataset("nerves", "Nerves", (("ultrasound", "nerve"),), 1, 4),
)


class _Reader(HTMLParser):
    """Collects what a reader of a page sees or hears, and what its scripts may say."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag in ("script", "style")
        self.said += [value for name, value in attrs if value and name in SHOWN]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.said.append(data)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_board(tmp_path_factory.mktemp("few") / "board.duckdb", MODELS, SETS)


def test_no_page_claims_what_few_clusters_cannot_show(db: Path, tmp_path: Path) -> None:
    build_site(db, tmp_path / "site", SiteOptions(languages=("en", "zh")))
    claims = []
    for page in sorted((tmp_path / "site").rglob("*.html")):
        path = page.relative_to(tmp_path / "site").as_posix()
        if path.removeprefix("zh/").startswith(TEXTS):
            continue
        reader = _Reader()
        reader.feed(page.read_text("utf-8"))
        claims += [f"{path}: {text.strip()}" for text in reader.said if CLAIMS.search(text)]

    assert claims == []
    assert "Too few clusters to rank" in (tmp_path / "site/index.html").read_text("utf-8")


@pytest.mark.parametrize(
    "command", ["rank", "rank --by target", "compare sam-vit-h box-prior", "rank --format json"]
)
def test_no_command_claims_it_either(command: str, db: Path) -> None:
    name, *options = command.split()

    done = CliRunner().invoke(group, [name, *options, "--db", str(db)], catch_exceptions=False)

    assert done.exit_code == 0
    assert [line for line in done.output.splitlines() if CLAIMS.search(line)] == []
    assert "too few clusters" in done.output or "not tested" in done.output
