"""Textures of tissue, and the effects of a scanner: bias field, blur, noise, speckle.

Grey levels are float32 in [0, 255] until the last step.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.arrays import Float32s
from cosmos_board.core.masks import Pixels

Field = Float32s
"""A scalar per pixel, float32, axes (Y, X)."""

_BANK_SIDE = 384
_BANK_FIELDS = 32


def noise_field(rng: np.random.Generator, side: int, smooth_px: float) -> Field:
    """Return smooth noise of mean 0 and deviation 1; `smooth_px` is the size of its grain."""
    grain = max(1.0, smooth_px)
    small = max(4, int(np.ceil(side / grain)) + 3)
    coarse = rng.standard_normal((small, small), np.float32)
    field: Field = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return _standard(field)


def texture_field(rng: np.random.Generator, side: int) -> Field:
    """Return a random crop, turn and zoom of a bank texture, mean 0 and deviation 1.

    The bank holds noise of spectra 1/f^a (a in 0 … 2, as tissue has), stripes, cells and fibres.
    """
    field = _bank()[int(rng.integers(_BANK_FIELDS))]
    zoom = float(np.exp(rng.uniform(np.log(0.6), np.log(3))))
    turn = rng.uniform(0, 360)
    spot = rng.uniform(0, _BANK_SIDE, 2)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), turn, zoom)
    matrix[:, 2] += spot
    return np.asarray(
        cv2.warpAffine(
            field, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        ),
        np.float32,
    )


@lru_cache(maxsize=1)
def _bank() -> tuple[Field, ...]:
    rng = np.random.Generator(np.random.Philox(key=20_500))
    makers = (_spectral, _spectral, _stripes, _spectral, _spectral, _cells, _spectral, _spectral)
    return tuple(_standard(makers[i % len(makers)](rng)) for i in range(_BANK_FIELDS))


def _standard(field: NDArray[np.floating]) -> Field:
    return np.asarray((field - field.mean()) / (field.std() + 1e-6), np.float32)


def _spectral(rng: np.random.Generator) -> NDArray[np.floating]:
    fy, fx = np.meshgrid(np.fft.fftfreq(_BANK_SIDE), np.fft.rfftfreq(_BANK_SIDE), indexing="ij")
    stretch = rng.uniform(0.4, 2.5)
    frequency = np.hypot(fy * stretch, fx / stretch)
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((_BANK_SIDE, _BANK_SIDE)))
    spectrum *= frequency ** -rng.uniform(0.3, 2.0)
    spectrum *= frequency > rng.uniform(0.003, 0.02)
    return np.fft.irfft2(spectrum, (_BANK_SIDE, _BANK_SIDE))


def _stripes(rng: np.random.Generator) -> NDArray[np.floating]:
    yy, xx = np.mgrid[:_BANK_SIDE, :_BANK_SIDE].astype(np.float32)
    warp = noise_field(rng, _BANK_SIDE, rng.uniform(20, 80)) * rng.uniform(1, 4)
    period = rng.uniform(5, 24)
    return np.asarray(np.sin((yy + 0.3 * xx) * 2 * np.pi / period + warp))


def _cells(rng: np.random.Generator) -> NDArray[np.floating]:
    seeds = np.ones((_BANK_SIDE, _BANK_SIDE), np.uint8)
    count = int(rng.integers(150, 900))
    seeds[rng.integers(0, _BANK_SIDE, count), rng.integers(0, _BANK_SIDE, count)] = 0
    distance = cv2.distanceTransform(seeds, cv2.DIST_L2, 3)
    return np.asarray(np.minimum(distance, rng.uniform(3, 12)), np.float64)


def bias_field(rng: np.random.Generator, side: int, strength: float) -> Field:
    """Return a smooth gain around 1, as of a receiver coil or uneven illumination."""
    return np.asarray(
        np.exp(strength * noise_field(rng, side, side / rng.uniform(1, 3))), np.float32
    )


def scan(rng: np.random.Generator, grey: Float32s) -> Float32s:
    """Return an image, float32 in [0, 255], axes (Y, X, C), with a scanner's blur and noise.

    The noise is of one of four kinds.
    """
    if rng.random() < 0.7:
        grey = blur(grey, rng.uniform(0.3, 2.0))
    kind = rng.random()
    shape = grey.shape if rng.random() < 0.4 else (*grey.shape[:2], 1)
    noise = rng.standard_normal(shape, np.float32)
    if kind < 0.3:
        return grey + rng.uniform(1, 10) * noise
    if kind < 0.5:
        grain = np.atleast_3d(blur(noise, rng.uniform(0.5, 1.5)))
        gain = rng.uniform(0.08, 0.35) * grain / (grain.std() + 1e-6)
        return np.asarray(grey * np.maximum(0, 1 + gain), np.float32)
    if kind < 0.65:
        return np.asarray(grey + np.sqrt(np.maximum(grey, 0)) * rng.uniform(0.2, 0.9) * noise)
    if kind < 0.8:
        grain = np.atleast_3d(blur(noise, rng.uniform(0.6, 2)))
        return np.asarray(grey + rng.uniform(1, 8) * grain / (grain.std() + 1e-6), np.float32)
    return grey


def curve(rng: np.random.Generator, grey: Float32s) -> Float32s:
    """Return `grey` (float32 in [0, 255]) through a random gamma, gain and maybe inversion."""
    unit = np.clip(grey / 255, 0, 1) ** float(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.25:
        unit = 1 - unit
    gain, lift = rng.uniform(0.6, 1.2), rng.uniform(-0.05, 0.15)
    return np.asarray((unit * gain + lift) * 255, np.float32)


def to_pixels(grey: Float32s, *, colour: bool) -> Pixels:
    """Return `grey` (axes (Y, X, C), C = 1 or 3) as uint8, RGB where `colour`."""
    clipped = np.clip(np.round(grey), 0, 255).astype(np.uint8)
    if colour:
        return np.ascontiguousarray(np.broadcast_to(clipped, (*clipped.shape[:2], 3)))
    return clipped[..., 0]


def blur(grey: Float32s, sigma_px: float) -> Float32s:
    """Return `grey`, axes (Y, X) or (Y, X, C), blurred by a Gaussian; a single channel stays."""
    blurred = np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma_px), np.float32)
    return blurred if grey.ndim == blurred.ndim else blurred[..., None]
