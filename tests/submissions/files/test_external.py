from __future__ import annotations

import hashlib
import io
from pathlib import Path
from urllib.request import OpenerDirector

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.files.external import check_redirect, fetch_external, fetch_pinned
from cosmos_board.submissions.format.manifest import ManifestFile
from tests.submissions.drafts import draft_manifest, to_toml

DATA = b"PAR1 and so on" * 100


class Canned(OpenerDirector):
    """Answers every address with the same bytes."""

    def open(self, *words: object, **options: object) -> io.BytesIO:
        return io.BytesIO(DATA)


def pinned(**changes: object) -> ManifestFile:
    facts: dict[str, object] = {
        "path": "counts.parquet",
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "size_bytes": len(DATA),
        "url": "https://zenodo.org/records/1/files/counts.parquet",
    }
    return ManifestFile.model_validate({**facts, **changes})


def test_what_was_pinned_is_fetched(tmp_path: Path) -> None:
    assert fetch_pinned(pinned(), tmp_path, Canned()).read_bytes() == DATA


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"size_bytes": 99}, "more than the declared 99 bytes"),
        ({"sha256": "0" * 64}, r"is [0-9a-f]{12}\.\.\., want 000000000000\.\.\."),
        ({"url": None}, "has no address"),
    ],
)
def test_what_was_not_pinned_is_not_kept(
    changes: dict[str, object], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=says):
        fetch_pinned(pinned(**changes), tmp_path, Canned())
    assert list(tmp_path.iterdir()) == []


class Broken(io.BytesIO):
    """A connection that ends in the middle."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise TimeoutError("The read operation timed out")
        return super().read(100)


def test_a_network_that_fails_is_not_taken_for_a_disk_that_does(tmp_path: Path) -> None:
    opener = OpenerDirector()
    opener.open = lambda *_, **__: Broken(DATA)  # type: ignore[method-assign]

    with pytest.raises(InputError, match="cannot be fetched: The read operation timed out"):
        fetch_pinned(pinned(), tmp_path, opener)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/x",
        "https://10.0.0.1/x",
        "http://zenodo.org/x",
        "https://zenodo.org:8443/x",
        "https://a@zenodo.org/x",
        "https://evilzenodo.org/x",
        "https://localhost/x",
    ],
)
def test_no_redirect_leads_elsewhere(url: str) -> None:
    with pytest.raises(ValueError, match="refused"):
        check_redirect(url)


def write_full(folder: Path, size_bytes: int) -> None:
    """Write a manifest that pins both files of a submission of counts elsewhere."""
    files = [
        {
            "path": name,
            "sha256": hashlib.sha256(DATA).hexdigest(),
            "size_bytes": size_bytes,
            "url": f"https://zenodo.org/records/1/files/{name}",
        }
        for name in ("counts.parquet", "predictions.parquet")
    ]
    folder.mkdir(parents=True)
    (folder / "submission.toml").write_bytes(to_toml(draft_manifest(track="counts", files=files)))


def test_files_that_lie_there_already_are_not_fetched_again(tmp_path: Path) -> None:
    folder, out = tmp_path / "submissions" / "evil-sam", tmp_path / "out"
    write_full(folder, len(DATA))
    fetched = []

    def fetch(file: ManifestFile, out: Path) -> Path:
        fetched.append(file.path)
        return fetch_pinned(file, out, Canned())

    assert fetch_external(folder, out, fetch) == []
    assert fetch_external(folder, out, fetch) == []
    assert fetched == ["counts.parquet", "predictions.parquet"]
    (out / "counts.parquet").write_bytes(b"another file")
    assert fetch_external(folder, out, fetch) == []
    assert fetched[2:] == ["counts.parquet"]


def test_what_does_not_come_is_one_line_with_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "submissions" / "evil-sam"
    write_full(folder, 99)
    lines = fetch_external(folder, tmp_path / "out", lambda f, o: fetch_pinned(f, o, Canned()))
    assert [str(line) for line in lines] == [
        f"submissions/evil-sam/submission.toml: files: {name}: cannot be fetched: more than the "
        "declared 99 bytes"
        for name in ("counts.parquet", "predictions.parquet")
    ]


def test_more_than_a_runner_holds_is_refused_before_any_transfer(tmp_path: Path) -> None:
    folder = tmp_path / "submissions" / "evil-sam"
    write_full(folder, 10 << 30)
    (line,) = fetch_external(folder, tmp_path / "out")
    assert "bytes elsewhere, limit" in str(line)
    assert not (tmp_path / "out").exists()


def test_a_manifest_that_cannot_be_read_asks_for_nothing(tmp_path: Path) -> None:
    assert fetch_external(tmp_path, tmp_path / "out") == []
    (tmp_path / "submission.toml").write_text("a: &b 1")
    assert fetch_external(tmp_path, tmp_path / "out") == []
