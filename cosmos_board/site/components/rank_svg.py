"""The diagram of mean ranks: an axis, names on both sides, bars over those that do not differ."""

from __future__ import annotations

from markupsafe import Markup, escape

from cosmos_board.site.components.svg import WIDTH
from cosmos_board.site.language.text_metrics import cut_to_width
from cosmos_board.site.pages.boards.pairs import MeanRanks

_ROW = 20
_FONT = 12.5
_RANK = 44
"""Room for the rank beside a name."""


def render_mean_ranks(found: MeanRanks, title: str) -> Markup:
    """Return the diagram as an SVG element, best ranks on the left."""
    width = WIDTH
    side = width * 0.3
    half = (len(found.names) + 1) // 2
    top = 34 + 9 * len(found.cliques)
    height = top + _ROW * half + 14
    low, high = 1, len(found.names)

    def place(rank: float) -> float:
        return side + (rank - low) / max(high - low, 1) * (width - 2 * side)

    parts = [
        f'<svg class="cb-svg ranks" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">',
        f'<g class="grid"><path class="base" d="M{place(low):.1f} 24H{place(high):.1f}"/>',
    ]
    for tick in range(low, high + 1):
        parts.append(f'<path d="M{place(tick):.1f} 20V28"/>')
        parts.append(f'<text x="{place(tick):.1f}" y="14" text-anchor="middle">{tick}</text>')
    parts.append("</g>")
    for number, (first, last) in enumerate(found.cliques):
        start, end = place(found.ranks[first]) - 4, place(found.ranks[last]) + 4
        parts.append(f'<path class="clique" d="M{start:.1f} {34 + 9 * number}H{end:.1f}"/>')
    for number, (label, rank) in enumerate(zip(found.labels, found.ranks, strict=True)):
        left = number < half
        line = number if left else len(found.names) - 1 - number
        y = top + _ROW * line + 10
        end = side - 8 if left else width - side + 8
        anchor = "end" if left else "start"
        text_x = end - 4 if left else end + 4
        name = cut_to_width(label, side - _RANK, _FONT)
        parts.append(f'<path class="lead" d="M{place(rank):.1f} 24V{y}H{end:.1f}"/>')
        parts.append(
            f'<text class="name" x="{text_x:.1f}" y="{y + 4}" text-anchor="{anchor}">'
            f"{escape(name)} <tspan>{rank:.2f}</tspan></text>"
        )
    return Markup("".join([*parts, "</svg>"]))
