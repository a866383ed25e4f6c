"""Pages say what is: counts once, no leader without a rank, nothing mixed, nothing hidden."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import group
from cosmos_board.core.errors import InputError
from cosmos_board.site.publish.build import build_site
from cosmos_board.site.publish.generate import SiteOptions
from cosmos_board.store.board import open_board
from tests.site.mixed import DRAWN, make_mixed_board
from tests.site.seen_tables import read_tables
from tests.site_board import MODELS, Dataset, make_board

URL = "https://lab.example/boards/cosmos"
SLICES = {
    "modalities": "i.modality", "objects": "r.object", "datasets": "i.dataset",
    "targets": "i.modality || '.' || r.object",
}  # fmt: skip
PRIVATE = {"ultrasound.nerve", "ultrasound.lesion"}


@pytest.fixture(scope="module")
def mixed_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mixed_board(tmp_path_factory.mktemp("mixed") / "board.duckdb")


@pytest.fixture(scope="module")
def public(mixed_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("public") / "site"
    build_site(mixed_db, out, SiteOptions(languages=("en", "zh"), site_url=URL))
    return out


@pytest.fixture(scope="module")
def local(mixed_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("local") / "site"
    build_site(mixed_db, out, SiteOptions(local=True))
    return out


def text_of(page: Path) -> str:
    """Return what a reader of a page reads, scripts and markup gone."""
    source = re.sub(
        r"(?s)<(script|style|nav|header|form|pre).*?</\1>", " ", page.read_text("utf-8")
    )
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", source)).split())


def csv_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


@pytest.mark.parametrize("folder", SLICES)
def test_a_cluster_or_image_of_two_targets_counts_once_on_every_index(
    folder: str, local: Path, mixed_db: Path
) -> None:
    with open_board(mixed_db) as connection:
        truth = connection.execute(
            f"""SELECT {SLICES[folder]} AS name, count(*), count(DISTINCT r.image_id),
                count(DISTINCT (i.dataset, i.cluster_id))
            FROM reference_masks r JOIN images i USING (image_id) JOIN datasets d USING (dataset)
            WHERE NOT d.synthetic OR {SLICES[folder]} NOT IN (
                SELECT {SLICES[folder]} FROM reference_masks r JOIN images i USING (image_id)
                JOIN datasets d USING (dataset) WHERE NOT d.synthetic)
            GROUP BY ALL"""
        ).fetchall()
    shown = {
        row["name"]: tuple(int(row[name]) for name in ("references", "images", "clusters"))
        for row in csv_of(local / f"data/tables/{folder}/index/index.csv")
    }

    assert shown == {name: counts for name, *counts in truth} | {
        name: tuple(counts) for name, *counts in truth
    }
    for name, counts in shown.items():
        said = text_of(local / folder / name / "index.html")
        for count, noun in zip(counts, ("reference masks", "images", "clusters"), strict=True):
            assert f" {count} {noun}" in said, (name, noun)


def test_the_home_page_counts_real_references_once(local: Path, mixed_db: Path) -> None:
    with open_board(mixed_db) as connection:
        (references,) = connection.execute(
            "SELECT count(*) FROM reference_masks r JOIN images i USING (image_id)"
            " JOIN datasets d USING (dataset) WHERE NOT d.synthetic"
        ).fetchone() or (0,)
    said = text_of(local / "index.html")

    assert f" {references} reference masks" in said
    assert " 5 targets" in said
    assert " 3 datasets" in said


def test_what_is_withheld_is_listed_with_the_rule_and_without_its_count(public: Path) -> None:
    rows = csv_of(public / "data/tables/targets/index/withheld-table.csv")

    assert {row["name"] for row in rows} == PRIVATE
    assert {row["patients"] for row in rows} == {"fewer than 10"}
    listed = {row["name"] for row in csv_of(public / "data/tables/targets/index/index.csv")}
    assert listed.isdisjoint(PRIVATE)
    assert not (public / "targets/ultrasound.nerve").exists()
    assert "site build --local shows everything" in text_of(public / "targets/index.html")


def test_a_board_that_is_withheld_altogether_never_calls_itself_empty(tmp_path: Path) -> None:
    own = (Dataset("own", "Own patients", (("ct", "lung"),), 9, 4, permissions=()),)
    db = make_board(tmp_path / "board.duckdb", MODELS[:3], own, studies=True)
    build_site(db, tmp_path / "site")

    for page in sorted((tmp_path / "site").rglob("index.html")):
        said = text_of(page)
        for wrong in ("The board is empty", "Nothing has been scored yet", "Not scored yet",
                      "has not been run on these models"):  # fmt: skip
            assert wrong not in said, (page, wrong)
    home = text_of(tmp_path / "site/index.html")
    assert "Scores exist and are withheld" in home
    assert "CT · Lung fewer than 10 Own patients" in home


def test_a_local_site_shows_everything_and_says_on_every_page_what_it_is(
    local: Path, public: Path, mixed_db: Path
) -> None:
    assert {row["name"] for row in csv_of(local / "data/tables/targets/index/index.csv")} >= PRIVATE
    for page in [*local.rglob("index.html"), local / "404.html"]:
        source = page.read_text("utf-8")
        assert "local: not for publication" in source, page
        assert '<meta name="robots" content="noindex' in source, page
    for page in public.rglob("index.html"):
        assert "local: not for publication" not in page.read_text("utf-8"), page
    done = CliRunner().invoke(group, ["verify", "--db", str(mixed_db), "--site", str(local)])
    assert done.exit_code == 0, done.output


def test_a_site_of_another_database_is_told_in_one_line(public: Path, tmp_path: Path) -> None:
    other = make_board(
        tmp_path / "other.duckdb", MODELS[:1], (Dataset("a", "A", (("ct", "lung"),)),)
    )
    with pytest.raises(InputError, match="of another database: rebuild it") as caught:
        CliRunner().invoke(
            group, ["verify", "--db", str(other), "--site", str(public)], catch_exceptions=False
        )
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def rows_of(path: Path) -> Iterator[tuple[set[str], str]]:
    """Yield the texts of each row of a data file, and what it says of its images."""
    if path.suffix == ".csv":
        for row in csv_of(path):
            yield set(row.values()), row.get("data", "")
    elif path.suffix == ".json":
        yield from parts_of(json.loads(path.read_text("utf-8")))
    elif path.suffix == ".parquet":
        for row in pq.read_table(path, columns=["slice", "synthetic"]).to_pylist():
            yield {row["slice"]}, str(row["synthetic"])


def parts_of(document: Any) -> Iterator[tuple[set[str], str]]:  # noqa: ANN401 - any JSON
    """Yield the names that a document labels, or all its text where it labels nothing."""
    if "slices" in document:
        for one in document["slices"]:
            yield {one["name"]}, str(one["synthetic"])
    elif "submissions" in document:
        for part in (document["targets"], *document["submissions"].values()):
            for name, one in part.items():
                yield {name}, str(one["synthetic"])
    else:
        yield {json.dumps(document, ensure_ascii=False)}, ""


def test_no_table_or_figure_mixes_real_and_synthetic_images(public: Path, local: Path) -> None:
    drawn, real = DRAWN | {"CT · Disc", "Synthetic · Disc"}, {"ct.lung", "ct.heart", "CT · Heart"}
    looked = 0
    for site in (public, local):
        for path in sorted((site / "data").rglob("*")):
            if not path.is_file() or path.name in ("manifest.json", "ranks.json"):
                continue
            kinds: dict[str, set[str]] = {"drawn": set(), "real": set()}
            for texts, label in rows_of(path):
                for kind, names in (("drawn", drawn), ("real", real)):
                    if any(name in text for text in texts for name in names):
                        kinds[kind].add(label)
            if kinds["drawn"] and kinds["real"]:
                assert kinds["drawn"].isdisjoint(kinds["real"]), path
            looked += 1
    assert looked > 300


def test_submissions_stand_beside_full_runs_with_their_badges(public: Path) -> None:
    for page in ("index.html", "targets/ct.lung/index.html", "modalities/ct/index.html",
                 "datasets/chest/index.html", "advisor/index.html",
                 "models/index.html"):  # fmt: skip
        source = (public / page).read_text("utf-8")
        assert 'models/sent-core/">Sent core</a>' in source, page
        assert '<span class="cb-badge">core</span>' in source, page
        assert re.search('class="cb-badge" title="[^"]*nobody checked[^"]*">self-reported', source)
    own = read_tables(public / "models/sent-core/index.html")
    assert {row["slice"].name for row in own["targets-table-core"].records()} >= {"ct.lung"}
    assert "Not scored" not in text_of(public / "models/sent-core/index.html")
    full = read_tables(public / "targets/ct.lung/index.html")["board"]
    assert not any(row["model"].name.startswith("sent-") for row in full.records())
    compared = json.loads((public / "data/compare/box.core.json").read_text())
    assert compared["models"] == ["sent-core", "sent-core-2"]
    assert compared["track"] == "core"
    tracks = set(pq.read_table(public / "data/cells.parquet")["track"].to_pylist())
    assert tracks == {"full", "core", "counts"}
    advice = json.loads((public / "data/advice.json").read_text())
    assert set(advice["submissions"]) == {"core", "counts"}
    assert "ct.lung" in advice["submissions"]["core"]


def test_each_language_has_its_own_address_everywhere(public: Path) -> None:
    for root, base in ((public, f"{URL}/"), (public / "zh", f"{URL}/zh/")):
        page = (root / "models/index.html").read_text("utf-8")
        assert f'rel="canonical" href="{base}models/"' in page
        places = re.findall("<loc>([^<]*)", (root / "sitemap.xml").read_text("utf-8"))
        assert places
        assert all(place.startswith(base) for place in places)
        assert not any("/zh/" in place for place in places if root == public)
        lost = (root / "404.html").read_text("utf-8")
        assert f'href="{base.removeprefix("https://lab.example")}targets/"' in lost
    assert re.search(f'url\\s+= {{{URL}/models/sam-vit-b/}}',
                     (public / "models/sam-vit-b/index.html").read_text("utf-8"))  # fmt: skip
    assert "year   = {2026}" in (public / "models/sam-vit-b/index.html").read_text("utf-8")


def test_the_chinese_404_leads_to_chinese_pages_without_an_address_too(site: Path) -> None:
    assert 'href="/zh/targets/"' in (site / "zh/404.html").read_text("utf-8")
    assert 'href="/targets/"' in (site / "404.html").read_text("utf-8")


def test_the_advisor_is_linked_from_where_the_question_comes_up(public: Path) -> None:
    for page in ("index.html", "targets/ct.lung/index.html", "models/sam-vit-b/index.html",
                 "findings/index.html"):  # fmt: skip
        body = (public / page).read_text("utf-8").partition("<article")[2]
        assert re.search(r'href="[^"]*advisor/', body), page
    assert "advisor/?modality=ct&amp;object=lung" in (
        public / "targets/ct.lung/index.html"
    ).read_text("utf-8")
