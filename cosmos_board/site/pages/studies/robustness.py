"""Pages of the two studies of the user's hand: careless prompts, and correcting clicks."""

from __future__ import annotations

from collections.abc import Sequence

from cosmos_board.board.studies.clicks import ClicksRow
from cosmos_board.board.studies.jitter import JitterRow
from cosmos_board.site.components.figure import COLOURS, Axis, Figure, Point, Series
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table, heat_of, score_cell
from cosmos_board.site.content.labels import model_url, prompt_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number, percent, signed, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import add_synthetic, explain_empty
from cosmos_board.site.pages.sections.writer import Context


def jitter_page(context: Context) -> Page:
    """Return the page of the jitter study."""
    data, words = context.data, context.words
    article = Article("studies/jitter.md", words("Careless prompts"))
    article.say(
        words(
            "How much does the score fall when the user is careless? Points and box sides are "
            "moved by 0 to 10, 10 to 20 or 20 to 30 pixels, three times each, and scored against "
            "the same references without a move."
        )
    )
    rows = [row for row in data.studies.jitter if not row.target]
    add_synthetic(context, article)
    if not rows:
        context.note(article, not_run(context, "jitter"))
        return article.page()
    for prompt in dict.fromkeys(row.prompt for row in rows):
        for mode in dict.fromkeys(row.mode for row in rows if row.prompt == prompt):
            chosen = [
                row
                for row in rows
                if (row.prompt, row.mode, row.selection) == (prompt, mode, "predicted")
            ]
            title = prompt_label(prompt, words) + _mode(prompt, mode, words)
            article.heading(title, f"{prompt}-{mode}")
            context.figure(article, _jitter_figure(data, chosen, f"{prompt}-{mode}", title, words))
    article.heading(words("All drops"), "all-drops")
    context.table(article, _jitter_table(data, rows, words))
    return article.page()


def not_run(context: Context, study: str) -> str:
    """Return the sentence that stands where a study has no rows to show."""
    words = context.words
    if study in context.data.studies.withheld:
        return explain_empty(context.data, words, words("This study is withheld."))
    if study in context.data.studies.uncounted:
        return words(
            "This study was run, but not on images that count here: synthetic images do not count "
            "beside real ones, nor do references that the board does not rank on."
        )
    return words(
        "This study has not been run on these models yet: cosmos-board eval PACK --study {study} "
        "adds it.",
        study=study,
    )


def _mode(prompt: str, mode: str, words: Words) -> str:
    if prompt == "box":
        return words(", every side moves")
    return words(", the first point moves") if mode == "first" else words(", every point moves")


def _jitter_figure(
    data: SiteData, rows: Sequence[JitterRow], name: str, title: str, words: Words
) -> Figure | None:
    models = sorted({row.model for row in rows})[:COLOURS]
    series = []
    for colour, model in enumerate(models):
        own = sorted((row for row in rows if row.model == model), key=lambda row: row.level)
        points = [Point(row.level + 5, -row.drop.value, *_flip(row)) for row in own]
        labelled = tuple(
            Point(p.x, p.y, p.low, p.high, f"{data.label(model)}: {signed(p.y)}") for p in points
        )
        series.append(
            Series(name=data.label(model), points=labelled, colour=colour, line=True, band=True)
        )
    if not series:
        return None
    return Figure(
        name=f"jitter-{name}",
        title=words("Change in Dice under jitter: {what}", what=title),
        says=words(
            "Change in Dice against the undisturbed prompt, macro over targets, by predicted IoU; "
            "bands are 95 % intervals. A steep line is a model that punishes a careless hand."
        ),
        x=Axis(label=words("displacement, px (middle of the level)"), low=0, high=30),
        y=Axis(label=words("change in Dice")),
        series=tuple(series),
    )


def _flip(row: JitterRow) -> tuple[float | None, float | None]:
    low = None if row.drop.high is None else -row.drop.high
    high = None if row.drop.low is None else -row.drop.low
    return low, high


def _jitter_table(data: SiteData, rows: Sequence[JitterRow], words: Words) -> Table:
    shades = heat_of([row.drop.value for row in rows], lowest_is_best=True)
    body = [
        Row(
            (
                Cell(data.label(row.model), row.model, model_url(row.model)),
                Cell(prompt_label(row.prompt, words)),
                Cell(words.term(row.mode)),
                Cell(f"{row.level}–{row.level + 10} px", row.level),
                Cell(words.term(row.selection)),
                score_cell(row.undisturbed),
                Cell(signed(-row.drop.value), -row.drop.value, heat=shade),
                Cell(span(*_flip(row)) or words("no interval"), muted=row.drop.low is None),
                Cell(percent(row.seed_share), row.seed_share, muted=row.seed_share is None),
                Cell(number(row.drop.clusters, 0), row.drop.clusters),
            )
        )
        for row, shade in zip(rows, shades, strict=True)
    ]
    return Table(
        name="drops",
        caption=words(
            "Change in Dice ↑ by model, prompt and displacement, macro over targets; the share of "
            "the variance between references that comes from the trial alone. Data {version}.",
            version=data.version or DASH,
        ),
        columns=(
            Column(key="model", label=words("Model"), frozen=True),
            Column(key="prompt", label=words("Prompt"), facet=True),
            Column(key="mode", label=words("What moves"), facet=True),
            Column(key="level", label=words("Displacement"), numeric=True),
            Column(key="selection", label=words("Selection"), facet=True),
            Column(key="undisturbed", label=words("Undisturbed Dice"), numeric=True, best="high"),
            Column(key="change", label=words("Change"), numeric=True, best="high"),
            Column(key="interval", label=words("95 % interval")),
            Column(key="seed", label=words("Due to the trial"), numeric=True, best="low"),
            Column(key="clusters", label=words("Clusters"), numeric=True),
        ),
        rows=tuple(body),
    )


