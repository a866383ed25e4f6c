"""A folder is replaced as a whole, only where it is ours, and never over what is read for it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from cosmos_board.core.errors import CosmosBoardError, InputError, InUseError, StorageError
from cosmos_board.store import folders
from cosmos_board.store.folders import carry_over, claim_folder, refuse_overlap, replace_folder


def write(out: Path, text: str, *, inputs: tuple[Path, ...] = ()) -> None:
    with replace_folder(out, "site", inputs=inputs) as work:
        (work / "sub").mkdir()
        (work / "sub" / "page").write_text(text)


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_of_ours_is_replaced_as_a_whole(
    at_once: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not at_once:  # as on a file system that cannot swap two names
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    out = tmp_path / "made" / "site"
    for text in ("old", "new"):
        write(out, text)

    assert (out / "sub" / "page").read_text() == "new"
    assert list_names(out.parent) == ["site"]
    assert list_names(out) == [".cosmos-board-site", "sub"]


def test_an_empty_folder_and_a_link_to_one_are_taken(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")

    write(tmp_path / "link", "one")
    write(tmp_path / "link", "two")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "sub" / "page").read_text() == "two"


@pytest.mark.parametrize("kind", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_what_was_there_stays_when_the_new_one_fails(kind: BaseException, tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, "old")

    def fail() -> None:
        with replace_folder(out, "site") as work:
            (work / "half").write_text("half")
            raise kind

    wanted = StorageError if isinstance(kind, OSError) else KeyboardInterrupt
    with pytest.raises(wanted):
        fail()

    assert (out / "sub" / "page").read_text() == "old"
    assert list_names(tmp_path) == ["site"]


def test_what_killed_calls_left_is_cleared_or_put_back(tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, "old")
    (tmp_path / ".site.cosmos-board-new").mkdir()
    (tmp_path / ".site.cosmos-board-new" / "half").touch()
    out.rename(tmp_path / ".site.cosmos-board-old")  # killed between the two steps of a swap

    with pytest.raises(ZeroDivisionError), replace_folder(out, "site"):
        raise ZeroDivisionError

    assert (out / "sub" / "page").read_text() == "old"
    assert list_names(tmp_path) == ["site"]


@pytest.mark.parametrize("name", ["notes.txt", "sub/mine", ".git/config", "link"])
def test_a_file_that_we_did_not_write_is_never_destroyed(name: str, tmp_path: Path) -> None:
    foreign, out = tmp_path / "foreign", tmp_path / "site"
    write(out, "old")
    for folder in (foreign, out):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(tmp_path) if name == "link" else (folder / name).touch()
        with pytest.raises(InputError, match="was not written here by this version's `site build`"):
            write(folder, "new")
        assert (folder / name).exists()
    assert (out / "sub" / "page").read_text() == "old"


@pytest.mark.parametrize("kind", ["file", "publish"])
def test_a_file_and_a_folder_of_another_command_are_refused(kind: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("kept")
    else:
        with replace_folder(out, "publish") as work:
            (work / "entries.json").touch()

    with pytest.raises(InputError):
        write(out, "new")

    assert out.exists()


def test_an_output_never_covers_what_is_read_nor_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, home = tmp_path / "project", tmp_path / "home" / "me"
    pack = project / "pack"
    for folder in (pack, home):
        folder.mkdir(parents=True)
    (project / "board.duckdb").touch()
    (tmp_path / "link").symlink_to(project)
    monkeypatch.chdir(pack)
    monkeypatch.setenv("HOME", str(home))
    covered = {
        project: "holds", tmp_path / "link": "holds", pack: "is", pack / "site": "lies in",
        Path("."): "is", Path(".."): "holds", Path("/"): "holds", home: "is", home.parent: "holds",
    }  # fmt: skip

    for out, verb in covered.items():
        with pytest.raises(InputError, match=f"--out: {verb} ") as caught:
            write(out, "new", inputs=(project / "board.duckdb", pack))
        assert "\n" not in str(caught.value)
    for out in (project, home.parent, Path("/")):
        with pytest.raises(InputError, match="was not written here"):
            claim_folder(out, "demo")
    assert list_names(project) == ["board.duckdb", "pack"]
    assert list_names(pack) == []


def test_a_file_may_be_written_beside_an_input_but_not_into_it(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()

    refuse_overlap(tmp_path / "run", [pack])
    refuse_overlap(tmp_path, [pack])
    with pytest.raises(InputError, match="--picture: lies in"):
        refuse_overlap(pack / "pack.json", [pack], option="--picture")


def test_of_two_at_once_the_second_is_told(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".site.lock"),
        pytest.raises(InUseError, match="site: another process is writing it") as caught,
    ):
        write(tmp_path / "site", "new")
    assert caught.value.exit_code == 73


def test_a_claimed_folder_stays_claimed_and_no_other_is_taken(tmp_path: Path) -> None:
    claim_folder(tmp_path / "demo", "demo")
    (tmp_path / "demo" / "board.duckdb").touch()
    claim_folder(tmp_path / "demo", "demo")

    with pytest.raises(InputError, match="demo: was not written here by this version's `demo`"):
        claim_folder(tmp_path, "demo")


def test_what_a_user_put_there_before_the_first_call_is_left_and_nothing_else_is_taken(
    tmp_path: Path,
) -> None:
    (tmp_path / "out/raw/idrid-2018").mkdir(parents=True)
    (tmp_path / "out/raw/idrid-2018/all.zip").touch()
    claim_folder(tmp_path / "out", "cosmos", given=("raw",))
    assert (tmp_path / "out/raw/idrid-2018/all.zip").exists()

    (tmp_path / "other/raw").mkdir(parents=True)
    (tmp_path / "other/notes.txt").touch()
    with pytest.raises(InputError, match=r"notes\.txt: was not written here"):
        claim_folder(tmp_path / "other", "cosmos", given=("raw",))


def test_what_is_kept_has_its_bytes_only_once(tmp_path: Path) -> None:
    kept = tmp_path / "before" / "packs"
    kept.mkdir(parents=True)
    (kept / "large").write_bytes(b"large")

    carry_over(kept, tmp_path / "after" / "packs")
    carry_over(tmp_path / "absent", tmp_path / "after" / "absent")

    assert (tmp_path / "after" / "packs" / "large").samefile(kept / "large")
    assert not (tmp_path / "after" / "absent").exists()


def test_a_newer_marker_is_not_understood(tmp_path: Path) -> None:
    write(tmp_path / "site", "old")
    marker = tmp_path / "site" / ".cosmos-board-site"
    marker.write_text('{"schema_version": 99}')

    with pytest.raises(CosmosBoardError, match="newer than this program"):
        write(tmp_path / "site", "new")
    shutil.rmtree(tmp_path / "site")
