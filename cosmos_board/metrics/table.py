"""The metrics that the board reports: one row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.metrics import definitions
from cosmos_board.metrics.definitions import PairCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One column of a board: how it is computed, sorted, headed and explained."""

    name: str
    """Key in files, URLs and on the command line. A metric that is stored has a field of
    `core.scores.Scores` and a column of the scores table of the same name."""

    label: str
    """Heading in English; the site's catalogues translate it."""

    unit: str
    """Unit of the score; empty for a ratio."""

    higher_is_better: bool
    """Direction in which a model improves."""

    bounds: tuple[float, float]
    """Least and greatest value that a score can take."""

    sql: str
    """Expression over the columns of the scores table; the name where the metric is stored."""

    definition: str
    """In English: what is computed, and which of several definitions in use it is."""

    compute: Callable[[PairCounts], float] | None = None
    """Score of a pair of masks with pixels; None where `sql` derives it from stored columns."""

    @property
    def ranked(self) -> bool:
        """Whether means are taken and models ranked: of ratios alone.

        Pixels mean something else on each target, and the distance of an empty mask is a rule; so
        distances are shown as a median over drawn masks.
        """
        return not self.unit

    @property
    def direction(self) -> str:
        """An arrow towards better scores."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def heading(self) -> str:
        """Heading with unit and direction, such as `HD95 (px) ↓`."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{unit} {self.direction}"


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="dice",
            label="Dice",
            unit="",
            higher_is_better=True,
            bounds=(0.0, 1.0),
            sql="2.0 * tp / (2 * tp + fp + fn)",
            definition=(
                "Twice the shared pixels over the pixels of both masks. An empty prediction "
                "scores 0; a reference is never empty."
            ),
        ),
        Metric(
            name="iou",
            label="IoU",
            unit="",
            higher_is_better=True,
            bounds=(0.0, 1.0),
            sql="1.0 * tp / (tp + fp + fn)",
            definition="Shared pixels over joined pixels (Jaccard). An empty prediction scores 0.",
        ),
        Metric(
            name="hd_px",
            label="HD",
            unit="px",
            higher_is_better=False,
            bounds=(0.0, inf),
            sql="hd_px",
            compute=definitions.hausdorff,
            definition=(
                "Hausdorff distance between the boundaries: the larger of the two directed "
                "maxima, in native pixels. A boundary is a mask without its 4-neighbour erosion; "
                "beyond the image is outside. From boundary to boundary as MONAI and medpy, not "
                "from all pixels as SimpleITK and scikit-image. It is stored and not shown on "
                "boards; the row of an empty mask holds the image's diagonal."
            ),
        ),
        Metric(
            name="hd95_px",
            label="HD95",
            unit="px",
            higher_is_better=False,
            bounds=(0.0, inf),
            sql="hd95_px",
            compute=definitions.hausdorff_95,
            definition=(
                "The larger of the two directed 95th percentiles of boundary distances (linear "
                "interpolation), in native pixels: as MONAI, MetricsReloaded and surface-distance "
                "do; medpy and panoptica pool both directions, which can differ by a third. "
                "Pixels are counted, not weighted by contour length. Boards show the median over "
                "drawn masks; the row of an empty one holds the image's diagonal."
            ),
        ),
        Metric(
            name="assd_px",
            label="ASSD",
            unit="px",
            higher_is_better=False,
            bounds=(0.0, inf),
            sql="assd_px",
            compute=definitions.average_surface_distance,
            definition=(
                "Mean distance to the other boundary over the pixels of both boundaries pooled, "
                "in native pixels (MONAI's symmetric form and medpy), not the mean of two "
                "directed means. Boards show the median over drawn masks; the row of an empty one "
                "holds the image's diagonal."
            ),
        ),
        Metric(
            name="nsd",
            label="NSD",
            unit="",
            higher_is_better=True,
            bounds=(0.0, 1.0),
            sql="nsd",
            compute=definitions.normalised_surface_dice,
            definition=(
                "Normalised surface Dice at 2 px: the share of the pixels of both boundaries that "
                "lie within 2 px of the other. Pixels are counted; surface-distance weights by "
                "contour length on a half-pixel grid. An empty prediction scores 0."
            ),
        ),
        Metric(
            name="nsd_rel",
            label="NSD at 5 %",
            unit="",
            higher_is_better=True,
            bounds=(0.0, 1.0),
            sql="nsd_rel",
            compute=definitions.relative_surface_dice,
            definition=(
                "Normalised surface Dice at a tolerance that follows the object's size: 5 % of the "
                "diameter of the disc with the reference's area, at least 1 px. 2 px are generous "
                "for a small object and strict for a large one. An empty prediction scores 0."
            ),
        ),
        Metric(
            name="boundary_iou",
            label="Boundary IoU",
            unit="",
            higher_is_better=True,
            bounds=(0.0, 1.0),
            sql="boundary_iou",
            compute=definitions.boundary_iou,
            definition=(
                "IoU of the two inner bands, a band being a mask without its erosion by two "
                "passes of the 3×3 square (Cheng et al. 2021, at a fixed width of 2 px instead of "
                "2 % of the image's diagonal). An empty prediction scores 0."
            ),
        ),
    )
}
"""Every metric by name, in the order of columns."""

STORED_METRICS = {metric.name: metric.compute for metric in METRICS.values() if metric.compute}
"""The functions of the metrics that are computed once and stored; `sql` derives the others."""


def get_metric(name: str) -> Metric:
    """Return the metric called `name`.

    Raises:
        UnknownNameError: If there is none.

    Example:
        >>> get_metric("hd95_px").heading
        'HD95 (px) ↓'
    """
    if name not in METRICS:
        raise UnknownNameError("--metric", "name", name, METRICS)
    return METRICS[name]
