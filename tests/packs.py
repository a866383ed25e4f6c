"""Packs for tests: phantoms, curated once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.curation.phantom_pack import build_phantom_pack, build_phantom_volumes


@pytest.fixture(scope="session")
def phantom_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 6 synthetic images of 96 pixels."""
    path = tmp_path_factory.mktemp("packs") / "phantoms"
    build_phantom_pack(path, 6, side=96, workers=1)
    return path


@pytest.fixture(scope="session")
def phantom_volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 2 synthetic volumes of 28 × 96 × 96 voxels, with all kinds of solids."""
    path = tmp_path_factory.mktemp("packs") / "phantom-volumes"
    build_phantom_volumes(path, 2, workers=1)
    return path
