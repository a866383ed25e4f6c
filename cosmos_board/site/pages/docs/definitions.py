"""The page that says what every number is: metrics, factors, words."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.factors.table import FACTORS
from cosmos_board.metrics.table import METRICS
from cosmos_board.site.components.page import Page
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter


def definitions_page(context: PageContext) -> Page:
    """Return the page of definitions, one anchor a column."""
    words = context.words
    page = PageWriter(context, "docs/definitions.md", words("Definitions"), hide=())
    page.text(
        words(
            "What each number is, and which definition was chosen where several are in use under "
            "one name. All distances are Euclidean, in native pixels of the curated image; "
            "spacings in millimetres are not used, because half of the datasets have none."
        )
    )
    page.heading(words("Metrics"), "metrics")
    for metric in METRICS.values():
        better = words("higher is better") if metric.higher_is_better else words("lower is better")
        low, high = metric.bounds
        limits = f"{low:g} … {'∞' if high == float('inf') else f'{high:g}'}"
        page.heading(words(metric.label), metric.name, level=3)
        page.paragraph(words(metric.definition))
        page.facts(
            [
                (words("Column"), metric.name),
                (words("Unit"), metric.unit or words("none: a ratio")),
                (words("Range"), limits),
                (words("Direction"), better),
                (words("In SQL"), Markup("<code>{}</code>").format(metric.sql)),
            ]
        )
    page.heading(words("Factors"), "factors")
    page.paragraph(
        words(
            "Numbers that belong to a reference mask and its image, not to any model: what makes "
            "a target hard."
        )
    )
    for factor in FACTORS.values():
        page.heading(words(factor.label), factor.name, level=3)
        unit = f" ({factor.unit})" if factor.unit else ""
        page.paragraph(words(factor.definition) + unit)
    return page.finish()
