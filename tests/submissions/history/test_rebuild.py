"""The board is what landed on main, checked and scored anew; the site can tell what was altered."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from cosmos_board.cli.boards.verify import command as verify
from cosmos_board.cli.submissions.publish import command as publish
from cosmos_board.core.errors import StorageError
from cosmos_board.core.masks import encode_mask
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.data.pack import open_pack
from cosmos_board.site.publish.versions import list_site, parse_list, verify_list
from cosmos_board.store.board import open_board
from cosmos_board.store.folders import MARKER
from cosmos_board.store.queries.submissions import read_ledger_table
from cosmos_board.submissions.checks import packs
from cosmos_board.submissions.checks.check import inspect_submission
from cosmos_board.submissions.history import rebuild
from cosmos_board.submissions.history.decisions import add_decision
from cosmos_board.submissions.history.rebuild import Rebuilt, rebuild_board
from cosmos_board.submissions.history.versions import read_history
from cosmos_board.submissions.pull_request import PullRequest, check_pull_request
from tests.submissions.repositories import commit_all, git, make_repository
from tests.submissions.samples import NOW, Sample, make_sample

ANN, BOB, MAX = 2002, 3003, 1001
BOLD: dict[str, Any] = {"model__name": "Bold", "authors__0__github_id": BOB}


@pytest.fixture(scope="module")
def wide_sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A submission over 12 clusters: enough for intervals."""
    root = tmp_path_factory.mktemp("wide")
    build_phantom_pack(root / "pack", 12, side=64, workers=1)
    return make_sample(root / "pack", root, ("box",))


