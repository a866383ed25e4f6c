"""The study's eight findings, as claims that data can decide again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from cosmos_board.store.queries.findings import FINDING_QUERIES

Certainty: TypeAlias = Literal["abstract", "second-hand", "not found"]
"""How sure we are of the paper's number: read in its own abstract; quoted by others who had the
paper, so check it before citing it as the paper's; or not found anywhere."""

PAPER = "https://arxiv.org/abs/2304.14660"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One finding of the paper and how it is decided."""

    id: str
    statement: str
    statement_zh: str
    effect: str
    """What is measured."""

    effect_zh: str
    threshold: float
    """The effect must lie beyond it for the claim to hold."""

    unit: str
    """Of effect and threshold; empty for Dice, a share or a correlation."""

    needs: str
    """What must be in the database."""

    paper: str
    """What the paper reports; empty where no number was found."""

    certainty: Certainty
    source: str
    """Where the paper's number was read."""

    query: str
    """SQL over the board database that shows what the effect is made of."""


_SECOND_HAND = "https://github.com/Leon42325/medical-sam-project"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="F1",
        statement="Segmentation is remarkable on some targets and fails on others.",
        statement_zh="模型在部分目标上分割出色，在另一些目标上则失败。",
        effect=(
            "The smaller of two shares of targets: mean Dice ≥ 0.9, and mean Dice ≤ 0.5, each "
            "target with its best prompt"
        ),
        effect_zh="两个目标占比中较小者：平均 Dice ≥ 0.9 与平均 Dice ≤ 0.5（每个目标取最佳提示）",
        threshold=0.05,
        unit="",
        needs="at least 10 targets",
        paper="Hausdorff distance with a box from 2.19 px (humerus, CT) to 23.7 px (heart, CT)",
        certainty="second-hand",
        source="a review of boundary accuracy that cites the paper's Table 3",
        query=FINDING_QUERIES["F1"],
    ),
    Claim(
        id="F2",
        statement="The larger SAM (ViT-H) segments better than the smaller one (ViT-B).",
        statement_zh="较大的 SAM（ViT-H）比较小的 SAM（ViT-B）分割得更好。",
        effect="Macro paired Dice, ViT-H minus ViT-B, mean over the six prompts",
        effect_zh="六种提示平均的宏平均配对 Dice 差：ViT-H 减 ViT-B",
        threshold=0.0,
        unit="",
        needs="sam-vit-b and sam-vit-h with all six prompts",
        paper="",
        certainty="not found",
        source="",
        query=FINDING_QUERIES["F2"],
    ),
    Claim(
        id="F3",
        statement="Manual prompts, above all the box, beat segmenting everything.",
        statement_zh="人工提示（尤其是框）优于全图自动分割。",
        effect=(
            "The smaller of two differences of macro Dice: 1 point minus everything, and box "
            "minus the best point prompt"
        ),
        effect_zh="两个宏平均 Dice 差中较小者：1 个点减全图自动，框减最佳点提示",
        threshold=0.0,
        unit="",
        needs="all six prompts",
        paper="The order: box, then points, then everything mode; no number",
        certainty="abstract",
        source=PAPER,
        query=FINDING_QUERIES["F3"],
    ),
    Claim(
        id="F4",
        statement="SAM's masks help annotators to be better and faster.",
        statement_zh="SAM 的掩膜帮助标注者标得更好、更快。",
        effect=(
            "Paired by reader and image, assisted against unaided: Dice gained, and seconds "
            "saved; the weaker one decides"
        ),
        effect_zh="按标注者与图像配对，辅助与独立标注相比：Dice 提升与节省的秒数；由较弱者决定",
        threshold=0.0,
        unit="Dice, or seconds per image",
        needs="an annotation log",
        paper="High quality in less time; no number",
        certainty="abstract",
        source=PAPER,
        query=FINDING_QUERIES["F4"],
    ),
    Claim(
        id="F5",
        statement="Segmentation is sensitive to where exactly the prompt is placed.",
        statement_zh="分割结果对提示的具体位置很敏感。",
        effect=(
            "The smaller of two drops of macro Dice at a displacement of 20–30 px: of the box, "
            "and of 1 point"
        ),
        effect_zh="位移 20–30 像素时两个宏平均 Dice 降幅中较小者：框，1 个点",
        threshold=0.05,
        unit="",
        needs="the jitter study of box and point (first), level 20–30 px",
        paper="Drop at 20–30 px: 14.6 Dice points with 1 point, 24.1 with a box",
        certainty="second-hand",
        source=_SECOND_HAND,
        query=FINDING_QUERIES["F5"],
    ),
    Claim(
        id="F6",
        statement="SAM is ahead of interactive methods with one click and overtaken later.",
        statement_zh="只点一次时 SAM 领先于交互式方法，点击增多后被超过。",
        effect=(
            "Macro Dice, model minus the best interactive method: the smaller of the lead at "
            "click 1 and the deficit at click 10"
        ),
        effect_zh="模型减最佳交互式方法的宏平均 Dice:第 1 次点击的领先与第 10 次点击的落后中较小者",
        threshold=0.0,
        unit="",
        needs="the clicks study of a promptable model and of an interactive method",
        paper="",
        certainty="abstract",
        source=PAPER,
        query=FINDING_QUERIES["F6"],
    ),
    Claim(
        id="F7",
        statement="Dice falls with the boundary's complexity and rises with the contrast.",
        statement_zh="Dice 随边界复杂度升高而下降，随灰度差增大而上升。",
        effect=(
            "The weaker of two partial Spearman correlations with Dice (box): minus that of "
            "boundary complexity, and that of intensity difference"
        ),
        effect_zh="与 Dice（框提示）的两个偏 Spearman 相关中较弱者：边界复杂度取负，灰度差",
        threshold=0.1,
        unit="",
        needs="at least 200 references with factors, box",
        paper="Intensity difference +0.45 … +0.64, boundary complexity −0.42 … −0.62",
        certainty="second-hand",
        source=_SECOND_HAND,
        query=FINDING_QUERIES["F7"],
    ),
    Claim(
        id="F8",
        statement="Fine-tuning on medical images makes SAM better.",
        statement_zh="在医学图像上微调使 SAM 更好。",
        effect="Macro paired Dice with a box, fine-tuned minus its base, on unseen clusters",
        effect_zh="框提示下微调模型减其基础模型的宏平均配对 Dice（仅未见过的独立单元）",
        threshold=0.0,
        unit="",
        needs="a fine-tuned model and its base",
        paper="+4.39 Dice points (ViT-B), +6.68 (ViT-H)",
        certainty="abstract",
        source=PAPER,
        query=FINDING_QUERIES["F8"],
    ),
)
"""F1 … F8, in the paper's order."""
