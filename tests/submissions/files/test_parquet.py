from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cosmos_board.submissions.files.layouts import ParquetError
from cosmos_board.submissions.files.parquet import copy_checked
from tests.submissions.hostile_files import to_bytes
from tests.submissions.samples import Sample


@pytest.fixture
def file(sample: Sample, tmp_path: Path) -> Path:
    path = tmp_path / "predictions.parquet"
    path.write_bytes(to_bytes(sample.table))
    return path


def test_a_reader_that_hangs_is_ended(file: Path) -> None:
    with pytest.raises(ParquetError, match=r"reader process took longer than 0\.01 s"):
        copy_checked(file, file.with_name("copy"), layout="predictions.parquet", wall_s=0.01)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("import os; os.abort()", "reader process ended with SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with SIGKILL"),
        ("pass", "reader process gave no answer"),
        ("print('[1]')", "reader process gave no answer"),
        ("print('{\"rows\": true}')", "reader process gave no answer"),
        ("print('x' * 100_000)", "reader process ended without an answer"),
        ("raise SystemExit(3)", "reader process ended without an answer"),
    ],
)
def test_any_other_end_of_the_reader_is_a_refusal(
    script: str, says: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = file.with_name("python")
    fake.write_text(f"#!{sys.executable}\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    with pytest.raises(ParquetError, match=says):
        copy_checked(file, file.with_name("copy"), layout="predictions.parquet")


def test_links_and_folders_are_not_opened(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    for path in (link, file.parent):
        with pytest.raises(ParquetError, match=r"cannot be opened|not a regular file"):
            copy_checked(path, file.with_name("copy"), layout="predictions.parquet")