def test_the_rendered_board_shows_what_landed_and_tells_what_was_altered(
    wide_sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = tmp_path / "hub"
    make_repository(hub)
    wide_sample.write(hub, slug="careful-boxes")
    commit_all(hub, "merge 7")
    out = tmp_path / "publish"
    words = ["--submissions", str(hub / "submissions"), "--pack", str(wide_sample.pack)]
    result = CliRunner().invoke(publish, [*words, "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    shown = json.loads((out / "entries.json").read_text())["shown"]
    assert [(entry["slug"], entry["tier"]) for entry in shown] == [("careful-boxes", "audited")]
    page = (out / "site" / "submissions" / "index.html").read_text()
    body = page[page.index("<tbody") : page.index("</table>")]
    shown_row = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.unescape(body)))
    assert "Careful boxes" in shown_row
    assert "audited" in shown_row
    assert re.search(r"0\.\d{3} ?\S+ ?0\.\d{3}", shown_row), "no interval"

    check_that_one_changed_bit_of_the_site_is_named(out / "board.duckdb", out / "site")
    monkeypatch.setattr(packs, "METRICS_VERSION", 2)
    check_that_another_benchmark_freezes_the_board(words, out / "site", tmp_path / "next")


def check_that_another_benchmark_freezes_the_board(words: list[str], site: Path, out: Path) -> None:
    before = parse_list((site / "files.json").read_bytes(), "files.json")
    asked = [*words, "--earlier", str(site), "--out", str(out)]
    result = CliRunner().invoke(publish, asked, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    kept = out / "site" / "v" / before.version
    assert list_site(kept, before.version, ()).files == dict(before.files)
    assert list(verify_list(out / "site")) == []
    entries = json.loads((out / "entries.json").read_text())
    assert [one["slug"] for one in entries["shown"]] == ["careful-boxes"], "it is scored anew"
    assert entries["frozen"] == [before.version]
    page = html.unescape((out / "site" / "submissions" / "entries" / "index.html").read_text())
    assert f'href="../../v/{before.version}/"' in page


def check_that_one_changed_bit_of_the_site_is_named(db: Path, site: Path) -> None:
    """Twenty places over pages, tables, scripts and the list itself."""
    words = ["--db", str(db), "--site", str(site)]
    assert CliRunner().invoke(verify, words).exit_code == 0
    files = [
        path
        for path in sorted(site.rglob("*"))
        if path.is_file() and not path.name.startswith(MARKER)
    ]
    chosen = [files[len(files) * number // 19] for number in range(19)] + [site / "files.json"]
    for number, path in enumerate(chosen):
        data = bytearray(path.read_bytes())
        at = len(data) * (number + 1) // 21
        data[at] ^= 1
        path.write_bytes(bytes(data))
        found = list(verify_list(site))
        assert [line.split(":")[0] for line in found] == [path.relative_to(site).as_posix()]
        data[at] ^= 1
        path.write_bytes(bytes(data))
    victim = site / "submissions" / "index.html"
    right = victim.read_bytes()
    victim.write_bytes(right.replace(b"0.", b"1.", 1))
    result = CliRunner().invoke(verify, words)
    victim.write_bytes(right)
    assert result.exit_code == 1
    assert "submissions/index.html: is not as it was published" in result.output


@pytest.fixture
def hub(sample: Sample, tmp_path: Path) -> Path:
    """Main with one entry."""
    hub = tmp_path / "hub"
    make_repository(hub)
    sample.write(hub, slug="careful-boxes")
    commit_all(hub)
    return hub


def build(hub: Path, sample: Sample, out: Path) -> Rebuilt:
    return rebuild_board(read_history(hub), [open_pack(sample.pack)], out)


def decide(hub: Path, word: str) -> None:
    add_decision(hub / "submissions", "careful-boxes", 1, word, MAX, "weights were wrong")
    commit_all(hub)


def test_words_of_maintainers_take_an_entry_off_and_bring_it_back(
    sample: Sample, hub: Path, tmp_path: Path
) -> None:
    for word, state, tier in (
        ("withdrawn", "withdrawn", "audited"),
        ("released", "shown", "audited"),
        ("re-run", "shown", "re-run"),
        ("taken-down", "taken-down", ""),
        ("released", "taken-down", ""),
    ):
        decide(hub, word)
        rebuilt = build(hub, sample, tmp_path / "out")
        with open_board(rebuilt.db) as connection:
            scores = connection.execute("SELECT count(*) FROM scores").fetchone()
            (row,) = read_ledger_table(connection).rows
        assert scores is not None
        assert bool(scores[0]) == (row.state == "shown")
        assert (row.state, row.tier) == (state, tier)
        assert row.reason == ("" if state == "shown" else "weights were wrong")
        assert row.name == ("careful-boxes" if state == "taken-down" else "Careful boxes")


def test_a_copy_of_a_withdrawn_entry_is_a_copy(sample: Sample, hub: Path, tmp_path: Path) -> None:
    decide(hub, "withdrawn")
    sample.write(hub, slug="bold-boxes", **BOLD)
    commit_all(hub)
    left_out = build(hub, sample, tmp_path / "out").left_out
    assert "same content as submissions/careful-boxes" in left_out["bold-boxes"]


def test_a_disk_of_ours_that_is_full_is_no_fault_of_an_entry(
    sample: Sample, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise StorageError("board: write: no space left on the disk")

    monkeypatch.setattr(rebuild, "score_checked", fail)
    with pytest.raises(StorageError, match="no space left"):
        build(hub, sample, tmp_path / "out")


def test_a_fault_of_ours_at_one_entry_stops_no_other(
    sample: Sample, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def fail(folder: Path, *words: Any) -> object:  # noqa: ANN401
        if folder.name == "careful-boxes":
            raise RuntimeError("one of ours")
        return inspect_submission(folder, *words)

    sample.write(hub, slug="bold-boxes", **BOLD)
    commit_all(hub)
    monkeypatch.setattr(rebuild, "inspect_submission", fail)
    rebuilt = build(hub, sample, tmp_path / "out")
    assert [row.slug for row in rebuilt.shown] == ["bold-boxes"]
    assert rebuilt.left_out == {"careful-boxes": "could not be checked (RuntimeError)"}


def test_entries_of_another_pack_leave_by_themselves(
    sample: Sample, hub: Path, tmp_path: Path
) -> None:
    build_phantom_pack(tmp_path / "other", 6, side=80, workers=1)
    packs = [open_pack(tmp_path / "other")]
    rebuilt = rebuild_board(read_history(hub), packs, tmp_path / "out")
    assert rebuilt.shown == []
    assert "content_sha256" in rebuilt.left_out["careful-boxes"]
    assert "retired or unknown" in rebuilt.left_out["careful-boxes"]


@pytest.mark.parametrize("author", [ANN + 1, 0])
def test_nobody_submits_in_anothers_name(author: int, sample: Sample, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    make_repository(hub)
    git(hub, "checkout", "-q", "-b", "proposed")
    sample.write(hub, slug="careful-boxes", authors__0__github_id=author)
    head = commit_all(hub)
    git(hub, "checkout", "-q", "main")
    report = check_pull_request(PullRequest(hub, head, ANN, now=NOW), [open_pack(sample.pack)])
    lines = report.find_lines("refused")
    assert any("none has the submitter's github_id 2002" in line for line in lines)
    ours = "github_id 0 stands for the project itself"
    assert any(ours in line for line in lines) == (author == 0)


def propose(hub: Path, sample: Sample, **changes: Any) -> list[str]:  # noqa: ANN401
    """Return why the check holds or refuses version 2 of the first entry, with these changes."""
    git(hub, "checkout", "-q", "-b", "proposed")
    shutil.rmtree(hub / "submissions" / "careful-boxes")
    sample.write(hub, slug="careful-boxes", version=2, **changes)
    head = commit_all(hub)
    git(hub, "checkout", "-q", "main")
    git(hub, "branch", "-q", "-D", "proposed")
    request = PullRequest(hub, head, ANN, now=NOW)
    report = check_pull_request(request, [open_pack(sample.pack)])
    return [*report.find_lines("refused"), *report.find_lines("held")]


def test_an_original_is_not_held_for_a_near_copy_that_was_released(
    sample: Sample, hub: Path, tmp_path: Path
) -> None:
    other = sample.table["rle"][1].as_py()
    sample.write(hub, slug="bold-boxes", table=sample.change_row(0, rle=other), **BOLD)
    commit_all(hub)
    rebuilt = build(hub, sample, tmp_path / "before")
    assert "submissions/careful-boxes; held for review" in rebuilt.left_out["bold-boxes"]
    add_decision(hub / "submissions", "bold-boxes", 1, "released", MAX, "looked at")
    commit_all(hub)
    assert propose(hub, sample, table=sample.change_row(5, rle=other)) == []


def test_a_new_version_that_copies_a_later_entry_is_held(sample: Sample, hub: Path) -> None:
    rows = sample.table.to_pylist()
    for number, row in enumerate(rows):  # so that no mask answers most of what is asked
        mask = np.zeros((row["height"], row["width"]), np.bool_)
        mask[number : number + 20, 10:40] = True
        row["rle"] = encode_mask(mask).counts
    table = pa.Table.from_pylist(rows, sample.table.schema)
    sample.write(hub, slug="bold-boxes", table=table, **BOLD)
    commit_all(hub)
    rows[0]["rle"] = rows[1]["rle"]
    copied = pa.Table.from_pylist(rows, sample.table.schema)
    (line,) = propose(hub, sample, table=copied)
    assert line.endswith("submissions/bold-boxes; held for review")
