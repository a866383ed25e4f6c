"""Figures on a page: the drawing, its sentence, its legend, and where its numbers lie."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.site.components.figure import Figure
from cosmos_board.site.components.plotly_json import render_plotly
from cosmos_board.site.components.svg import render_svg
from cosmos_board.site.language.words import Words
from cosmos_board.site.templates import render


def render_figure(
    figure: Figure, root: str, words: Words, folder: str, *, live: bool = True
) -> tuple[Markup, dict[str, bytes]]:
    """Return `figure` as HTML, and the files it needs by path from the root of the site.

    Args:
        figure: What to show.
        root: The way from the page to the root of the site.
        words: The language of the page.
        folder: Where the page's data lies, from the root of the site.
        live: Whether the interactive plot replaces the drawing when it comes into view.
    """
    path = f"{folder}/{figure.name}.plot.json"
    html = render(
        "figure.html",
        figure=figure,
        drawing=render_svg(figure, titles=not live),
        legend=[series for series in figure.series if series.name and len(figure.series) > 1],
        path=path,
        live=live,
        root=root,
        t=words,
    )
    return html, {path: render_plotly(figure)}
