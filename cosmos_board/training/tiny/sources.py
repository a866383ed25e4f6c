"""The real images that `cosmos-tiny` is trained on, with their licences.

All of them are in the scikit-image wheel itself, so that nothing is downloaded. Images whose terms
are not spelt out there as CC0 or public domain are left out, whatever their use elsewhere.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files

import cv2
import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """One real image."""

    file: str
    """Name in the folder `data` of scikit-image 0.26."""

    sha256: str
    """Of the file."""

    licence: str
    attribution: str
    held_out: bool = False
    """Used for validation, never for training."""

    texture: bool = False
    """It shows no object and serves as a background for phantoms."""


_IMAGES_FILE = files(__package__).joinpath("training_images.toml")
TRAINING_IMAGES: tuple[TrainingImage, ...] = tuple(
    TrainingImage(**image) for image in tomllib.loads(_IMAGES_FILE.read_text("utf-8"))["image"]
)
"""Every real image of the recipe."""


def read_training_image(image: TrainingImage, *, long_side_px: int = 512) -> Pixels:
    """Return the image as uint8, axes (Y, X) or (Y, X, 3), shrunk to `long_side_px`.

    Raises:
        InputError: If the installed scikit-image has another file under that name.
    """
    content = files("skimage").joinpath("data", image.file).read_bytes()
    if (digest := hashlib.sha256(content).hexdigest()) != image.sha256:
        raise InputError(
            f"skimage/data/{image.file}",
            "sha256",
            "is not the file that the recipe names",
            got=digest,
        )
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_ANYCOLOR)
    assert decoded is not None, "its hash was right"
    scale = long_side_px / max(decoded.shape[:2])
    if scale < 1:
        size = (round(decoded.shape[1] * scale), round(decoded.shape[0] * scale))
        decoded = cv2.resize(decoded, size, interpolation=cv2.INTER_AREA)
    ordered = decoded if decoded.ndim == 2 else np.ascontiguousarray(decoded[..., ::-1])
    return np.asarray(ordered, np.uint8)
