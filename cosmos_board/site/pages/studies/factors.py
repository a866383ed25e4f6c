"""The page of what makes a target hard."""

from __future__ import annotations

from collections.abc import Sequence

from cosmos_board.board.studies.factors import FactorCurve
from cosmos_board.factors.table import FACTORS
from cosmos_board.site.components.figure import Axis, Figure, Point, Series
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.content.labels import prompt_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.content.studies import FACTOR_PROMPT
from cosmos_board.site.language.numbers import number, signed
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import add_synthetic, explain_missing_study
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter


def factors_page(context: PageContext) -> Page:
    """Return the page of factors."""
    data, words = context.data, context.words
    page = PageWriter(context, "studies/factors.md", words("What makes a target hard"))
    page.text(
        words(
            "Size, shape, contrast and boundary of a reference mask against the Dice of the "
            "models: rank correlations inside each target with the other factors held fixed, and "
            "curves over tenths of the reference masks."
        )
    )
    add_synthetic(page)
    if not data.studies.factors:
        otherwise = words("No reference mask has been scored with a box yet.")
        page.note(explain_missing_study(data, "factors", words, otherwise))
        return page.finish()
    page.heading(words("Correlations"), "correlations")
    page.figure(_correlation_figure(data, words))
    page.table(_factor_table(data, words))
    page.text(
        words(
            "“Could have shown”: the least correlation of either sign that data like these find in "
            "80 % of samples, tested by itself: a weaker one may be there unseen."
        )
    )
    page.heading(words("Dice along each factor"), "curves")
    for name in dict.fromkeys(curve.factor for curve in data.studies.curves):
        curves = [curve for curve in data.studies.curves if curve.factor == name]
        if max(len(curve.bins) for curve in curves) < 2:
            continue
        page.heading(_factor_label(name, words), f"factor-{name}", level=3)
        page.paragraph(_factor_text(name, words))
        page.figure(_curve_figure(data, name, curves, words))
    return page.finish()


def _factor_label(name: str, words: Words) -> str:
    if name == "area_share":
        return words("Share of the image")
    return words(FACTORS[name].label)


def _factor_text(name: str, words: Words) -> str:
    if name == "area_share":
        return words("Pixels of the reference mask over pixels of the image.")
    return words(FACTORS[name].definition)


def _factor_unit(name: str) -> str:
    return f" ({FACTORS[name].unit})" if name in FACTORS and FACTORS[name].unit else ""


def _correlation_figure(data: SiteData, words: Words) -> Figure | None:
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
        shift = (colour - (len(models) - 1) / 2) * step  # beside each other, not on each other
        points = []
        for row in rows:
            if row.model == model:
                rho, label = row.rho, _factor_label(row.factor, words)
                text = f"{data.label(model)}, {label}: {signed(rho.value)}"
                place = factors.index(row.factor) + shift
                points.append(Point(rho.value, place, rho.low, rho.high, text))
        series.append(Series(name=data.label(model), points=tuple(points), colour=colour))
    return Figure(
        name="correlations",
        title=words("Partial rank correlation of Dice with each factor"),
        says=words(
            "Right of zero: inside a target, the larger the factor, the better the score, the "
            "other three factors held fixed. Bars are 95 % confidence intervals for new clusters "
            "(patients, where they are known). Prompt “{prompt}”, by predicted IoU.",
            prompt=prompt_label(FACTOR_PROMPT, words),
        ),
        x=Axis(label=words("partial Spearman correlation")),
        y=Axis(label="", categories=tuple(_factor_label(name, words) for name in factors)),
        series=tuple(series),
        interval="x",
        row_height=16 * len(models) + 10,
    )


def _factor_table(data: SiteData, words: Words) -> Table:
    table = RecordTable(data, words, data.studies.factors)
    table.model("model", words("Model"), lambda row: row.model, frozen=True, facet=True)
    table.cells("factor", words("Factor"), lambda row: _factor_cell(row.factor, words), facet=True)
    table.cells("given", words("Held fixed"), lambda row: _given_cell(row.given, words))
    table.text("selection", words("Selection"), lambda row: words.term(row.selection), facet=True)
    table.change("rho", words("Correlation"), lambda row: row.rho.value)
    table.interval(lambda row: (row.rho.low, row.rho.high))
    table.score("p", words("p (Holm)"), lambda row: row.p_holm)
    table.score(
        "detectable",
        words("Could have shown"),
        lambda row: row.detectable,
    )
    table.count("targets", words("Targets"), lambda row: row.rho.targets)
    table.count("references", words("Reference masks"), lambda row: row.rho.references)
    table.count("clusters", words("Clusters"), lambda row: row.rho.clusters)
    caption = words(
        "Spearman correlation of Dice with each factor on ranks inside each target, prompt "
        "“{prompt}”; partial where others are held fixed; targets in which Dice or a factor does "
        "not vary have no part. 95 % CI and p by leaving out one cluster at a time; p after Holm "
        "over the factors of one run. Data {version}.",
        prompt=prompt_label(FACTOR_PROMPT, words),
        version=data.version_label,
    )
    return table.build("factors", caption)


def _factor_cell(name: str, words: Words) -> Cell:
    url = f"docs/definitions/#{name}" if name in FACTORS else ""
    return Cell(_factor_label(name, words), name, url)


def _given_cell(names: Sequence[str], words: Words) -> Cell:
    labels = ", ".join(_factor_label(name, words) for name in names)
    return Cell(labels or words("nothing"), muted=not labels)


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
            "Mean Dice over tenths of the reference masks of all targets, at the middle of each "
            "tenth; bands are 95 % confidence intervals for new clusters. Targets differ in both, "
            "so a slope here may be one between targets: the correlations above are not."
        ),
        x=Axis(label=_factor_label(name, words) + _factor_unit(name), log=name == "size_px"),
        y=Axis(label=words("Dice")),
        series=tuple(series),
    )
