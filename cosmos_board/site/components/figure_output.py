"""Figures as Plotly's JSON: plain lists, no template; the script adds the theme's colours."""

from __future__ import annotations

import json
from math import log10

from markupsafe import Markup

from cosmos_board.site.components.figure import Axis, Figure, Point, Series, extent, point_name
from cosmos_board.site.components.svg import render_svg
from cosmos_board.site.components.templates import render
from cosmos_board.site.language.words import Words


def render_plotly(figure: Figure) -> bytes:
    """Return `figure` as the JSON of a Plotly figure.

    Colours are left to the page: each trace carries its index in `meta.colour`.
    """
    traces = [
        trace for series in figure.series if series.points for trace in _traces(series, figure)
    ]
    down = len(figure.y.categories)
    layout = {
        "height": 80 + (figure.row_height + 4) * down if down else 440,
        "margin": {"l": 56, "r": 12, "t": 12, "b": 52},
        "xaxis": _axis(figure, "x"),
        "yaxis": _axis(figure, "y"),
        "showlegend": len(figure.series) > 1 and not any(s.thick for s in figure.series),
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
    }
    document = {"data": traces, "layout": layout}
    return (json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _axis(figure: Figure, name: str) -> dict[str, object]:
    axis: Axis = getattr(figure, name)
    low, high = extent(figure, "x" if name == "x" else "y")
    described: dict[str, object] = {"title": {"text": axis.label}, "automargin": True}
    if axis.categories:
        described |= {
            "tickmode": "array",
            "tickvals": list(range(len(axis.categories))),
            "ticktext": list(axis.categories),
            "range": [high, low] if name == "y" else [low, high],
            "title": {"text": "" if name == "y" else axis.label},
            "zeroline": False,
        }
    elif axis.log:
        described |= {"type": "log", "dtick": 1}
    else:
        described["range"] = [high, low] if axis.reverse else [low, high]
    return described


def _traces(series: Series, figure: Figure) -> list[dict[str, object]]:
    points = series.points
    modes = {"lines": series.line, "markers": series.marks, "text": series.labels}
    trace: dict[str, object] = {
        "type": "scatter",
        "mode": "+".join(name for name, on in modes.items() if on) or "markers",
        "name": series.name,
        "x": [round(point.x, 6) for point in points],
        "y": [round(point.y, 6) for point in points],
        "hovertext": [point.label or series.name for point in points],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "meta": {"colour": series.colour},
        "line": {"dash": "dash" if series.dashed else "solid", "width": 2},
        "marker": {"size": (6 if len(points) > 60 else 9) if series.marks else 0.1},
    }
    if series.labels:
        trace |= {"text": [point_name(point, series) for point in points]}
        trace |= {"textposition": _sides(points, figure), "cliponaxis": False}
    if not any(point.low is not None for point in points):
        return [trace]
    if series.band:
        return [*_band(series, points), trace]
    trace[f"error_{figure.interval}"] = {
        "type": "data",
        "symmetric": False,
        "array": [_gap(point, figure, point.high) for point in points],
        "arrayminus": [_gap(point, figure, point.low) for point in points],
        "thickness": 7 if series.thick else 1.5,
        "width": 0,
    }
    return [trace]


def _sides(points: tuple[Point, ...], figure: Figure) -> list[str]:
    """Return where each point's name goes, so that none runs over an edge of the plot."""
    places = [log10(point.x) if figure.x.log else point.x for point in points]
    low, width = min(places), (max(places) - min(places)) or 1.0
    return [
        "top right" if share < 0.2 else "top left" if share > 0.8 else "top center"
        for share in ((place - low) / width for place in places)
    ]


def _gap(point: Point, figure: Figure, end: float | None) -> float:
    middle = point.x if figure.interval == "x" else point.y
    return 0.0 if end is None else round(abs(end - middle), 6)


def _band(series: Series, points: tuple[Point, ...]) -> list[dict[str, object]]:
    known = [point for point in points if point.low is not None and point.high is not None]
    shared = {
        "type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False,
        "name": series.name, "line": {"width": 0}, "x": [point.x for point in known],
    }  # fmt: skip
    return [
        shared | {"y": [point.low for point in known]},
        shared
        | {
            "y": [point.high for point in known],
            "fill": "tonexty",
            "meta": {"colour": series.colour, "band": True},
        },
    ]


def render_figure(
    figure: Figure, root: str, words: Words, folder: str, *, live: bool = True
) -> tuple[Markup, dict[str, bytes]]:
    """Return `figure` as HTML, and the files it needs by path from the root of the site.

    They lie in `folder`. Where `live`, the interactive plot replaces the drawing once in view.
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
