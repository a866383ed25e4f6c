from __future__ import annotations

import hashlib
import io
from pathlib import Path
from urllib.request import OpenerDirector

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.external import check_hop, fetch_pinned
from cosmos_board.submissions.manifest import ManifestFile

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
        check_hop(url)
