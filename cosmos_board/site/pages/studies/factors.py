"""The page of what makes a target hard."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.studies.factors import FactorCurve
from cosmos_board.factors.table import FACTORS
from cosmos_board.site.components.figure import Axis, Figure, Point, Series
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.content.labels import model_url, prompt_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.content.studies import FACTOR_PROMPT
from cosmos_board.site.language.numbers import DASH, number, signed, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import add_synthetic, explain_empty
from cosmos_board.site.pages.sections.writer import Context


def factors_page(context: Context) -> Page:
    """Return the page of factors."""
    data, words = context.data, context.words
    article = Article("studies/factors.md", words("What makes a target hard"))
    article.say(
        words(
            "Size, shape, contrast and boundary of a reference against the Dice of the models: "
            "rank correlations with the other factors held fixed, and curves over tenths of the "
            "references."
        )
    )
    add_synthetic(context, article)
    if not data.studies.factors:
        otherwise = words("No reference has been scored with a box yet.")
        if "factors" in data.studies.withheld:
            otherwise = explain_empty(data, words, otherwise)
        context.note(article, otherwise)
        return article.page()
    article.heading(words("Correlations"), "correlations")
    context.figure(article, _correlation_figure(context))
    context.table(article, _factor_table(context))
    article.heading(words("Dice along each factor"), "curves")
    for name in dict.fromkeys(curve.factor for curve in data.studies.curves):
        curves = [curve for curve in data.studies.curves if curve.factor == name]
        if max(len(curve.bins) for curve in curves) < 2:
            continue
        article.heading(_factor_label(name, words), f"factor-{name}", level=3)
        article.add(
            Markup("<p>{}</p>").format(_factor_text(name, words)),
        )
        context.figure(article, _curve_figure(data, name, curves, words))
    return article.page()


def _factor_label(name: str, words: Words) -> str:
    if name == "area_share":
        return words("Share of the image")
    return words.pick(FACTORS[name].label, FACTORS[name].label_zh)


def _factor_text(name: str, words: Words) -> str:
    if name == "area_share":
        return words("Pixels of the reference over pixels of the image.")
    return words.pick(FACTORS[name].definition, FACTORS[name].definition_zh)


def _factor_unit(name: str) -> str:
    return f" ({FACTORS[name].unit})" if name in FACTORS and FACTORS[name].unit else ""


def _correlation_figure(context: Context) -> Figure | None:
    data, words = context.data, context.words
    rows = [row for row in data.studies.factors if row.selection == "predicted" and row.given]
    first = next((row.given for row in rows), ())
    family = {*first, *(row.factor for row in rows if row.given == first)}
    rows = [row for row in rows if {row.factor, *row.given} == family]
    factors = list(dict.fromkeys(row.factor for row in rows))
    models = sorted({row.model for row in rows})
    if not rows:
        return None
    step = 0.7 / max(len(models), 1)
    series = []
    for colour, model in enumerate(models):
        points = []
        for row in rows:
            if row.model == model:
                shift = (colour - (len(models) - 1) / 2) * step
                text = f"{data.label(model)}, {_factor_label(row.factor, words)}"
                rho = row.rho
                points.append(
                    Point(
                        rho.value,
                        factors.index(row.factor) + shift,
                        rho.low,
                        rho.high,
                        f"{text}: {signed(rho.value)}",
                    )
                )
        series.append(Series(name=data.label(model), points=tuple(points), colour=colour))
    return Figure(
        name="correlations",
        title=words("Partial rank correlation of Dice with each factor"),
        says=words(
            "Right of zero: the larger the factor, the better the score, the other three factors "
            "held fixed. Bars are 95 % intervals over clusters. Prompt “{prompt}”, by predicted "
            "IoU.",
            prompt=prompt_label(FACTOR_PROMPT, words),
        ),
        x=Axis(label=words("partial Spearman correlation")),
        y=Axis(label="", categories=tuple(_factor_label(name, words) for name in factors)),
        series=tuple(series),
        interval="x",
        row_height=16 * len(models) + 10,
    )


def _factor_table(context: Context) -> Table:
    data, words = context.data, context.words
    rows = []
    for row in data.studies.factors:
        given = ", ".join(_factor_label(name, words) for name in row.given)
        rho = row.rho
        rows.append(
            Row(
                (
                    Cell(data.label(row.model), row.model, model_url(row.model)),
                    Cell(
                        _factor_label(row.factor, words),
                        row.factor,
                        f"docs/definitions/#{row.factor}" if row.factor in FACTORS else "",
                    ),
                    Cell(given or words("nothing"), muted=not given),
                    Cell(words.term(row.selection)),
                    Cell(signed(rho.value), rho.value),
                    Cell(span(rho.low, rho.high) or words("no interval"), muted=rho.low is None),
                    Cell(number(row.p_holm), row.p_holm, muted=row.p_holm is None),
                    Cell(number(rho.references, 0), rho.references),
                    Cell(number(rho.clusters, 0), rho.clusters),
                )
            )
        )
    return Table(
        name="factors",
        caption=words(
            "Spearman correlation of Dice with each factor, prompt “{prompt}”; partial where "
            "others are held fixed; p after Holm over the factors of one run. Data {version}.",
            prompt=prompt_label(FACTOR_PROMPT, words),
            version=data.version or DASH,
        ),
        columns=(
            Column(key="model", label=words("Model"), frozen=True, facet=True),
            Column(key="factor", label=words("Factor"), facet=True),
            Column(key="given", label=words("Held fixed")),
            Column(key="selection", label=words("Selection"), facet=True),
            Column(key="rho", label=words("Correlation"), numeric=True),
            Column(key="interval", label=words("95 % interval")),
            Column(key="p", label=words("p (Holm)"), numeric=True),
            Column(key="references", label=words("References"), numeric=True),
            Column(key="clusters", label=words("Clusters"), numeric=True),
        ),
        rows=tuple(rows),
    )


def _curve_figure(
    data: SiteData, name: str, curves: list[FactorCurve], words: Words
) -> Figure | None:
    series = []
    for colour, curve in enumerate(sorted(curves, key=lambda curve: curve.model)):
        label = data.label(curve.model)
        points = tuple(
            Point(
                (part.low + part.high) / 2,
                part.dice.value,
                part.dice.low,
                part.dice.high,
                f"{label}, {part.low:g}–{part.high:g}: {number(part.dice.value)}",
            )
            for part in curve.bins
        )
        series.append(Series(name=label, points=points, colour=colour, line=True, band=True))
    if max((len(part.points) for part in series), default=0) < 2:
        return None
    return Figure(
        name=f"curve-{name.replace('_', '-')}",
        title=words("Dice along {factor}", factor=_factor_label(name, words)),
        says=words(
            "Mean Dice over tenths of the references, at the middle of each tenth; bands are "
            "95 % intervals."
        ),
        x=Axis(label=_factor_label(name, words) + _factor_unit(name), log=name == "size_px"),
        y=Axis(label=words("Dice")),
        series=tuple(series),
    )