def clicks_page(context: Context) -> Page:
    """Return the page of the clicks study."""
    data, words = context.data, context.words
    article = Article("studies/clicks.md", words("Correcting clicks"))
    article.say(
        words(
            "How many clicks until the result is good enough? Each next click goes where the "
            "current mask is most wrong, up to ten."
        )
    )
    study = data.studies.clicks
    add_synthetic(context, article)
    if not study.rows:
        context.note(article, not_run(context, "clicks"))
        return article.page()
    chosen = [row for row in study.rows if row.selection == "predicted"] or list(study.rows)
    article.heading(words("Dice by click"), "curves")
    context.figure(article, _clicks_figure(data, chosen, words))
    article.heading(words("Clicks to a goal"), "to-a-goal")
    context.table(article, _goals_table(data, study.rows, words))
    if any(crossing.first.low is not None for crossing in study.crossings):
        article.heading(words("Where interactive methods catch up"), "catch-up")
        context.table(article, _crossing_table(context))
    return article.page()


def _clicks_figure(data: SiteData, rows: Sequence[ClicksRow], words: Words) -> Figure:
    series = []
    for colour, row in enumerate(sorted(rows, key=lambda row: row.model)[:COLOURS]):
        label = data.label(row.model)
        points = tuple(
            Point(
                click,
                effect.value,
                effect.low,
                effect.high,
                words(
                    "{model}, click {click}: {dice}",
                    model=label,
                    click=click,
                    dice=number(effect.value),
                ),
            )
            for click, effect in enumerate(row.dice, 1)
        )
        series.append(Series(name=label, points=points, colour=colour, line=True, band=True))
    return Figure(
        name="clicks",
        title=words("Dice after 1 to 10 clicks"),
        says=words(
            "Macro over targets, by predicted IoU; bands are 95 % intervals. Where lines cross, "
            "the better choice depends on how long the user is willing to click."
        ),
        x=Axis(label=words("click"), low=0.7, high=10.3),
        y=Axis(label=words("Dice")),
        series=tuple(series),
    )


def _goals_table(data: SiteData, rows: Sequence[ClicksRow], words: Words) -> Table:
    goals = [goal.goal for goal in rows[0].goals]
    body = []
    for row in rows:
        cells = [
            Cell(data.label(row.model), row.model, model_url(row.model)),
            Cell(words.term(row.selection)),
            score_cell(row.dice[0].value),
            score_cell(row.dice[-1].value),
            score_cell(row.area.value),
            Cell(span(row.area.low, row.area.high) or words("no interval")),
        ]
        for goal in row.goals:
            reach = words("> 10") if goal.median is None else str(goal.median)
            low = DASH if goal.low is None else str(goal.low)
            high = words("> 10") if goal.high is None else str(goal.high)
            note = "" if row.area.low is None else f"{low}–{high}"  # too few clusters for any
            cells += [
                Cell(reach, goal.median if goal.median is not None else 11, note=note),
                Cell(percent(goal.never), goal.never),
            ]
        body.append(Row(tuple(cells)))
    columns = [
        Column(key="model", label=words("Model"), frozen=True),
        Column(key="selection", label=words("Selection"), facet=True),
        Column(key="first", label=words("Dice at click 1"), numeric=True, best="high"),
        Column(key="last", label=words("Dice at click 10"), numeric=True, best="high"),
        Column(key="area", label=words("Area"), numeric=True, best="high"),
        Column(key="area-interval", label=words("95 % interval")),
    ]
    for value in goals:
        columns += [
            Column(
                key=f"noc-{value:g}",
                label=words("Clicks to {goal}", goal=f"{value:.2f}"),
                numeric=True,
                best="low",
            ),
            Column(
                key=f"never-{value:g}",
                label=words("Never {goal}", goal=f"{value:.2f}"),
                numeric=True,
                best="low",
            ),
        ]
    return Table(
        name="goals",
        caption=words(
            "Median clicks to a Dice with censoring at 10, the share that never gets there, and "
            "the area under the curve, macro over targets. Data {version}.",
            version=data.version or DASH,
        ),
        columns=tuple(columns),
        rows=tuple(body),
    )


def _crossing_table(context: Context) -> Table:
    data, words = context.data, context.words
    rows = []
    for crossing in data.studies.clicks.crossings:
        if crossing.first.low is None:
            continue  # under 10 clusters nothing is ahead of anything
        when = DASH if crossing.click is None else str(crossing.click)
        rows.append(
            Row(
                (
                    Cell(data.label(crossing.model), crossing.model, model_url(crossing.model)),
                    Cell(data.label(crossing.method), crossing.method),
                    Cell(words.term(crossing.selection)),
                    Cell(words("yes") if crossing.ahead_at_first else words("no")),
                    Cell(when, crossing.click, muted=crossing.click is None),
                    Cell(signed(crossing.first.value), crossing.first.value),
                    Cell(signed(crossing.last.value), crossing.last.value),
                )
            )
        )
    return Table(
        name="crossings",
        caption=words(
            "First click at which an interactive method is at least as good as a model that was "
            "ahead before; differences are model minus method in Dice. Data {version}.",
            version=data.version or DASH,
        ),
        columns=(
            Column(key="model", label=words("Model"), frozen=True),
            Column(key="method", label=words("Interactive method")),
            Column(key="selection", label=words("Selection"), facet=True),
            Column(key="leads", label=words("Model ahead at click 1")),
            Column(key="click", label=words("Caught at click"), numeric=True),
            Column(key="first", label=words("Difference at 1"), numeric=True),
            Column(key="last", label=words("Difference at 10"), numeric=True),
        ),
        rows=tuple(rows),
    )
