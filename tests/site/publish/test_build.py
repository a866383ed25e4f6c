"""The whole site, built by the engine from a planted board."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest

from cosmos_board.board.verify import verify_files
from cosmos_board.core.errors import InputError, InUseError
from cosmos_board.site.components.page import SLOT
from cosmos_board.site.publish.build import build_site
from cosmos_board.site.publish.generate import SiteOptions
from cosmos_board.store.board import open_board
from cosmos_board.store.folders import replace_folder


class Reader(HTMLParser):
    """Collects links, ids, scripts and tags of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.append(value or "")
            if name in {"src", "data-plot"} or (name == "href" and tag == "link"):
                self.sources.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name.startswith("on"):
                self.handlers.append(f"{tag} {name}")


def read_page(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    return reader


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table's JSON as mappings."""
    document = json.loads(path.read_text("utf-8"))
    return [dict(zip(document["columns"], row, strict=True)) for row in document["rows"]]


def pages_of(site: Path) -> list[Path]:
    return sorted(path for path in site.rglob("*.html") if path.name == "index.html")


def test_every_link_and_anchor_inside_the_site_resolves(site: Path) -> None:
    ids = {page: set(read_page(page).ids) for page in pages_of(site)}
    broken = []
    for page in ids:
        reader = read_page(page)
        for link in [*reader.links, *reader.sources]:
            address, anchor = urldefrag(link)
            if re.match(r"[a-z]+:", address) or link in {"", "#"}:
                continue
            target = (page.parent / unquote(address.split("?")[0])).resolve() if address else page
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                broken.append(f"{page.relative_to(site)}: {link}")
            elif anchor and anchor not in ids.get(target, {anchor}):
                broken.append(f"{page.relative_to(site)}: {link}: no such anchor")

    assert broken == []


def test_no_slot_is_left_and_no_id_is_used_twice(site: Path) -> None:
    for page in pages_of(site):
        text = page.read_text("utf-8")
        assert not SLOT.findall(text), page
        ids = read_page(page).ids
        assert [name for name in ids if ids.count(name) > 1] == [], page


def test_a_page_stays_within_its_budget(site: Path) -> None:
    assert max(page.stat().st_size for page in pages_of(site)) <= 150_000


def test_tables_stay_out_of_the_search_index(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    texts = " ".join(entry["text"] for entry in index["docs"])

    assert "targets" in texts
    assert "cb-table" not in texts
    assert "0.9" not in texts or "&lt;table" not in texts


def test_built_twice_on_different_days_and_in_different_folders_gives_the_same_bytes(
    site: Path, board_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, now = tmp_path / "elsewhere", time.time
    monkeypatch.setattr(time, "time", lambda: now() + 40 * 86_400)
    build_site(board_db, again, SiteOptions(languages=("en", "zh")))

    names = sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    assert names == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert [n for n in names if (site / n).read_bytes() != (again / n).read_bytes()] == []


def test_numbers_on_a_page_equal_a_query(site: Path, board_db: Path) -> None:
    """Dice of a target: the mean over clusters of the mean over a cluster's references."""
    with open_board(board_db) as connection:
        expected = dict(
            connection.execute(
                """SELECT model, avg(dice) FROM (
                     SELECT s.model, i.cluster_id, avg(2.0 * tp / (2 * tp + fp + fn)) AS dice
                     FROM scores s JOIN reference_masks r USING (reference_id)
                     JOIN images i USING (image_id)
                     WHERE i.modality = 'ct' AND r.object = 'lung' AND s.prompt = 'box'
                       AND s.selection = 'predicted' AND s.study = 'main'
                     GROUP BY ALL) GROUP BY model"""
            ).fetchall()
        )
    text = (site / "data/tables/targets/ct.lung/board.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    shown = (site / "targets/ct.lung/index.html").read_text("utf-8")

    assert {row["model"] for row in rows} == set(expected)
    for row in rows:
        assert float(row["score"]) == pytest.approx(expected[row["model"]], abs=1e-6)
        assert f">{float(row['score']):.3f}<td" in shown


def test_a_target_under_ten_clusters_shows_no_interval(site: Path) -> None:
    rows = rows_of(site / "data/tables/targets/ultrasound.nerve/board.json")

    assert rows
    assert all(row["low"] is None and row["rank_low"] is None for row in rows)
    assert "Too few clusters to rank" in (site / "targets/ultrasound.nerve/index.html").read_text(
        "utf-8"
    )


def test_an_unsupported_prompt_is_named_and_never_a_zero(site: Path) -> None:
    page = (site / "prompts/everything/index.html").read_text("utf-8")

    assert re.search(r"Box prior</a>.*?unsupported", page, re.DOTALL)
    rows = rows_of(site / "data/tables/prompts/everything/board.json")
    assert "box-prior" not in {row["model"] for row in rows}


def test_both_languages_have_the_same_generated_pages_and_link_to_each_other(site: Path) -> None:
    english = {p.relative_to(site) for p in pages_of(site) if "zh" not in p.parts}
    chinese = {p.relative_to(site / "zh") for p in pages_of(site / "zh")}

    assert chinese == english
    page = (site / "zh/models/sam-vit-b/index.html").read_text("utf-8")
    assert 'lang="zh' in page
    assert 'href="../../../models/sam-vit-b/"' in page


def test_what_is_published_can_be_derived_again(site: Path, board_db: Path) -> None:
    from cosmos_board.site.publish.generate import generate_site

    assert verify_files(generate_site(board_db).files, site) == []


def test_every_data_file_is_in_the_manifest_with_its_length(site: Path) -> None:
    listed = json.loads((site / "data/manifest.json").read_text())["files"]
    files = {p.relative_to(site).as_posix() for p in (site / "data").rglob("*") if p.is_file()}

    assert {entry["path"] for entry in listed} == files - {"data/manifest.json"}
    for entry in listed[::17]:
        assert (site / entry["path"]).stat().st_size == entry["bytes"]


def test_hostile_names_stay_text_on_every_page(site: Path) -> None:
    found = 0
    for page in pages_of(site):
        text = page.read_text("utf-8")
        found += "alert(1)" in text or "alert&#40;1" in text
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page
        assert "document.title=" not in text.replace("document.title=&#39;", ""), page
        reader = read_page(page)
        assert not [link for link in reader.links if link.lower().startswith("javascript:")], page
        assert not reader.handlers, page
    assert found > 5


def test_an_empty_board_says_so_and_builds(empty_site: Path) -> None:
    assert "The board is empty" in (empty_site / "index.html").read_text("utf-8")
    assert (empty_site / "docs/definitions/index.html").is_file()


def test_every_metric_and_factor_has_a_definition_to_link_to(site: Path) -> None:
    from cosmos_board.factors.table import FACTORS
    from cosmos_board.metrics.table import METRICS

    ids = set(read_page(site / "docs/definitions/index.html").ids)

    assert set(METRICS) | set(FACTORS) <= ids


def test_a_file_that_is_no_board_is_refused_in_one_line(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.duckdb"
    wrong.write_text("not a database")

    with pytest.raises(InputError, match="no board database"):
        build_site(wrong, tmp_path / "site")
    with pytest.raises(InputError, match="no such file"):
        build_site(tmp_path / "absent.duckdb", tmp_path / "site")


def test_nothing_of_the_users_is_destroyed_by_a_build(board_db: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(board_db, project / "board.duckdb")
    (project / "a-thesis.tex").write_text("years of work")

    with pytest.raises(InputError, match=r"--out: holds .*board.duckdb, which is read"):
        build_site(project / "board.duckdb", project)
    with pytest.raises(InputError, match=r"a-thesis.tex: was not written here"):
        build_site(board_db, project)

    assert (project / "a-thesis.tex").read_text() == "years of work"
    assert (project / "board.duckdb").is_file()


def test_a_board_that_is_being_written_leaves_the_old_site(board_db: Path, tmp_path: Path) -> None:
    db, out = tmp_path / "board.duckdb", tmp_path / "site"
    shutil.copy(board_db, db)
    with replace_folder(out, "site") as work:
        (work / "index.html").write_text("the old site")
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", script, str(db)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            with pytest.raises(InUseError, match="another process has it open"):
                build_site(db, out)
        finally:
            holder.kill()

    assert (out / "index.html").read_text() == "the old site"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board.duckdb", "site"]
