"""The page of whether a model's own score of its masks can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from cosmos_board.board.studies.effects import Effect
from cosmos_board.board.studies.trust import TrustRow
from cosmos_board.board.types import Share
from cosmos_board.site.components.figure import Axis, Figure, Point, Series
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.content.labels import prompt_label
from cosmos_board.site.content.site_data import FIRST_PROMPTS, SiteData
from cosmos_board.site.language.numbers import DASH, number, percent, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.effects import change_cell
from cosmos_board.site.pages.sections.notices import add_synthetic, explain_missing_study
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter


def trust_page(context: PageContext) -> Page:
    """Return the page of the study of own scores."""
    data, words = context.data, context.words
    title = words("Can a model’s own score be trusted?")
    page = PageWriter(context, "studies/trust.md", title)
    page.text(
        words(
            "Models give each mask a score of their own, the IoU that they predict. Without a "
            "reference mask it is all a user has. Here it stands against the true IoU: is it too "
            "high, does it tell which masks failed (Dice under 0.5), and how much must be "
            "looked at to find nearly all of those?"
        )
    )
    add_synthetic(page)
    rows = data.studies.trust
    if not rows:
        otherwise = words("No mask has been scored with a point or a box yet.")
        page.note(explain_missing_study(data, "trust", words, otherwise))
        return page.finish()
    page.table(_trust_table(data, rows, words))
    page.text(
        words(
            "How to read it: “too high by” is the predicted IoU minus the true one, on average. "
            "“Finds failures” is the chance that a failed mask has a lower score than one that "
            "did not fail: 0.5 is what chance gives, 1 is perfect. “Review” is the share of "
            "masks to look at, lowest scores first, that meets 95 % of the failures: with few "
            "failures its interval is wide, since few failures cannot show that most are met. "
            "“Calibration elsewhere” learns on all other datasets what a score stands for and "
            "says by how much the squared error falls here: above 0 it carries over, below 0 it "
            "does harm."
        )
    )
    prompt = next((name for name in FIRST_PROMPTS if _drawn(data, rows, name)), "")
    drawn = _drawn(data, rows, prompt)
    if drawn:
        page.heading(words("Score against truth"), "reliability")
        page.figure(_reliability_figure(data, drawn, prompt, words))
        page.heading(words("Risk of the masks that are kept"), "risk")
        page.figure(_risk_figure(data, drawn, prompt, words))
    return page.finish()


def _drawn(data: SiteData, rows: Sequence[TrustRow], prompt: str) -> list[TrustRow]:
    """Return the rows with curves of the best models with a prompt, best first."""
    mine = {row.model: row for row in rows if row.prompt == prompt and row.curve}
    return [mine[model] for model in data.studies.trusted if model in mine]


def _trust_table(data: SiteData, rows: Sequence[TrustRow], words: Words) -> Table:
    table = RecordTable(data, words, rows)
    table.model("model", words("Model"), lambda row: row.model, frozen=True, facet=True)
    table.text("prompt", words("Prompt"), lambda row: prompt_label(row.prompt, words), facet=True)

    def bias(row: TrustRow) -> Cell:
        if row.bias is None:
            return Cell(words("gives none"), muted=True)
        return change_cell(row.bias, words)

    table.cells("bias", words("Too high by"), bias, numeric=True)
    plain: list[tuple[str, str, Callable[[TrustRow], Effect | Share | None], bool]] = [
        ("calibration", words("Calibration error"), lambda row: row.calibration, False),
        ("auroc", words("Finds failures"), lambda row: row.auroc, False),
        ("review", words("Review for 95 %"), lambda row: row.review, True),
        ("risk", words("Mean risk"), lambda row: row.risk, False),
        ("area", words("Risk area"), lambda row: row.risk_area, False),
        ("failed", words("Failed"), lambda row: row.failed, True),
    ]
    for key, label, of, share in plain:
        table.cells(key, label, partial(_value_cell, of, words, share=share), numeric=True)

    def transfer(row: TrustRow) -> Cell:
        return change_cell(row.transfer, words) if row.transfer else Cell(DASH, muted=True)

    table.cells("transfer", words("Calibration elsewhere"), transfer, numeric=True)
    table.count("clusters", words("Clusters"), lambda row: row.bias.clusters if row.bias else None)
    caption = words(
        "Predicted IoU of the candidate that the model chose, rounded to 0.001, against its true "
        "IoU; macro over targets with at least 10 clusters, 95 % intervals for new clusters. "
        "Calibration error: mean over ten bins of equal size. Risk is 1 − Dice; risk area: its "
        "mean over all shares of masks that are kept, highest scores first, which equals the mean "
        "risk where a score tells nothing. Data {version}.",
        version=data.version_label,
    )
    return table.build("trust", caption)


def _value_cell(
    of: Callable[[TrustRow], Effect | Share | None], words: Words, row: TrustRow, *, share: bool
) -> Cell:
    """Return a value without a sign and its interval; `share` writes it in percent."""
    effect = of(row)
    if effect is None:
        return Cell(DASH, muted=True)
    if share:
        between = words("{low} to {high}", low=percent(effect.low), high=percent(effect.high))
        note = between if effect.low is not None else words("no CI")
        return Cell(percent(effect.value), effect.value, note=note)
    note = span(effect.low, effect.high) or words("no CI")
    return Cell(number(effect.value), effect.value, note=note)


def _reliability_figure(
    data: SiteData, rows: Sequence[TrustRow], prompt: str, words: Words
) -> Figure:
    ideal = Series(
        name=words("score equals truth"),
        points=(Point(0.0, 0.0), Point(1.0, 1.0)),
        colour=-1,
        line=True,
        dashed=True,
        marks=False,
    )
    lines = [
        (row.model, [(part.score, number(part.score), part.iou) for part in row.curve])
        for row in rows
    ]
    return Figure(
        name="reliability",
        title=words("True IoU of masks by the IoU that the model predicted"),
        says=words(
            "Each point is a tenth of a model’s masks. Below the dashed line a model thinks too "
            "well of its masks. Bars are 95 % confidence intervals. Prompt “{prompt}”.",
            prompt=prompt_label(prompt, words),
        ),
        x=Axis(label=words("mean predicted IoU")),
        y=Axis(label=words("mean true IoU"), low=0.0, high=1.0),
        series=(ideal, *_draw_models(data, lines)),
    )


def _risk_figure(data: SiteData, rows: Sequence[TrustRow], prompt: str, words: Words) -> Figure:
    lines = [
        (row.model, [(at.coverage, percent(at.coverage), at.risk) for at in row.risk_curve])
        for row in rows
    ]
    return Figure(
        name="risk-coverage",
        title=words("Mean risk of the masks with the highest scores"),
        says=words(
            "The lower a line starts on the left, the more a user gains by keeping only masks "
            "with high scores; a flat line is a score that tells nothing. Prompt “{prompt}”.",
            prompt=prompt_label(prompt, words),
        ),
        x=Axis(label=words("share of masks kept, highest scores first"), low=0.0, high=1.0),
        y=Axis(label=words("mean of 1 − Dice"), low=0.0),
        series=_draw_models(data, lines),
    )


def _draw_models(
    data: SiteData, lines: Sequence[tuple[str, Sequence[tuple[float, str, Effect]]]]
) -> tuple[Series, ...]:
    """Return a line for each model through (x, x as text, value with its interval)."""
    return tuple(
        Series(
            name=data.label(model),
            colour=colour,
            line=True,
            points=tuple(
                Point(x, y.value, y.low, y.high, f"{data.label(model)}: {at} → {number(y.value)}")
                for x, at, y in points
            ),
        )
        for colour, (model, points) in enumerate(lines)
    )
