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
    """English heading."""

    label_zh: str
    """Chinese heading."""

    unit: str
    """Unit of the score; empty for a ratio."""

    higher_is_better: bool
    """Direction in which a model improves."""

    bounds: tuple[float, float]
    """Least and greatest value that a score can take."""

    sql: str
    """Expression over the columns of the scores table; the name where the metric is stored."""

    definition: str
    """English: what is computed, and which of several definitions in use it is."""

    definition_zh: str

    compute: Callable[[PairCounts], float] | None = None
    """Score of a pair of masks with pixels; None where `sql` derives it from stored columns."""

    @property
    def direction(self) -> str:
        """An arrow towards better scores."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def heading(self) -> str:
        """English heading with unit and direction, such as `HD95 (px) ↓`."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{unit} {self.direction}"


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="dice",
            label="Dice",
            label_zh="Dice 系数",
            unit="",
            higher_is_better=True,
            bounds=(0.0, 1.0),
            sql="2.0 * tp / (2 * tp + fp + fn)",
            definition=(
                "Twice the shared pixels over the pixels of both masks. An empty prediction "
                "scores 0; a reference is never empty."
            ),
            definition_zh=(
                "两个掩膜共有像素数的两倍除以两者像素数之和。空预测记 0；参考掩膜不会为空。"
            ),
        ),
        Metric(
            name="iou",
            label="IoU",
            label_zh="交并比",
            unit="",
            higher_is_better=True,
            bounds=(0.0, 1.0),
            sql="1.0 * tp / (tp + fp + fn)",
            definition="Shared pixels over joined pixels (Jaccard). An empty prediction scores 0.",
            definition_zh="共有像素数除以并集像素数（Jaccard）。空预测记 0。",
        ),
        Metric(
            name="hd_px",
            label="HD",
            label_zh="豪斯多夫距离",
            unit="px",
            higher_is_better=False,
            bounds=(0.0, inf),
            sql="hd_px",
            compute=definitions.hausdorff,
            definition=(
                "Hausdorff distance between the boundaries: the larger of the two directed "
                "maxima, in native pixels. A boundary is a mask without its 4-neighbour erosion; "
                "beyond the image is outside. From boundary to boundary as MONAI and medpy, not "
                "from all pixels as SimpleITK and scikit-image. An empty prediction is charged "
                "the image's diagonal."
            ),
            definition_zh=(
                "两条边界之间的豪斯多夫距离：两个单向最大值中较大者，单位为原生像素。"
                "边界 = 掩膜减去其 4 邻域腐蚀；图像之外视为外部。"
                "按边界对边界计算（同 MONAI、medpy），"
                "而非全部像素（SimpleITK、scikit-image）。空预测记为图像对角线。"
            ),
        ),
        Metric(
            name="hd95_px",
            label="HD95",
            label_zh="95% 豪斯多夫距离",
            unit="px",
            higher_is_better=False,
            bounds=(0.0, inf),
            sql="hd95_px",
            compute=definitions.hausdorff_95,
            definition=(
                "The larger of the two directed 95th percentiles of boundary distances (linear "
                "interpolation), in native pixels: as MONAI, MetricsReloaded and surface-distance "
                "do; medpy and panoptica pool both directions, which can differ by a third. "
                "Pixels are counted, not weighted by contour length. An empty prediction is "
                "charged the image's diagonal."
            ),
            definition_zh=(
                "两个方向边界距离的第 95 百分位数（线性插值）中较大者，单位为原生像素："
                "同 MONAI、MetricsReloaded、surface-distance；medpy 与 panoptica 合并两个方向，"
                "结果可相差三分之一。按像素计数，不按轮廓长度加权。空预测记为图像对角线。"
            ),
        ),
        Metric(
            name="assd_px",
            label="ASSD",
            label_zh="平均对称表面距离",
            unit="px",
            higher_is_better=False,
            bounds=(0.0, inf),
            sql="assd_px",
            compute=definitions.average_surface_distance,
            definition=(
                "Mean distance to the other boundary over the pixels of both boundaries pooled, "
                "in native pixels (MONAI's symmetric form and medpy), not the mean of two "
                "directed means. An empty prediction is charged the image's diagonal."
            ),
            definition_zh=(
                "两条边界全部像素合并后到对方边界的平均距离，单位为原生像素"
                "（同 MONAI 对称形式与 medpy），而非两个单向均值的平均。空预测记为图像对角线。"
            ),
        ),
        Metric(
            name="nsd",
            label="NSD",
            label_zh="归一化表面 Dice",
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
            definition_zh=(
                "容差 2 像素的归一化表面 Dice：两条边界中与对方相距不超过 2 像素的像素所占比例。"
                "按像素计数；surface-distance 在半像素网格上按轮廓长度加权。空预测记 0。"
            ),
        ),
        Metric(
            name="boundary_iou",
            label="Boundary IoU",
            label_zh="边界交并比",
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
            definition_zh=(
                "两个内侧边带的交并比；边带 = 掩膜减去其经 3×3 方形两次腐蚀的结果"
                "（Cheng 等 2021，宽度固定为 2 像素，而非图像对角线的 2%）。空预测记 0。"
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
