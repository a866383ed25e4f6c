"""Where no target has 10 clusters, no page and no command names a leader, a tie or a 0 %."""

from __future__ import annotations

import json
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
    r"\b(best|leads?|leader|tied?|ties|won|(?<!may be )lost|wins|ranked first)\b|(?<![\d.–])0 ?%"
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
    path = tmp_path_factory.mktemp("few") / "board.duckdb"
    return make_board(path, MODELS, SETS, studies=True)


@pytest.fixture(scope="module")
def few(db: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("few-site") / "site"
    build_site(db, out, SiteOptions(languages=("en", "zh")))
    return out


def test_no_page_claims_what_few_clusters_cannot_show(few: Path) -> None:
    claims = []
    for page in sorted(few.rglob("*.html")):
        path = page.relative_to(few).as_posix()
        if path.removeprefix("zh/").startswith(TEXTS):
            continue
        reader = _Reader()
        reader.feed(page.read_text("utf-8"))
        claims += [f"{path}: {text.strip()}" for text in reader.said if CLAIMS.search(text)]

    assert claims == []
    assert "Too few clusters to rank" in (few / "index.html").read_text("utf-8")


def test_no_download_holds_a_rank(few: Path) -> None:
    boards = sorted(few.glob("data/tables/**/board.json"))
    for path in boards:
        document = json.loads(path.read_text("utf-8"))
        places = [document["columns"].index(name) for name in ("rank", "low", "failure", "letters")]
        assert {row[place] for row in document["rows"] for place in places} == {None, ""}, path

    assert len(boards) > 5
    assert not any(json.loads((few / "data/ranks.json").read_bytes())["ranks"].values())


@pytest.mark.parametrize(
    "command",
    [
        "rank", "rank --by target", "rank --format json", "compare sam-vit-h box-prior",
        "advise --modality ct --object lung", "analyse clicks",
    ],
)  # fmt: skip
def test_no_command_claims_it_either(command: str, db: Path) -> None:
    name, *options = command.split()

    done = CliRunner().invoke(group, [name, *options, "--db", str(db)], catch_exceptions=False)

    claims = [line for line in done.output.splitlines() if CLAIMS.search(line)]
    assert done.exit_code == 0
    assert claims == []
    assert not re.search(r"\bbetter\b", done.output)
    assert name == "analyse" or re.search("too few (clusters|to recommend)|not tested", done.output)
