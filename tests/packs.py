"""Packs for tests: phantoms, curated once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.curation.phantom_pack import build_phantom_pack


@pytest.fixture(scope="session")
def phantom_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 6 synthetic images of 96 pixels."""
    path = tmp_path_factory.mktemp("packs") / "phantoms"
    build_phantom_pack(path, 6, side=96, workers=1)
    return path
