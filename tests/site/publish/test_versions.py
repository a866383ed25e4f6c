"""Earlier boards stay as they were, and a published site can tell what was changed in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.site.publish.versions import (
    FILES,
    NOTHING,
    Published,
    dump_list,
    keep_frozen,
    list_site,
    parse_list,
    read_folder,
    read_published,
    read_web,
    verify_list,
    write_list,
)

OLD, NEW, NEWEST = "a" * 16, "b" * 16, "c" * 16


def publish(site: Path, version: str, text: str, earlier: Path | None = None) -> Published:
    """Stand for a build: one page, then what is kept, then the list."""
    read = read_folder(earlier) if earlier else lambda _: None
    before = read_published(read)
    (site / "models").mkdir(parents=True)
    (site / "models" / "index.html").write_text(text)
    keep_frozen(read, before, site, version)
    published = list_site(site, version, before.keep(version))
    write_list(site, published)
    return published


def test_the_first_site_keeps_nothing(tmp_path: Path) -> None:
    assert publish(tmp_path / "a", OLD, "old").frozen == ()
    assert list(verify_list(tmp_path / "a")) == []
    assert not (tmp_path / "a" / "v").exists()


def test_the_board_of_an_earlier_version_stays_through_two_changes(tmp_path: Path) -> None:
    publish(tmp_path / "a", OLD, "old")
    assert publish(tmp_path / "b", NEW, "new", tmp_path / "a").frozen == (OLD,)
    last = publish(tmp_path / "c", NEWEST, "newest", tmp_path / "b")
    assert last.frozen == (OLD, NEW)
    for version, text in ((OLD, "old"), (NEW, "new")):
        kept = tmp_path / "c" / "v" / version / "models" / "index.html"
        assert kept.read_text() == text
    assert not (tmp_path / "c" / "v" / NEW / "v").exists()
    assert list(verify_list(tmp_path / "c")) == []


def test_the_same_version_again_and_a_version_that_comes_back_rewrite_nothing(
    tmp_path: Path,
) -> None:
    publish(tmp_path / "a", OLD, "old")
    assert publish(tmp_path / "b", OLD, "old, more", tmp_path / "a").frozen == ()
    publish(tmp_path / "c", NEW, "new", tmp_path / "b")
    back = publish(tmp_path / "d", OLD, "old once more", tmp_path / "c")
    assert back.frozen == (OLD, NEW)
    assert publish(tmp_path / "e", NEWEST, "x", tmp_path / "d").frozen == (OLD, NEW)
    kept = tmp_path / "e" / "v" / OLD / "models" / "index.html"
    assert kept.read_text() == "old, more"


def test_an_earlier_site_that_was_altered_is_not_kept_in_silence(tmp_path: Path) -> None:
    publish(tmp_path / "a", OLD, "old")
    (tmp_path / "a" / "models" / "index.html").write_text("better")
    with pytest.raises(InputError, match=r"models/index.html: is not as it was published"):
        publish(tmp_path / "b", NEW, "new", tmp_path / "a")


def test_of_what_was_taken_down_nothing_is_kept(tmp_path: Path) -> None:
    """Neither by slug nor by name, however a file writes it; nor in what cannot be looked into."""
    old = tmp_path / "a"
    for path, text in {
        "models/evil-sam/index.html": "x",
        "models/index.html": '<a href="evil-sam/">x</a>',
        "data/rank.json": '["\\u00c9vil & Sam"]',
        "index.html": "Évil &amp; Sam leads",
        "data/cells.parquet": "PAR1",
        "models/evil-sam-2/index.html": "another's",
    }.items():
        (old / path).parent.mkdir(parents=True, exist_ok=True)
        (old / path).write_text(text)
    write_list(old, list_site(old, OLD, ()))
    site, before = tmp_path / "b", read_published(read_folder(old))
    keep_frozen(read_folder(old), before, site, NEW, without={"evil-sam": ["Évil & Sam"]})
    kept = {path.relative_to(site / "v" / OLD).as_posix(): path.read_text()
            for path in site.rglob("*") if path.is_file()}  # fmt: skip
    assert kept.pop("models/evil-sam-2/index.html") == "another's"
    assert kept.keys() == {"index.html", "models/index.html"}
    assert all("named an entry that was taken down" in text for text in kept.values())


def test_a_list_names_the_commit_it_was_made_of(tmp_path: Path) -> None:
    publish(tmp_path / "a", OLD, "old")
    assert read_published(read_folder(tmp_path / "a")).head == "", "lists of before have none"
    write_list(tmp_path / "a", list_site(tmp_path / "a", OLD, (), "f" * 40))
    assert read_published(read_folder(tmp_path / "a")).head == "f" * 40


def test_every_altered_lost_or_added_file_is_named(tmp_path: Path) -> None:
    site = tmp_path / "a"
    publish(site, OLD, "old")
    (site / "robots.txt").write_text("x")
    assert list(verify_list(site)) == ["robots.txt: was not published"]
    (site / "robots.txt").unlink()
    (site / "models" / "index.html").write_text("olD")
    assert list(verify_list(site)) == ["models/index.html: is not as it was published"]
    (site / "models" / "index.html").unlink()
    assert list(verify_list(site)) == ["models/index.html: is missing, though it was published"]


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//b", "a\\b"])
def test_a_list_cannot_name_a_place_outside(path: str) -> None:
    data = dump_list(Published(version=OLD, frozen=(), files={path: "0" * 64}))
    with pytest.raises(InputError, match="names a place outside"):
        parse_list(data, FILES)


def test_every_bit_of_a_list_counts(tmp_path: Path) -> None:
    publish(tmp_path / "a", OLD, "old")
    data = (tmp_path / "a" / FILES).read_bytes()
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        (tmp_path / "a" / FILES).write_bytes(bytes(changed))
        assert list(verify_list(tmp_path / "a")), at


def test_nothing_published_is_not_the_same_as_not_readable() -> None:
    assert read_published(lambda _: None) == NOTHING
    with pytest.raises(InputError, match="is no https address"):
        read_web("http://example.org")
