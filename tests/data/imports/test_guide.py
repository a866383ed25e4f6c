"""The guide's examples import, and its lists are those of the program."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from cosmos_board.core.modalities import MODALITIES
from cosmos_board.data.catalog.objects import load_objects
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.fields import WARNINGS
from cosmos_board.data.imports.spec.load import parse_spec
from cosmos_board.data.imports.spec.models import MaskSpec
from tests.data.raw_files import (
    draw_noise,
    draw_square,
    save_nifti,
    save_picture,
    save_rtstruct,
    save_seg,
    save_series,
)
from tests.import_files import iter_source_images

SITE = Path(__file__).parents[3] / "site"
PAGES = [
    pytest.param(SITE / "docs/import-files.md", id="English"),
    pytest.param(SITE / "zh/docs/import-files.md", id="Chinese"),
]
SQUARE_MM = [3.9, 3.9, 2.0, 9.6, 3.9, 2.0, 9.6, 9.6, 2.0, 3.9, 9.6, 2.0]


def read_page(page: Path, section: str) -> str:
    return page.read_text("utf-8").partition(f"{{ #{section} }}")[2].partition("\n## ")[0]


def make_files(folder: Path) -> None:
    """Write small files of the layouts that the examples describe."""
    save_picture(folder / "images/p1_1.png", draw_noise())
    save_picture(folder / "masks/p1_1.png", draw_square() * 255)
    save_nifti(folder / "p1/ct.nii.gz", draw_noise((32, 32, 4)))
    save_nifti(folder / "p1/seg.nii.gz", draw_square((32, 32, 4)))
    save_series(folder / "p1/ct")
    save_series(folder / "p1/mr")
    contours = {"GTV-1": [SQUARE_MM], "BODY": [SQUARE_MM], "Couch top": [SQUARE_MM]}
    save_rtstruct(folder / "p1/rtstruct.dcm", contours)
    drawn = np.broadcast_to(draw_square() > 0, (4, 32, 32))
    save_seg(folder / "p1/seg.dcm", folder / "p1/mr", drawn)
    picture = {"id": 1, "file_name": "p1_1.png", "height": 32, "width": 32}
    square = [[8, 8, 20, 8, 20, 20, 8, 20]]
    (folder / "annotations.json").write_text(
        json.dumps(
            {
                "images": [picture],
                "annotations": [{"image_id": 1, "category_id": 1, "segmentation": square}],
                "categories": [{"id": 1, "name": "nucleus"}],
            }
        )
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_example_imports(page: Path, tmp_path: Path) -> None:
    make_files(tmp_path)
    found = {}

    for example in re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        spec = parse_spec(example, "example.toml")
        plan = plan_import(spec, tmp_path)
        assert not plan.problems
        images = list(iter_source_images(plan))
        found[spec.name] = {
            name: int(masks[0].sum()) for image in images for name, masks in image.masks.items()
        }

    assert found == {
        "polyps": {"polyp": 144},
        "liver-scans": {"liver": 144},
        "planning-scans": {"lesion": 144},
        "segmented-scans": {"lesion": 144},
        "cells": {"nucleus": 144},
    }


@pytest.mark.parametrize("page", PAGES)
def test_the_guide_lists_every_modality_object_and_warning(page: Path) -> None:
    words = re.findall(r"`([a-z0-9-]+)`", read_page(page, "words"))
    warnings = re.findall(r"^\| `([a-z-]+)` \|", read_page(page, "warnings"), re.MULTILINE)

    assert words == [*MODALITIES, *load_objects()]
    assert warnings == [*WARNINGS]
    runs = get_args(MaskSpec.model_fields["runs"].annotation)
    assert all(f'`"{word}"`' in page.read_text("utf-8") for word in runs if word)
