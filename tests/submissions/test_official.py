from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.store.board import open_board

ROOT = Path(__file__).parents[2]
MODELS = {
    "sam-vit-b": ("facebook/sam-vit-base", "sam"),
    "medsam": ("wanglab/medsam-vit-base", "sam"),
    "sam2.1-tiny": ("facebook/sam2.1-hiera-tiny", "sam2"),
}
"""Where the hub keeps each, and what stands for it."""


def run_official(pack: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / ".ci" / "official"), str(pack)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".venv").is_dir(), reason="the script wants its own environment")
def test_the_official_path_ends_in_right_submissions_on_both_tracks(tmp_path: Path) -> None:
    """With small networks of random weights under the names of the official ones."""
    pytest.importorskip("transformers")
    from tests.models.small_hf import save_small

    build_phantom_pack(tmp_path / "pack", 2, side=48, workers=1)
    for address, family in MODELS.values():
        save_small(family, tmp_path / "weights" / address)
    out = tmp_path / "out"
    settings = {
        "MODELS": " ".join(MODELS),
        "WEIGHTS": str(tmp_path / "weights"),
        "OUT": str(out),
        "FILES_URL": "https://zenodo.org/records/1/files",
    }
    done = run_official(tmp_path / "pack", **settings)
    assert done.returncode == 0, done.stderr
    with open_board(out / "board.duckdb") as connection:
        query = "SELECT model, list(DISTINCT study ORDER BY study) FROM runs GROUP BY 1 ORDER BY 1"
        found = connection.execute(query).fetchall()
    assert found == [(name, ["clicks", "jitter", "main"]) for name in sorted(MODELS)]
    for name in MODELS:
        slug = name.replace(".", "-")
        core = tomllib.loads((out / "submissions" / slug / "submission.toml").read_text())
        counts = tomllib.loads((out / "counts" / slug / "submission.toml").read_text())
        assert (core["track"], counts["track"]) == ("core", "counts")
        assert core["model"]["checkpoint"] == counts["model"]["checkpoint"]
        assert core["model"]["checkpoint"]["format"] == "safetensors"
        assert [file["url"].split("/")[-2:] for file in counts["files"]] == [
            [slug, "counts.parquet"],
            [slug, "predictions.parquet"],
        ]
    again = run_official(tmp_path / "pack", **settings)
    assert again.returncode == 0, again.stderr


@pytest.mark.skipif(not (ROOT / ".venv").is_dir(), reason="the script wants its own environment")
def test_without_packs_it_says_what_it_wants(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "official")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "PACK: none given (want .ci/official PACK…)\n")
