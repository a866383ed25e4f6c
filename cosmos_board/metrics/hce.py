"""Human correction effort: the number of clicks that turn a prediction into its reference.

Definition of DIS5K (Qin et al., Highly accurate dichotomous image segmentation, ECCV 2022),
with its defaults: errors thinner than about `relax` pixels are ignored, except where they
interrupt the reference's skeleton. What is left is corrected by drawing its outline along the
good part, one click per control point of the polygon (Douglas-Peucker at `epsilon`), or, for a
region that touches no such part, by one click on the region.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask
from cosmos_board.metrics.overlap import check_size
from cosmos_board.metrics.reference import PreparedReference

RELAX_PX = 5
EPSILON_PX = 2.0

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


@dataclass(frozen=True, slots=True)
class CorrectionEffort:
    """Clicks, by what they correct."""

    extra_points: int
    """Control points along what was drawn and should not have been."""

    extra_regions: int
    """Regions to take away whole."""

    missing_points: int
    """Control points along what was not drawn and should have been."""

    missing_regions: int
    """Regions that one click adds: holes without a way to the background."""

    @property
    def total(self) -> int:
        """The effort, in clicks; 0 where nothing needs correction."""
        return self.extra_points + self.extra_regions + self.missing_points + self.missing_regions


def measure_hce(
    prediction: Mask,
    reference: PreparedReference,
    *,
    relax_px: int = RELAX_PX,
    epsilon_px: float = EPSILON_PX,
) -> CorrectionEffort:
    """Return the effort of correcting `prediction` by hand.

    The prediction is bool, axes (Y, X), of the reference's size, and may be empty. An error must
    survive `relax_px` passes of erosion; a polygon may stray `epsilon_px` from the outline.

    Raises:
        InputError: If prediction and reference differ in size.

    Example:
        >>> from cosmos_board.metrics.reference import prepare_reference
        >>> block = np.ones((30, 30), dtype=np.bool_)
        >>> measure_hce(block, prepare_reference(block)).total
        0
    """
    check_size(prediction.shape, reference.mask.shape)
    expected, shared = reference.mask, prediction & reference.mask
    thick = _erode(prediction | expected, relax_px)
    extra, missing = prediction & ~shared, expected & ~shared
    # What erosion leaves is dilated as often as it was eroded, without what both masks share.
    extra_left = extra & _grow_within(extra & thick, ~expected, relax_px)
    missing_left = missing & _grow_within(missing & thick, ~prediction, relax_px)
    missing_left |= reference.skeleton & missing
    good = shared | missing_left
    background = ~(shared | extra_left | missing_left)
    extra_points, extra_regions = _count_clicks(extra_left, good, epsilon_px)
    missing_points, missing_regions = _count_clicks(missing_left, background, epsilon_px)
    return CorrectionEffort(extra_points, extra_regions, missing_points, missing_regions)


def _erode(mask: Mask, passes: int) -> Mask:
    # OpenCV's border does not erode: an object cut off by the image is not thin there.
    eroded: NDArray[np.uint8] = cv2.erode(mask.view(np.uint8), _CROSS, iterations=passes)
    return eroded.view(np.bool_)


def _dilate(mask: Mask) -> Mask:
    dilated: NDArray[np.uint8] = cv2.dilate(mask.view(np.uint8), _CROSS)
    return dilated.view(np.bool_)


def _grow_within(mask: Mask, allowed: Mask, passes: int) -> Mask:
    for _ in range(passes):
        mask = _dilate(mask) & allowed
    return mask


def _count_clicks(regions: Mask, beside: Mask, epsilon_px: float) -> tuple[int, int]:
    """Return the control points of outlines next to `beside`, and the regions without any."""
    contours, _ = cv2.findContours(regions.view(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
    count, labels = cv2.connectedComponents(regions.view(np.uint8), connectivity=8)
    open_pixels = _dilate(beside)
    outlined = np.zeros(count, np.bool_)
    outlined[0] = True  # the background is no region
    points = 0
    for contour in contours:
        trace_xy = np.asarray(contour, np.int32).reshape(-1, 2)
        for part in _split(trace_xy, open_pixels):
            outlined[labels[part[:, 1], part[:, 0]]] = True
            points += len(cv2.approxPolyDP(part[:, None], epsilon_px, False))
    return points, int(np.count_nonzero(~outlined))


def _split(trace_xy: NDArray[np.int32], open_pixels: Mask) -> list[NDArray[np.int32]]:
    """Return the parts of a closed contour on open pixels, and mark those pixels as closed."""
    place = trace_xy[:, 1].astype(np.int64) * open_pixels.shape[1] + trace_xy[:, 0]
    first_visit = np.zeros(len(place), np.bool_)
    first_visit[np.unique(place, return_index=True)[1]] = True
    inside = first_visit & open_pixels.reshape(-1)[place]
    open_pixels.reshape(-1)[place[inside]] = False
    cuts = np.flatnonzero(np.diff(inside)) + 1
    pieces = np.split(trace_xy, cuts)
    starts = np.concatenate([[0], cuts])
    parts = [piece for piece, start in zip(pieces, starts, strict=True) if inside[start]]
    if len(parts) > 1 and np.abs(parts[0][0] - parts[-1][-1]).max() == 1:
        # The contour starts within a part. DIS5K's code appends the first piece reversed; so does
        # this one, to get the same numbers.
        parts[-1] = np.concatenate([parts[-1], parts[0][::-1]])
        del parts[0]
    return parts
