from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.phantoms.controlled import (
    DEMO_SPECS,
    PhantomSpec,
    draw_phantom,
    phantom_pack_images,
)

SPEC = PhantomSpec(noise=0, texture=0, soft_px=0.3)


def test_a_pack_has_one_cluster_an_image_and_every_target_in_each() -> None:
    images = list(phantom_pack_images(24))

    assert len({image.cluster for image in images}) == 24
    assert len({image.pixels.tobytes() for image in images}) == 24
    assert all(
        [name for name, _ in image.references] == ["organ", "lesion", "vessel"] for image in images
    )


def test_an_image_does_not_depend_on_how_many_follow() -> None:
    short, long = list(phantom_pack_images(2, seed=9)), list(phantom_pack_images(5, seed=9))

    np.testing.assert_array_equal(short[1].pixels, long[1].pixels)


def test_packs_of_different_seeds_share_no_image() -> None:
    one = {image.pixels.tobytes() for image in phantom_pack_images(4, seed=1)}
    two = {image.pixels.tobytes() for image in phantom_pack_images(4, seed=2)}

    assert not one & two


@pytest.mark.parametrize("contrast", [-40.0, 15.0, 70.0])
def test_contrast_is_what_was_asked_for(contrast: float) -> None:
    image = draw_phantom(4, (replace(SPEC, contrast=contrast),), 128)

    (_, mask), grey = image.references[0], image.pixels.astype(float)
    assert grey[mask].mean() - grey[~mask].mean() == pytest.approx(contrast, rel=0.25)


@pytest.mark.parametrize("size_px", [150, 900, 4000])
def test_size_is_what_was_asked_for(size_px: int) -> None:
    image = draw_phantom(4, (replace(SPEC, size_px=size_px, roughness=0.05),), 128)

    assert image.references[0][1].sum() == pytest.approx(size_px, rel=0.1)


def test_roughness_lengthens_the_boundary() -> None:
    def perimeter(roughness: float) -> int:
        spec = replace(SPEC, roughness=roughness, harmonics=10)
        mask = draw_phantom(4, (spec,), 128).references[0][1]
        return int((mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum())

    assert perimeter(0.6) > 1.2 * perimeter(0.0)


def test_five_objects_do_not_fit() -> None:
    with pytest.raises(InputError, match=r"phantom: specs: cannot be laid out \(got 5"):
        draw_phantom(0, (SPEC,) * 5)


def test_objects_of_a_demo_image_do_not_overlap() -> None:
    masks = np.stack([mask for _, mask in draw_phantom(3, DEMO_SPECS).references])

    assert masks.sum(0).max() == 1
