"""The starter board is what its documentation promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosmos_board.data.catalog.addresses import load_downloads, parse_downloads
from cosmos_board.data.catalog.load import get_dataset
from cosmos_board.data.catalog.starter import load_starter
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import load_spec
from cosmos_board.models.registry import load_segmenter
from cosmos_board.prompts.frozen import freeze_prompts
from tests.replicas.scenes import draw_scene
from tests.replicas.starter import make_archive

ROOT = Path(__file__).parents[3]
ROWS = load_starter()
PAGES = ("site/submit/starter.md", "site/zh/submit/starter.md")


def test_it_is_small_and_has_many_targets_of_many_modalities() -> None:
    targets = {name: count for row in ROWS.values() for name, count in row.targets.items()}

    assert sum(row.megabytes for row in ROWS.values()) <= 2000
    assert len(targets) >= 12
    assert len({name.split(".")[0] for name in targets}) >= 6
    assert min(targets.values()) >= 10


@pytest.mark.parametrize("name", ROWS)
def test_a_set_can_be_fetched_without_an_account_and_holds_known_targets(name: str) -> None:
    dataset, row = get_dataset(name), ROWS[name]

    assert all(file.urls for file in row.pick_files(None, load_downloads().get(name)))
    assert set(row.targets) <= {target.name for target in dataset.targets}
    assert max(row.targets.values()) <= row.expect.clusters


def test_addresses_of_ones_own_go_before_those_of_the_package() -> None:
    row = ROWS["isic-2018"]
    path = "ISIC2018_Task1-2_Validation_Input.zip"
    own = parse_downloads(
        f'[isic-2018]\nsource = "us"\nfiles = [{{ path = "{path}", urls = ["http://a/b.zip"] }}]',
        "",
    )["isic-2018"]

    files = row.pick_files(own, load_downloads().get("isic-2018"))

    assert files[0].urls == ("http://a/b.zip",)
    assert files[1].urls[0].startswith("https://isic-challenge-data.s3.amazonaws.com/")


@pytest.mark.parametrize("page", PAGES)
def test_the_page_names_every_file(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")

    for row in ROWS.values():
        assert all(
            f"`{file.path}`" in text
            for file in row.pick_files(None, load_downloads().get(row.name))
        )


@pytest.mark.parametrize("name", ROWS)
def test_everything_in_archives_of_the_published_layout_is_found(name: str, tmp_path: Path) -> None:
    row = ROWS[name]
    for file in row.pick_files(None, load_downloads().get(name)):
        (tmp_path / file.path).write_bytes(make_archive(file.path))

    plan = plan_import(load_spec(name), tmp_path)

    clusters = {job.cluster_key for job in plan.jobs}
    assert (len(plan.jobs), len(clusters)) == (row.expect.units, row.expect.clusters)


@pytest.mark.parametrize(("objects", "side_px"), [(1, 64), (2, 40), (4, 64)])
def test_a_learned_model_finds_what_the_replicas_show(objects: int, side_px: int) -> None:
    pytest.importorskip("torch")
    segmenter = load_segmenter("cosmos-tiny")
    found: dict[str, list[float]] = {"box": [], "point": []}
    for number in range(2):
        pixels, masks = draw_scene(f"look {number}", objects, side_px)
        embedding = segmenter.embed(pixels)
        for mask, prompt in ((mask, prompt) for mask in masks for prompt in found):
            (answer,) = segmenter.predict(embedding, [freeze_prompts(mask)[prompt]])
            best = answer.masks[int(np.argmax(answer.predicted_iou))]
            found[prompt].append(2 * np.sum(best & mask) / np.sum(1 * best + mask))

    assert np.mean(found["box"]) > 0.85
    assert np.mean(found["box"]) > np.mean(found["point"]) > 0.5
