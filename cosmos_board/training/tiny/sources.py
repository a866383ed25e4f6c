"""The real images that `cosmos-tiny` learns from: which, from whom, under what licence.

All of them lie in the scikit-image wheel itself, so that nothing is downloaded. Images whose terms
are not spelt out there as CC0 or public domain are left out, whatever their use elsewhere.
"""

from __future__ import annotations

import hashlib
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
    """Kept for validation: never trained on."""

    texture: bool = False
    """Nothing in it is an object; it serves as ground to paint on."""


TRAINING_IMAGES: tuple[TrainingImage, ...] = (
    TrainingImage(
        "astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "public domain",
        "NASA, Eileen Collins",
    ),
    TrainingImage(
        "brick.png",
        "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
        "CC0-1.0",
        "CC0Textures, Bricks25",
        texture=True,
    ),
    TrainingImage(
        "camera.png",
        "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
        "CC0-1.0",
        "Lav Varshney",
        held_out=True,
    ),
    TrainingImage(
        "cell.png",
        "8d23a7fb81f7cc877cd09f330357fc7f595651306e84e17252f6e0a1b3f61515",
        "CC0-1.0",
        "Paul Müller et al., quantitative phase image of a cell",
    ),
    TrainingImage(
        "chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "CC0-1.0",
        "Stefan van der Walt",
    ),
    TrainingImage(
        "clock_motion.png",
        "f029226b28b642e80113d86622e9b215ee067a0966feaf5e60604a1e05733955",
        "public domain",
        "Stefan van der Walt",
    ),
    TrainingImage(
        "coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "CC0-1.0",
        "Rachel Michetti",
        held_out=True,
    ),
    TrainingImage(
        "grass.png",
        "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
        "CC0-1.0",
        "linolafett",
        texture=True,
    ),
    TrainingImage(
        "gravel.png",
        "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
        "CC0-1.0",
        "CC0Textures, Gravel04",
        texture=True,
    ),
    TrainingImage(
        "hubble_deep_field.jpg",
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
        "public domain",
        "NASA, Hubble Deep Field",
    ),
    TrainingImage(
        "microaneurysms.png",
        "a1e1be59aa447f8ce082f7fa809997ab369a2b137cb6c4202abc647c7ccf6456",
        "CC0-1.0",
        "Andreas Maier",
    ),
    TrainingImage(
        "retina.jpg",
        "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
        "CC0-1.0",
        "Häggström, Medical gallery of Mikael Häggström 2014",
    ),
    TrainingImage(
        "rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "public domain",
        "SpaceX, launch of DSCOVR",
    ),
)
"""Every real image of the recipe."""


def read_training_image(image: TrainingImage, *, long_side_px: int = 512) -> Pixels:
    """Return the image as uint8, axes (Y, X) or (Y, X, 3), shrunk to `long_side_px`.

    Raises:
        InputError: If the installed scikit-image has another file under that name.
    """
    content = files("skimage").joinpath("data", image.file).read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != image.sha256:
        raise InputError(
            f"skimage/data/{image.file}",
            "sha256",
            "is not the file that the recipe names",
            got=found,
        )
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_ANYCOLOR)
    assert decoded is not None, "its hash was right"
    scale = long_side_px / max(decoded.shape[:2])
    if scale < 1:
        size = (round(decoded.shape[1] * scale), round(decoded.shape[0] * scale))
        decoded = cv2.resize(decoded, size, interpolation=cv2.INTER_AREA)
    picture = decoded if decoded.ndim == 2 else np.ascontiguousarray(decoded[..., ::-1])
    return np.asarray(picture, np.uint8)
