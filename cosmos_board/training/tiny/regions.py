"""Objects without annotation: regions of unsupervised segmentations of real images."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.graph import cut_threshold, rag_mean_color
from skimage.segmentation import felzenszwalb, slic, watershed

from cosmos_board.core.arrays import Floats, Int32s
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.training.tiny.sources import (
    TRAINING_IMAGES,
    TrainingImage,
    read_training_image,
)

_JOINED = 0.3

LabelMap = Int32s
"""A partition of an image: int32, axes (Y, X)."""


@dataclass(frozen=True, slots=True, eq=False)
class Partitioned:
    """A real image and several partitions of it, fine to coarse; none where it is a texture."""

    pixels: Pixels
    partitions: tuple[LabelMap, ...]


def partition(pixels: Pixels) -> tuple[LabelMap, ...]:
    """Return partitions of `pixels` by three methods (graph, superpixel merging, watershed).

    Felzenszwalb & Huttenlocher 2004 at three scales; SLIC (Achanta et al. 2012) merged over its
    region adjacency graph at two thresholds; watershed of the gradient from its flat zones.
    """
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2)
    partitions = [
        felzenszwalb(rgb, scale=scale, sigma=0.8, min_size=80) for scale in (100, 400, 1200)
    ]
    superpixels = slic(rgb, n_segments=400, compactness=12, start_label=1)
    graph = rag_mean_color(rgb, superpixels)
    partitions += [cut_threshold(superpixels, graph, level, in_place=False) for level in (12, 25)]
    smooth = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (0, 0), 2).astype(np.float32)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    flat = (slope < np.quantile(slope, 0.35)).astype(np.uint8)
    flat = cv2.morphologyEx(flat, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    partitions.append(watershed(slope, cv2.connectedComponents(flat)[1]))
    return tuple(np.asarray(labels, np.int32) for labels in partitions)


def read_partitioned(*, held_out: bool = False, cache: Path | None = None) -> list[Partitioned]:
    """Return every training image (or every one held out for validation) with its partitions.

    `cache` is a folder of computed partitions; computing them takes half a minute.
    """
    return [
        Partitioned(pixels, () if image.texture else _partition_once(image, pixels, cache))
        for image in TRAINING_IMAGES
        if image.held_out == held_out
        for pixels in [read_training_image(image)]
    ]


def _partition_once(
    image: TrainingImage, pixels: Pixels, cache: Path | None
) -> tuple[LabelMap, ...]:
    path = cache and cache / f"{image.sha256}.npz"
    if path and path.exists():
        with np.load(path) as file:
            return tuple(np.asarray(file[name], np.int32) for name in sorted(file.files))
    partitions = partition(pixels)
    if path:
        temporary = path.with_name(f".{path.name}.{os.getpid()}.npz")
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(temporary, *partitions)
        temporary.replace(path)
    return partitions


def crop_regions(
    source: Partitioned, rng: np.random.Generator, side: int
) -> tuple[Pixels, list[Mask]]:
    """Return a random crop of `side` pixels of a real image and up to eight of its regions.

    Pixels are uint8; masks, bool, axes (Y, X), are of compact regions.
    """
    height, width = source.pixels.shape[:2]
    span = float(np.exp(rng.uniform(np.log(0.22), np.log(0.95)))) * min(height, width)
    matrix = _draw_affine(rng, height, width, span, side)
    pixels: Pixels = cv2.warpAffine(
        source.pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    if not source.partitions:
        return pixels, []
    labels = source.partitions[int(rng.integers(len(source.partitions)))]
    visible = cv2.warpAffine(
        labels.astype(np.float32),
        matrix,
        (side, side),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=-1,
    ).astype(np.int32)
    values, counts = np.unique(visible, return_counts=True)
    fits = values[(counts > 60) & (counts < 0.6 * side * side) & (values >= 0)]
    chosen = rng.permutation(fits)[:12]
    grown = [_join_neighbour(rng, visible, visible == value) for value in chosen]
    tidied = [tidy for region in grown if (tidy := _tidy(region)) is not None]
    grey = pixels if pixels.ndim == 2 else pixels.mean(2)
    return pixels, [mask for mask in tidied if _stands_out(grey, mask)][:8]


def _draw_affine(
    rng: np.random.Generator, height: int, width: int, span: float, side: int
) -> Floats:
    turn = float(rng.choice([0, 90, 180, 270]) + rng.uniform(-30, 30))
    x = rng.uniform(span / 2, max(span / 2 + 1, width - span / 2))
    y = rng.uniform(span / 2, max(span / 2 + 1, height - span / 2))
    matrix = np.asarray(cv2.getRotationMatrix2D((x, y), turn, side / span))
    matrix[:, 2] += side / 2 - np.array([x, y])
    if rng.random() < 0.5:
        matrix[0] = [-matrix[0, 0], -matrix[0, 1], side - 1 - matrix[0, 2]]
    return matrix


def _join_neighbour(rng: np.random.Generator, labels: LabelMap, region: Mask) -> Mask:
    """Return `region` or, by chance, its union with a neighbour: few objects are homogeneous."""
    if rng.random() >= _JOINED:
        return region
    around = cv2.dilate(region.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_) & ~region
    beside = labels[around & (labels >= 0)]
    if not len(beside):
        return region
    neighbour = labels == int(beside[int(rng.integers(len(beside)))])
    return np.asarray(region | neighbour, np.bool_)


def _tidy(region: Mask) -> Mask | None:
    """Return the largest part of `region`, smoothed and filled; None where it is no object."""
    smooth = cv2.medianBlur(region.astype(np.uint8), 5)
    contours, _ = cv2.findContours(smooth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    outline = max(contours, key=cv2.contourArea)
    area, hull = cv2.contourArea(outline), cv2.contourArea(cv2.convexHull(outline))
    if area < 60 or area < 0.6 * hull or area > 0.6 * region.size:
        return None
    filled = np.zeros(region.shape, np.uint8)
    cv2.fillPoly(filled, [outline], 1)
    return filled.view(np.bool_)


def _stands_out(grey: NDArray[np.generic], mask: Mask) -> bool:
    """Return whether the inside differs from a rim of 6 px around it by 8 grey levels or more."""
    grown = cv2.dilate(mask.view(np.uint8), np.ones((13, 13), np.uint8)).view(np.bool_)
    rim = grown & ~mask
    return bool(rim.any() and abs(grey[mask].mean() - grey[rim].mean()) >= 8)
