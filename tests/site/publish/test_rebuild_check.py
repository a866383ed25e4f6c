"""At night the published site is compared with a rebuild."""

from __future__ import annotations

from pathlib import Path

from cosmos_board.site.publish.rebuild_check import compare_sites, main
from cosmos_board.site.publish.versions import list_site, read_folder, write_list

VERSION = "a" * 16
TABLE = "data/tables/submissions/index/demo.csv"


def build(site: Path, score: str = "0.5") -> Path:
    (site / TABLE).parent.mkdir(parents=True)
    (site / TABLE).write_text(f"model,score\na,{score}\n")
    (site / "models").mkdir()
    (site / "models" / "index.html").write_text(
        '<a href="../">home</a><a href="#x">x</a><img src="data:,"><a href="https://e.org/x">e</a>'
    )
    (site / "index.html").write_text('<a href="models/">models</a>')
    write_list(site, list_site(site, VERSION, ()))
    return site


def test_a_site_that_equals_its_rebuild_is_right(tmp_path: Path) -> None:
    published, rebuilt = build(tmp_path / "a"), build(tmp_path / "b")
    assert list(compare_sites(read_folder(published), rebuilt)) == []
    words = ["--published", str(published), "--rebuilt", str(rebuilt)]
    assert main(words) == 0
    (published / "index.html").write_text("x")
    assert main(words) == 1


def test_what_was_altered_and_what_is_stale_are_named(tmp_path: Path) -> None:
    published, rebuilt = build(tmp_path / "a"), build(tmp_path / "b", "0.6")
    (published / "index.html").write_text('<a href="models/">modelz</a>')
    assert list(compare_sites(read_folder(published), rebuilt)) == [
        "index.html: is not as it was published",
        f"{TABLE}: differs from a rebuild, so it was altered or is stale",
    ]


def test_a_comparison_that_finds_nothing_is_a_problem(tmp_path: Path) -> None:
    """A wrong address looks like a site that was never published."""
    rebuilt = build(tmp_path / "a")
    want = "files.json: there is no published site here, so nothing was compared"
    assert list(compare_sites(lambda _: None, rebuilt)) == [want]
    published = build(tmp_path / "b")
    (published / TABLE).unlink()
    write_list(published, list_site(published, VERSION, ()))
    assert list(compare_sites(read_folder(published), rebuilt)) == [
        "data/tables/submissions/: no table of scores was published, so none was compared",
        f"{TABLE}: differs from a rebuild, so it was altered or is stale",
    ]
