from __future__ import annotations

import html
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.publish import command as publish
from cosmos_board.cli.verify import command as verify
from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.data.pack import open_pack
from cosmos_board.site.frozen import list_site, parse_list, verify_list
from cosmos_board.submissions import rebuild
from cosmos_board.submissions import sample as sample_module
from cosmos_board.submissions.accepted import accept_submission
from cosmos_board.submissions.events import withdraw_submission
from cosmos_board.submissions.gate import judge
from cosmos_board.submissions.ledger import verify_ledger
from cosmos_board.submissions.rebuild import rebuild_board
from cosmos_board.submissions.report import write_report
from cosmos_board.submissions.respond import respond
from tests.submissions.repositories import commit_all, git, make_repository
from tests.submissions.samples import NOW, Sample, make_sample

ANN, BOB = 2002, 3003


@pytest.fixture(scope="module")
def wide_sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A submission over 12 clusters: enough for intervals."""
    root = tmp_path_factory.mktemp("wide")
    build_phantom_pack(root / "pack", 12, side=64, workers=1)
    return make_sample(root / "pack", root, ("box",))


def test_from_a_run_over_a_merge_to_the_rendered_board(
    wide_sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, fork = tmp_path / "hub", tmp_path / "fork"
    base = make_repository(hub)
    git(tmp_path, "clone", "-q", str(hub), str(fork))
    git(fork, "checkout", "-q", "-b", "careful")
    wide_sample.write(fork, slug="careful-boxes")
    head = commit_all(fork)
    packs = [open_pack(wide_sample.pack)]

    report = judge(fork, base, head, ANN, hub / "submissions", packs, NOW)
    assert report.refused == []
    assert report.held == []
    assert any("rank 1" in line and "dataset:phantoms, box, predicted" in line
               for line in report.standing)  # fmt: skip

    (tmp_path / "artifact").mkdir()
    write_report(tmp_path / "artifact" / "report.json", report)
    pulls = [{"number": 7, "state": "open", "head": {"sha": head}, "changed_files": 2}]
    files = [
        {"filename": f"submissions/careful-boxes/{name}"}
        for name in ("submission.yaml", "predictions.parquet")
    ]
    answer = respond(tmp_path / "artifact", head, pulls, files)
    assert answer is not None
    assert (answer.number, answer.state) == (7, "success")

    git(hub, "fetch", "-q", str(fork), "careful")
    git(hub, "merge", "-q", "--no-ff", "-m", "merge 7", "FETCH_HEAD")
    root = hub / "submissions"
    accept_submission(
        root, "careful-boxes", wide_sample.context, submitter=ANN, pull_request=7, head=head
    )
    merged = commit_all(hub, "accept careful-boxes")
    assert verify_ledger(root) == []

    out = tmp_path / "publish"
    words = ["--submissions", str(root), "--pack", str(wide_sample.pack), "--out", str(out)]
    result = CliRunner().invoke(publish, words, catch_exceptions=False)
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
    check_that_nobody_else_can_have_the_slug(wide_sample, hub, merged, tmp_path)
    monkeypatch.setattr(sample_module, "METRICS_VERSION", 2)
    check_that_another_benchmark_freezes_the_board(words[:4], out / "site", tmp_path / "next")


def check_that_another_benchmark_freezes_the_board(words: list[str], site: Path, out: Path) -> None:
    before = parse_list((site / "files.json").read_bytes(), "files.json")
    asked = [*words, "--earlier", str(site), "--out", str(out)]
    result = CliRunner().invoke(publish, asked, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    kept = out / "site" / "v" / before.version
    assert list_site(kept, before.version, ()).files == dict(before.files)
    assert list(verify_list(out / "site")) == []
    entries = json.loads((out / "entries.json").read_text())
    assert (entries["shown"], entries["frozen"]) == ([], [before.version])
    page = html.unescape((out / "site" / "submissions" / "entries" / "index.html").read_text())
    assert "left-out" in page
    assert f"benchmark: version: is another (got {before.version}" in page
    assert f'href="../../v/{before.version}/"' in page


def check_that_one_changed_bit_of_the_site_is_named(db: Path, site: Path) -> None:
    """Twenty places over pages, tables, scripts and the list itself."""
    words = ["--db", str(db), "--site", str(site)]
    assert CliRunner().invoke(verify, words).exit_code == 0
    files = [path for path in sorted(site.rglob("*")) if path.is_file()]
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


def check_that_nobody_else_can_have_the_slug(
    sample: Sample, hub: Path, base: str, tmp_path: Path
) -> None:
    rival = tmp_path / "rival"
    git(tmp_path, "clone", "-q", str(hub), str(rival))
    folder = rival / "submissions" / "careful-boxes"
    manifest = (folder / "submission.yaml").read_text()
    (folder / "submission.yaml").write_text(manifest.replace("\nversion: 1", "\nversion: 2"))
    head = commit_all(rival)
    packs = [open_pack(sample.pack)]
    report = judge(rival, base, head, BOB, hub / "submissions", packs, NOW)
    assert report.refused == ["submissions/careful-boxes: owner is user id 2002, PR author is 3003"]
    with pytest.raises(InputError, match="owner is user id 2002, submitter is 3003"):
        accept_submission(
            rival / "submissions", "careful-boxes", sample.context,
            submitter=BOB, pull_request=8, head=head,
        )  # fmt: skip


@pytest.fixture
def accepted(sample: Sample, tmp_path: Path) -> Path:
    """A submissions folder with one accepted entry."""
    sample.write(tmp_path, slug="careful-boxes")
    root = tmp_path / "submissions"
    accept_submission(
        root, "careful-boxes", sample.context, submitter=ANN, pull_request=1, head="a" * 40
    )
    return root


def test_a_withdrawn_entry_leaves_the_board_and_keeps_its_slug(
    sample: Sample, accepted: Path, tmp_path: Path
) -> None:
    withdraw_submission(accepted, "careful-boxes", "weights were wrong", NOW)
    rebuilt = rebuild_board(accepted, [open_pack(sample.pack)], tmp_path / "out")
    assert (rebuilt.shown, rebuilt.problems) == ([], [])
    with pytest.raises(InputError, match="owner is user id 2002"):
        accept_submission(
            accepted, "careful-boxes", sample.context, submitter=BOB, pull_request=2, head="b" * 40
        )


def test_a_disk_of_ours_that_is_full_is_no_fault_of_an_entry(
    sample: Sample, accepted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise StorageError("board: write: no space left on the disk")

    monkeypatch.setattr(rebuild, "score_submission", fail)

    with pytest.raises(StorageError, match="no space left"):
        rebuild_board(accepted, [open_pack(sample.pack)], tmp_path / "out")


def test_entries_of_another_benchmark_version_leave_by_themselves(
    sample: Sample, accepted: Path, tmp_path: Path
) -> None:
    build_phantom_pack(tmp_path / "other", 6, side=80, workers=1)
    rebuilt = rebuild_board(accepted, [open_pack(tmp_path / "other")], tmp_path / "out")
    assert rebuilt.shown == []
    assert "content_sha256" in rebuilt.left_out["careful-boxes"]
    assert "retired or unknown" in rebuilt.left_out["careful-boxes"]


def test_one_changed_bit_anywhere_is_named(accepted: Path, tmp_path: Path) -> None:
    places = [
        (path, at)
        for path in sorted(accepted.rglob("*"))
        if path.is_file()
        for at in [int(path.stat().st_size * part / 8) for part in range(1, 8)]
    ]
    assert len(places) >= 20
    for number, (path, at) in enumerate(places):
        copy = tmp_path / f"copy{number}" / "submissions"
        shutil.copytree(accepted, copy)
        victim = copy / path.relative_to(accepted)
        data = bytearray(victim.read_bytes())
        data[at] ^= 1
        victim.write_bytes(bytes(data))
        found = verify_ledger(copy)
        assert found, (path.name, at)
        assert path.name in {Path(one.path).name for one in found}


def test_a_version_must_be_the_next(sample: Sample, accepted: Path) -> None:
    context = replace(sample.context)
    with pytest.raises(InputError, match=r"version: is not the next \(got 1, want 2\)"):
        accept_submission(
            accepted, "careful-boxes", context, submitter=ANN, pull_request=3, head="c" * 40
        )


def test_nobody_submits_in_anothers_name(sample: Sample, tmp_path: Path) -> None:
    for number, (author, says) in enumerate(
        [(ANN + 1, "none has the submitter's github_id 2002"), (0, "none has the submitter's")]
    ):
        root = tmp_path / str(number)
        sample.write(root, slug="careful-boxes", authors__0__github_id=author)
        with pytest.raises(InputError, match=says):
            accept_submission(
                root / "submissions", "careful-boxes", sample.context,
                submitter=ANN, pull_request=1, head="a" * 40,
            )  # fmt: skip
