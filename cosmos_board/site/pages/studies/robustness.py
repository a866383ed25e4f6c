"""Pages of two studies of the user: perturbed prompts, and refinement by clicks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cosmos_board.board.studies.clicks import ClicksRow, Crossing
from cosmos_board.board.studies.jitter import JitterRow
from cosmos_board.site.components.figure import COLOURS, Axis, Figure, Point, Series
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.content.labels import prompt_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number, percent, signed
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.effects import add_detectable, change_cell
from cosmos_board.site.pages.sections.notices import add_synthetic, explain_missing_study
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter


def jitter_page(context: PageContext) -> Page:
    """Return the page of the jitter study."""
    data, words = context.data, context.words
    page = PageWriter(context, "studies/jitter.md", words("Robustness to prompt perturbation"))
    page.text(
        words(
            "How much does the score fall when the prompt is imprecise? Points and box sides are "
            "moved by 0 to 10, 10 to 20 or 20 to 30 pixels, three times each, and scored against "
            "the same reference masks without a move."
        )
    )
    rows = [row for row in data.studies.jitter if not row.target]
    add_synthetic(page)
    if not rows:
        page.note(_not_run(data, "jitter", words))
        return page.finish()
    for prompt in dict.fromkeys(row.prompt for row in rows):
        for mode in dict.fromkeys(row.mode for row in rows if row.prompt == prompt):
            wanted = (prompt, mode, "predicted")
            chosen = [row for row in rows if (row.prompt, row.mode, row.selection) == wanted]
            title = prompt_label(prompt, words) + _mode(prompt, mode, words)
            page.heading(title, f"{prompt}-{mode}")
            page.figure(_jitter_figure(data, chosen, f"{prompt}-{mode}", title, words))
    page.heading(words("All drops"), "all-drops")
    page.table(_jitter_table(data, rows, words))
    return page.finish()


def _not_run(data: SiteData, study: str, words: Words) -> str:
    otherwise = words(
        "This study has not been run on these models yet: cosmos-board eval PACK --study {study} "
        "adds it.",
        study=study,
    )
    return explain_missing_study(data, study, words, otherwise)


def _mode(prompt: str, mode: str, words: Words) -> str:
    if prompt == "box":
        return words(", every side moves")
    return words(", the first point moves") if mode == "first" else words(", every point moves")


def _jitter_figure(
    data: SiteData, rows: Sequence[JitterRow], name: str, title: str, words: Words
) -> Figure | None:
    series = []
    for colour, model in enumerate(sorted({row.model for row in rows})[:COLOURS]):
        label = data.label(model)
        points = [
            Point(row.level + 5, change, *_change_interval(row), f"{label}: {signed(change)}")
            for row in sorted(rows, key=lambda row: row.level)
            if row.model == model
            for change in [-row.drop.value]
        ]
        series.append(Series(name=label, points=tuple(points), colour=colour, line=True, band=True))
    if not series:
        return None
    return Figure(
        name=f"jitter-{name}",
        title=words("Change in Dice under jitter: {what}", what=title),
        says=words(
            "Change in Dice against the undisturbed prompt, macro over targets, by predicted IoU; "
            "bands are 95 % confidence intervals. A steep line is a model that needs precise "
            "prompts."
        ),
        x=Axis(label=words("displacement, px (middle of the level)"), low=0, high=30),
        y=Axis(label=words("change in Dice")),
        series=tuple(series),
    )


def _change_interval(row: JitterRow) -> tuple[float | None, float | None]:
    """Return the interval of the change in Dice, which is minus the drop."""
    low, high = (None if end is None else -end for end in (row.drop.high, row.drop.low))
    return low, high


def _jitter_table(data: SiteData, rows: Sequence[JitterRow], words: Words) -> Table:
    table = RecordTable(data, words, rows)
    table.model("model", words("Model"), lambda row: row.model, frozen=True)
    table.text("prompt", words("Prompt"), lambda row: prompt_label(row.prompt, words), facet=True)
    table.text("mode", words("What moves"), lambda row: words.term(row.mode), facet=True)
    table.cells(
        "level",
        words("Displacement"),
        lambda row: Cell(f"{row.level}–{row.level + 10} px", row.level),
        numeric=True,
    )
    table.text("selection", words("Selection"), lambda row: words.term(row.selection), facet=True)
    table.score("undisturbed", words("Undisturbed Dice"), lambda row: row.undisturbed, best="high")
    table.change("change", words("Change"), lambda row: -row.drop.value, shaded=True, best="high")
    table.interval(_change_interval)
    add_detectable(table, lambda row: row.drop, words)
    table.share("seed", words("Due to the trial"), lambda row: row.seed_share, best="low")
    table.count("clusters", words("Clusters"), lambda row: row.drop.clusters)
    caption = words(
        "Change in Dice ↑ by model, prompt and displacement, macro over targets with at least 10 "
        "clusters; where no change is shown, the least true change that such data would show in "
        "four of five samples (“could have shown”); the share of the variance between reference "
        "masks that comes from the trial alone. Data {version}.",
        version=data.version_label,
    )
    return table.build("drops", caption)


def clicks_page(context: PageContext) -> Page:
    """Return the page of the clicks study."""
    data, words = context.data, context.words
    page = PageWriter(context, "studies/clicks.md", words("Interactive refinement"))
    page.text(
        words(
            "How many clicks until the result is good enough? Each next click goes where the "
            "current mask is most wrong, up to ten."
        )
    )
    study = data.studies.clicks
    add_synthetic(page)
    if not study.rows:
        page.note(_not_run(data, "clicks", words))
        return page.finish()
    chosen = [row for row in study.rows if row.selection == "predicted"] or list(study.rows)
    page.heading(words("Dice by click"), "curves")
    page.figure(_clicks_figure(data, chosen, words))
    page.heading(words("Clicks to a goal"), "to-a-goal")
    page.table(_goals_table(data, study.rows, words))
    crossings = [row for row in study.crossings if row.first.low is not None]
    if crossings:  # under 10 clusters nothing is ahead of anything
        page.heading(words("Where interactive methods catch up"), "catch-up")
        page.table(_crossing_table(data, crossings, words))
    return page.finish()


def _clicks_figure(data: SiteData, rows: Sequence[ClicksRow], words: Words) -> Figure:
    series = []
    for colour, row in enumerate(sorted(rows, key=lambda row: row.model)[:COLOURS]):
        label = data.label(row.model)
        points = []
        for click, dice in enumerate(row.dice, 1):
            text = words(
                "{model}, click {click}: {dice}", model=label, click=click, dice=number(dice.value)
            )
            points.append(Point(click, dice.value, dice.low, dice.high, text))
        series.append(Series(name=label, points=tuple(points), colour=colour, line=True, band=True))
    return Figure(
        name="clicks",
        title=words("Dice after 1 to 10 clicks"),
        says=words(
            "Macro over targets, by predicted IoU; bands are 95 % confidence intervals. Where "
            "lines cross, the better choice depends on how many clicks the user gives."
        ),
        x=Axis(label=words("click"), low=0.7, high=10.3),
        y=Axis(label=words("Dice")),
        series=tuple(series),
    )


def _goals_table(data: SiteData, rows: Sequence[ClicksRow], words: Words) -> Table:
    table = RecordTable(data, words, rows)
    table.model("model", words("Model"), lambda row: row.model, frozen=True)
    table.text("selection", words("Selection"), lambda row: words.term(row.selection), facet=True)
    table.score("first", words("Dice at click 1"), lambda row: row.dice[0].value, best="high")
    table.score("last", words("Dice at click 10"), lambda row: row.dice[-1].value, best="high")
    table.score("area", words("Area"), lambda row: row.area.value, best="high")
    table.interval(lambda row: (row.area.low, row.area.high), key="area-interval")
    for place, goal in enumerate(goal.goal for goal in rows[0].goals):
        clicks = partial(_clicks_to_goal, place=place, words=words)
        shown = f"{goal:.2f}"
        label = words("Clicks to {goal}", goal=shown)
        table.cells(f"noc-{goal:g}", label, clicks, numeric=True, best="low")
        label = words("Never {goal}", goal=shown)
        never = partial(_never_cell, place=place)
        table.cells(f"never-{goal:g}", label, never, numeric=True, best="low")
    caption = words(
        "Median clicks to a Dice with censoring at 10, the share that never gets there, and "
        "the area under the curve, macro over targets with at least 10 clusters, each with its "
        "95 % interval. Data {version}.",
        version=data.version_label,
    )
    return table.build("goals", caption)


def _clicks_to_goal(row: ClicksRow, place: int, words: Words) -> Cell:
    """Return the median number of clicks to a goal, with its interval where there is any."""
    goal, never = row.goals[place], words("> 10")
    low = DASH if goal.low is None else str(goal.low)
    high = never if goal.high is None else str(goal.high)
    note = "" if row.area.low is None else f"{low}–{high}"  # too few clusters for any
    if goal.median is None:
        return Cell(never, 11, note=note)
    return Cell(str(goal.median), goal.median, note=note)


def _never_cell(row: ClicksRow, place: int) -> Cell:
    """Return the share that never gets to a goal with its interval."""
    never = row.goals[place].never
    if never is None:
        return Cell(DASH, muted=True)
    note = f"{percent(never.low)}–{percent(never.high)}"
    return Cell(percent(never.value), never.value, note=note)


def _crossing_table(data: SiteData, known: Sequence[Crossing], words: Words) -> Table:
    table = RecordTable(data, words, known)
    table.model("model", words("Model"), lambda row: row.model, frozen=True)
    table.model("method", words("Interactive method"), lambda row: row.method)
    table.text("selection", words("Selection"), lambda row: words.term(row.selection), facet=True)
    ahead = words("Model ahead at click 1")
    table.text("leads", ahead, lambda row: _say_ahead(row, words))
    caught = partial(_caught_cell, words=words)
    table.cells("click", words("Caught at click"), caught, numeric=True)
    first, last = words("Difference at 1"), words("Difference at 10")
    table.cells("first", first, lambda row: change_cell(row.first, words), numeric=True)
    table.cells("last", last, lambda row: change_cell(row.last, words), numeric=True)
    caption = words(
        "First click at which an interactive method is at least as good as a model that was "
        "ahead before; differences are model minus method in Dice. Intervals are 95 %; where no "
        "difference is shown, “could have shown” names the least true one that such data would "
        "show in four of five samples. Data {version}.",
        version=data.version_label,
    )
    return table.build("crossings", caption)


def _say_ahead(row: Crossing, words: Words) -> str:
    if row.ahead_at_first is None:
        return words("not shown")
    return words.yes_no(row.ahead_at_first)


def _caught_cell(row: Crossing, words: Words) -> Cell:
    """Return the click at which a method catches up, with its interval."""
    never = words("> 10")
    low, high = (never if end is None else str(end) for end in (row.low, row.high))
    return Cell(
        DASH if row.click is None else str(row.click),
        row.click,
        note=f"{low}–{high}",
        muted=row.click is None,
    )
