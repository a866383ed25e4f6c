"""The factors that the board analyses, one entry per column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cosmos_board.core.factors import Factors
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.factors import definitions
from cosmos_board.factors.definitions import ReferenceShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One column of the references table: how it is computed, headed and explained."""

    name: str
    """Key in files, URLs and on the command line; also the name of its field of
    `core.factors.Factors` and of its column of the references table."""

    label: str
    """English heading."""

    label_zh: str
    """Chinese heading."""

    unit: str
    """Unit; empty for a ratio or a count."""

    definition: str
    definition_zh: str

    compute: Callable[[ReferenceShape], float]
    """Value of one reference; whole numbers for `size_px`, `efd_order` and `components`."""


FACTORS: dict[str, Factor] = {
    factor.name: factor
    for factor in (
        Factor(
            name="size_px",
            compute=definitions.size_px,
            label="Size",
            label_zh="大小",
            unit="px",
            definition="Number of pixels of the reference.",
            definition_zh="参考掩膜的像素数。",
        ),
        Factor(
            name="aspect_ratio",
            compute=definitions.aspect_ratio,
            label="Aspect ratio",
            label_zh="长宽比",
            unit="",
            definition="Short side over long side of the tight box.",
            definition_zh="紧致外接框的短边与长边之比。",
        ),
        Factor(
            name="intensity_difference",
            compute=definitions.intensity_difference,
            label="Intensity difference",
            label_zh="灰度差",
            unit="grey levels",
            definition=(
                "Absolute difference of the mean BT.601 grey inside the reference and in its "
                "surround: the box grown by 10 % of each axis (at least 1 px), without the "
                "reference."
            ),
            definition_zh=(
                "参考区域内与其周边的 BT.601 灰度均值之差的绝对值；"
                "周边 = 外接框每侧扩大该轴长度的 10 %（至少 1 像素）后去掉参考区域。"
            ),
        ),
        Factor(
            name="boundary_complexity",
            compute=definitions.boundary_complexity,
            label="Boundary complexity",
            label_zh="边界复杂度",
            unit="",
            definition=(
                "Elliptic-Fourier order n of the outer contour (largest 8-connected component, "
                "holes filled), raised from 1 until the refilled curve exceeds Dice 0.97 or "
                "gains less than 0.001; the value is n + 200 (1 − Dice)."
            ),
            definition_zh=(
                "外轮廓（最大的 8 连通分量，填充孔洞）的椭圆傅里叶阶数 n：从 1 递增，"
                "直到重新填充的曲线 Dice 超过 0.97 或增益小于 0.001；取值 n + 200 (1 − Dice)。"
            ),
        ),
        Factor(
            name="efd_order",
            compute=definitions.efd_order,
            label="Contour order",
            label_zh="轮廓阶数",
            unit="",
            definition=(
                "First elliptic-Fourier order whose refilled curve exceeds Dice 0.97; 101 when "
                "none up to 100 does."
            ),
            definition_zh=(
                "重新填充的曲线 Dice 首次超过 0.97 的椭圆傅里叶阶数；100 阶以内未达到则记 101。"
            ),
        ),
        Factor(
            name="components",
            compute=definitions.components,
            label="Components",
            label_zh="连通分量数",
            unit="",
            definition="Number of 8-connected components of the reference.",
            definition_zh="参考掩膜的 8 连通分量数。",
        ),
        Factor(
            name="position",
            compute=definitions.position,
            label="Position",
            label_zh="位置",
            unit="",
            definition=(
                "Distance of the reference's centroid from the centre of the image, over half "
                "the image's diagonal."
            ),
            definition_zh="参考区域质心到图像中心的距离与图像半对角线之比。",
        ),
    )
}
"""Every factor by name."""


def compute_factors(pixels: Pixels, mask: Mask) -> Factors:
    """Return every factor of one reference, as protocol `cosmos-1` defines them.

    Args:
        pixels: The curated image: uint8, axes (Y, X) grey or (Y, X, 3) RGB.
        mask: The reference: bool, axes (Y, X), of the image's size.

    Raises:
        InputError: If the mask is empty or differs from the image in size.
    """
    reference = ReferenceShape(pixels, mask)
    values: dict[str, Any] = {name: row.compute(reference) for name, row in FACTORS.items()}
    return Factors(**values)
