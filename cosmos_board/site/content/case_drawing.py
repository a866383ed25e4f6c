"""A picked case as it is shown: its image, cut out and made smaller, and contours on it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from cosmos_board.core.masks import Mask, Pixels, Rle
from cosmos_board.core.prompts import Prompt
from cosmos_board.data.pack import Pack
from cosmos_board.site.content.case_picks import PROMPT, Pick

LARGEST_PX = 512
"""Longer side of a shown image."""

_SMALLEST_PX = 96
"""Least side of what is shown around a small object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A pick with what may be shown of it. Coordinates are in pixels of the shown image."""

    pick: Pick
    width: int
    height: int
    picture: bytes | None
    """WebP; None where the dataset does not permit its images to be shown."""

    reference: str
    """Path data of the reference's contour."""

    models: Mapping[str, str]
    """Path data by model, of those whose masks were kept."""

    box_xyxy: tuple[float, float, float, float] | None
    points_xy: tuple[tuple[float, float, int], ...]
    """(x, y, label)."""


def draw_cases(
    pack: Pack, picks: Sequence[Pick], masks: Mapping[tuple[str, str], Rle], *, picture: bool
) -> Iterator[Case]:
    """Yield the cases of one pack; `picture` says whether its images may be shown.

    `masks` holds what models drew, by (reference id, model), best model first.
    """
    for item in pack.iter_items(wanted={pick.image_id for pick in picks}):
        references = {reference.reference_id: reference for reference in item.references}
        for pick in picks:
            reference = references.get(pick.reference_id)
            if pick.image_id != item.image.image_id or reference is None:
                continue
            prompt = item.prompts[pick.reference_id].get(PROMPT)
            left, top, right, bottom = frame_case(
                reference.box_xyxy, item.image.height, item.image.width
            )
            scale = min(1.0, LARGEST_PX / max(bottom - top, right - left))
            pixels = item.image.pixels[top:bottom, left:right]
            yield Case(
                pick=pick,
                width=round((right - left) * scale),
                height=round((bottom - top) * scale),
                picture=encode_webp(pixels, scale) if picture else None,
                reference=trace(reference.mask()[top:bottom, left:right], scale),
                models={
                    model: trace(_decode(rle)[top:bottom, left:right], scale)
                    for (reference_id, model), rle in masks.items()
                    if reference_id == pick.reference_id
                },
                box_xyxy=_box(prompt, scale, left, top) if prompt else None,
                points_xy=_points(prompt, scale, left, top) if prompt else (),
            )


def frame_case(
    box_xyxy: tuple[int, int, int, int], height: int, width: int
) -> tuple[int, int, int, int]:
    """Return what of an image is shown, (left, top, right, bottom), the last two exclusive.

    All of it, unless the object is small: then a square of four times its longer side.

    Example:
        >>> frame_case((10, 10, 60, 60), 100, 100), frame_case((0, 90, 19, 99), 1000, 1000)
        ((0, 0, 100, 100), (0, 47, 96, 143))
    """
    left, top, right, bottom = box_xyxy
    side = max(4 * max(right - left + 1, bottom - top + 1), _SMALLEST_PX)
    if side >= max(height, width) / 1.5:
        return 0, 0, width, height
    start_x = min(max((left + right + 1) // 2 - side // 2, 0), max(width - side, 0))
    start_y = min(max((top + bottom + 1) // 2 - side // 2, 0), max(height - side, 0))
    return start_x, start_y, min(start_x + side, width), min(start_y + side, height)


def _decode(rle: Rle) -> Mask:
    return rle.decode() if rle.counts else np.zeros((rle.height, rle.width), np.bool_)


def _box(prompt: Prompt, scale: float, x: int, y: int) -> tuple[float, float, float, float] | None:
    if prompt.box_xyxy is None:
        return None
    left, top, right, bottom = prompt.box_xyxy
    return (
        round((left - x) * scale, 1),
        round((top - y) * scale, 1),
        round((right + 1 - x) * scale, 1),
        round((bottom + 1 - y) * scale, 1),
    )


def _points(
    prompt: Prompt, scale: float, left: int, top: int
) -> tuple[tuple[float, float, int], ...]:
    return tuple(
        (round((x + 0.5 - left) * scale, 1), round((y + 0.5 - top) * scale, 1), int(label))
        for (x, y), label in zip(prompt.points_xy.tolist(), prompt.labels.tolist(), strict=True)
    )


def encode_webp(pixels: Pixels, scale: float) -> bytes:
    """Return an image (uint8, axes (Y, X) or (Y, X, 3)) as WebP, made smaller by `scale`."""
    picture = Pictures.fromarray(pixels)
    if scale < 1:
        size = (round(picture.width * scale), round(picture.height * scale))
        picture = picture.resize(size, Pictures.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()


TOLERANCE_PX = 0.75
"""How far a contour may deviate from the boundary of its mask."""


def trace(mask: Mask, scale: float = 1.0) -> str:
    """Return the contours of `mask` (bool, axes (Y, X)) with holes, as SVG path data.

    Pixels are squares of side `scale`: the contour of one at the origin spans (0, 0) to (1, 1).
    Fill it with the even-odd rule. An empty mask gives an empty path.

    Example:
        >>> trace(np.array([[True, True], [False, False]]))
        'M0 0v1h2v-1z'
    """
    doubled = np.kron(np.pad(mask, 1).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return "".join(_path(contour[:, 0, :], scale) for contour in contours)


def _path(contour: NDArray[np.int32], scale: float) -> str:
    # In the doubled and padded grid pixel x has cells 2x + 2 and 2x + 3: the first stands for its
    # left or top edge, the second for its right or bottom one.
    corners = (contour + 1) // 2 - 1
    keep = np.ones(len(corners), bool)
    keep[1:] = (corners[1:] != corners[:-1]).any(axis=1)
    points = corners[keep].astype(np.float32)
    tolerance = TOLERANCE_PX if len(points) > 12 else 0.01
    points = cv2.approxPolyDP(points[:, None, :], tolerance, closed=True)[:, 0, :]
    steps = np.rint(points * scale * 10) / 10
    parts = [f"M{steps[0, 0]:g} {steps[0, 1]:g}"]
    for before, after in pairwise(steps):
        dx, dy = np.rint((after - before) * 10) / 10
        if dx == 0 and dy == 0:
            continue
        parts.append(f"v{dy:g}" if dx == 0 else f"h{dx:g}" if dy == 0 else f"l{dx:g} {dy:g}")
    return "".join(parts) + "z"
