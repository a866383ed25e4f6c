"""Every source of real files imports, and every pair that its index lists is found."""

from __future__ import annotations

import csv
from collections import defaultdict
from fnmatch import fnmatchcase
from functools import cache

import pytest

from tests.import_files import SPECS, iter_source_images, plan_source
from tests.shared import SHARED, needs_shared

# source: (units, images, references above 50 pixels, smaller ones, empty ones)
COUNTS = {
    "abdomen_ct_curvas": (6, 6, 16, 0, 2),
    "abdomen_mr_uwm": (4, 4, 10, 0, 2),
    "blood_wbc_krd": (5, 5, 5, 0, 0),
    "brain_hemorrhage_ct": (6, 6, 9, 1, 20),
    "brats2023": (6, 6, 15, 0, 3),
    "busi_breast_us": (7, 7, 7, 0, 0),
    "carotid_us": (5, 5, 5, 0, 0),
    "chest_xray_lungs": (4, 4, 8, 0, 0),
    "cosmos_authors": (30, 30, 56, 0, 2),
    "covid19_ct": (3, 3, 3, 0, 0),
    "cvc_colondb": (6, 6, 6, 0, 0),
    "dcmqi_ct_liver": (1, 3, 9, 0, 0),
    "drive": (3, 3, 3, 0, 0),
    "dsb2018": (13, 13, 106, 1, 0),
    "duke_oct_dme": (6, 6, 5, 0, 1),
    "glaucoma_smdg": (5, 5, 10, 0, 0),
    "heart_mr_hvsmr": (4, 4, 10, 0, 2),
    "inbreast_mammo": (3, 3, 3, 0, 0),
    "isbi2012_em": (5, 5, 5, 0, 0),
    "kvasir_seg": (1, 1, 1, 0, 0),
    "laparoscopy_instruments_pseudo": (4, 4, 3, 1, 0),
    "medsam2_recist": (2, 20, 20, 0, 0),
    "medscribble": (15, 15, 15, 0, 0),
    "oasis_malf": (5, 5, 197, 34, 0),
    "octa_faz": (4, 4, 4, 0, 0),
    "pet_sarcoma": (5, 5, 5, 0, 0),
    "prostate_transverse": (5, 5, 5, 0, 0),
    "pyradiomics": (3, 13, 10, 3, 0),
    "rings_prostate_histology": (4, 4, 22, 1, 0),
    "sam_med2d_demo": (4, 4, 28, 0, 0),
    "sct_spinal_cord": (4, 152, 156, 5, 0),
    "skin_ham10000": (7, 7, 7, 0, 0),
    "spine_spider": (5, 5, 61, 1, 0),
    "stardist": (2, 32, 404, 87, 0),
    "totalsegmentator": (3, 80, 671, 599, 0),
}

pytestmark = needs_shared


@cache
def _read_index() -> dict[str, list[tuple[str, str]]]:
    pairs = defaultdict(list)
    with (SHARED / "data" / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            image, mask = (row[key].partition("#")[0] for key in ("image", "mask"))
            pairs[row["source"]].append((image, mask))
    return dict(pairs)


def test_every_source_has_an_import_file_and_a_count() -> None:
    assert set(_read_index()) == set(COUNTS) == {path.stem for path in SPECS.glob("*.toml")}
    assert sum(map(len, _read_index().values())) == 239


@pytest.mark.parametrize("source", COUNTS)
def test_every_pair_of_the_index_is_found(source: str) -> None:
    found = {
        (path, mask)
        for job in plan_source(source).jobs
        for path in job.paths
        for files in job.masks
        for mask in files.paths
    }

    for image, mask in _read_index()[source]:
        assert any(
            fnmatchcase(path, image) and fnmatchcase(other, mask) for path, other in found
        ), (image, mask)


@pytest.mark.parametrize("source", COUNTS)
def test_no_file_is_left_over_or_refused(source: str) -> None:
    plan = plan_source(source)

    assert not plan.problems
    assert not plan.masks_without_image
    assert plan.images_without_mask == (
        ("images/amos_0507_31.png",) if source == "sam_med2d_demo" else ()
    )


@pytest.mark.parametrize("source", COUNTS)
def test_images_and_references_are_as_many_as_were_counted(source: str) -> None:
    plan = plan_source(source)
    images = kept = small = empty = 0
    for image in iter_source_images(plan):
        images += 1
        for mask in (mask for masks in image.masks.values() for mask in masks):
            assert mask.shape == image.pixels.shape[:2]
            area = int(mask.sum())
            kept, small, empty = kept + (area > 50), small + (0 < area <= 50), empty + (not area)

    assert (len(plan.jobs), images, kept, small, empty) == COUNTS[source]
