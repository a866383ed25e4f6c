from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.training.tiny import sources
from cosmos_board.training.tiny.sources import TRAINING_IMAGES, TrainingImage, read_training_image
from tests.shared import SHARED, needs_shared

FREE = {"CC0-1.0", "public domain"}


def difference_hash(grey: NDArray[np.uint8]) -> int:
    """Return 256 bits, one for each step to the right that gets brighter, at 17 × 16 pixels.

    At the usual 9 × 8 any two photographs of an eye's fundus agree, so little is left of them.
    """
    small = cv2.resize(grey, (17, 16), interpolation=cv2.INTER_AREA)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


@pytest.mark.parametrize("image", TRAINING_IMAGES, ids=lambda image: image.file)
def test_every_training_image_is_the_file_named_and_free(image: TrainingImage) -> None:
    pixels = read_training_image(image)

    assert max(pixels.shape[:2]) <= 512
    assert image.licence in FREE
    assert image.attribution


def test_no_image_is_listed_twice() -> None:
    assert len({image.sha256 for image in TRAINING_IMAGES}) == len(TRAINING_IMAGES)


def test_another_file_under_the_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = TrainingImage("camera.png", "0" * 64, "CC0-1.0", "nobody")
    monkeypatch.setattr(sources, "TRAINING_IMAGES", (wrong,))

    with pytest.raises(InputError, match="sha256: is not the file"):
        read_training_image(wrong)


@needs_shared
def test_no_training_image_resembles_a_test_image() -> None:
    """The test data must not have been learnt from, in whatever size or colour."""
    trained = {image.file: difference_hash(_grey(image)) for image in TRAINING_IMAGES}

    for path, grey in _test_pictures():
        for file, known in trained.items():
            apart = (difference_hash(grey) ^ known).bit_count()
            assert apart > 32, f"{path} is {apart} bits from {file}"


def _grey(image: TrainingImage) -> NDArray[np.uint8]:
    pixels = read_training_image(image)
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))


def _test_pictures() -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    for path in sorted((SHARED / "data").rglob("*")):
        if path.suffix.lower() in {".png", ".jpg", ".tif"} and "mask" not in str(path).lower():
            grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if grey is not None and grey.std() > 4:
                yield path, np.asarray(grey, np.uint8)
