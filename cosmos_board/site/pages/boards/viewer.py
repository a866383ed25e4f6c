"""The case viewer: what a score looks like, on images whose terms permit it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from cosmos_board.board.types import Slice
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.case_drawing import Case
from cosmos_board.site.content.case_picks import KINDS, PROMPT
from cosmos_board.site.content.labels import (
    image_kind,
    model_url,
    prompt_label,
    slice_url,
    slug,
    target_label,
    viewer_url,
)
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import number
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import note_synthetic, say_full
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter


def viewer_index(context: PageContext) -> Page:
    """Return the page that lists every target with cases."""
    data, words = context.data, context.words
    page = PageWriter(context, "viewer/index.md", words("Cases"))
    page.text(
        words(
            "What a Dice of 0.6 looks like: for each target its lowest, median, highest and most "
            "disputed reference mask with the box, only where the terms of the dataset permit it."
        )
        + say_full(data, words)
    )
    if not data.cases:
        page.note(
            words(
                "No case can be shown: either no pack lies beside the board database, or the "
                "terms of its datasets permit numbers only."
            )
        )
        return page.finish()
    page.table(_case_table(data, words))
    return page.finish()


def _case_table(data: SiteData, words: Words) -> Table:
    cases: dict[str, dict[str, Case]] = {}
    for case in data.cases:
        cases.setdefault(case.pick.target, {})[case.pick.kind] = case
    table = RecordTable(data, words, list(cases))
    table.cells(
        "target",
        words("Target"),
        lambda name: Cell(target_label(name, words), name, viewer_url(name)),
        frozen=True,
    )

    def kind_of(name: str) -> str:
        return image_kind(Slice("target", name), data, words)

    table.text("data", words("Images are"), kind_of, facet=True)
    for kind in KINDS:
        means = {name: _mean(own[kind]) if kind in own else None for name, own in cases.items()}
        table.score(kind, words.term(kind), means.get)
    table.text(
        "images",
        words("Image shown"),
        lambda name: words.yes_no(any(case.picture for case in cases[name].values())),
    )
    table.count(
        "masks",
        words("Models’ masks"),
        lambda name: max(len(case.models) for case in cases[name].values()),
    )
    caption = words(
        "Mean Dice of promptable models on each chosen reference mask, with the box and by "
        "predicted IoU. Data {version}.",
        version=data.version,
    )
    return table.build("cases", caption)


def viewer_page(context: PageContext, target: str, cases: Sequence[Case]) -> Page:
    """Return the page of one target's cases."""
    data, words = context.data, context.words
    path = viewer_url(target)
    page = PageWriter(context, path, words("Cases: {target}", target=target_label(target, words)))
    page.text(
        words(
            "The reference mask is dashed, the prompt dotted. Where models’ masks were kept, the "
            "slider divides the image between two of them; arrow keys move it. Cases are picked by "
            "the mean Dice of promptable models, where there are any."
        )
        + say_full(data, words)
    )
    if data.is_synthetic(Slice("target", target)):
        note_synthetic(page)
    figures = []
    for case in cases:
        picture = f"data/cases/{slug(target)}/{case.pick.kind}.webp"
        if case.picture is not None:
            page.attach({picture: case.picture})
        figures.append(_draw_case(page, case, page.root + words.shared + picture))
    page.html(Markup('<div class="cb-cases">{}</div>').format(Markup("").join(figures)))
    page.heading(words("Related"), "around")
    others = dict.fromkeys(case.pick.target for case in data.cases)
    page.links(
        words("This target"), [Link(words("Leaderboard"), slice_url(Slice("target", target)))]
    )
    links = [Link(target_label(name, words), viewer_url(name)) for name in others if name != target]
    page.links(words("Other cases"), links[:30])
    return page.finish()


def _draw_case(page: PageWriter, case: Case, picture: str) -> Markup:
    """Return a case with the contours of two models; the reader may choose which."""
    data, words = page.data, page.words
    drawn = [{"label": data.label(name), "path": path} for name, path in case.models.items()]
    scores = sorted(case.pick.dice.items(), key=lambda pair: (-pair[1], pair[0]))
    return render(
        "case.html",
        case=case,
        heading=_heading(case, words),
        picture=picture if case.picture is not None else "",
        first=drawn[0] if drawn else None,
        second=drawn[1] if len(drawn) > 1 else None,
        drawn=drawn,
        divide=_divide_percent(case),
        alt=words(
            "{target}, {kind} case: the reference mask, {prompt} prompt and {contours} by models",
            target=target_label(case.pick.target, words),
            kind=words.term(case.pick.kind),
            prompt=prompt_label(PROMPT, words),
            contours=words.count(len(drawn), "contour"),
        ),
        scores=[
            (data.label(name), page.root + model_url(name), number(dice))
            for name, dice in scores
            if name in data.models
        ],
        t=words,
    )


def _divide_percent(case: Case) -> int:
    """Return where the divide starts, in percent of the width: the middle of the box."""
    if case.box_xyxy is None:
        return 50
    return round((case.box_xyxy[0] + case.box_xyxy[2]) / 2 / case.width * 100)


def _heading(case: Case, words: Words) -> str:
    """Return what a case stands for, and the number that it was picked by."""
    kind, judged = words.term(case.pick.kind).capitalize(), case.pick.judged
    if case.pick.kind == "disputed" and len(judged) > 1:
        low, high = number(min(judged)), number(max(judged))
        return words("{kind}: Dice from {low} to {high}", kind=kind, low=low, high=high)
    return words("{kind}: mean Dice {dice}", kind=kind, dice=number(_mean(case)))


def _mean(case: Case) -> float:
    return sum(case.pick.judged) / len(case.pick.judged)
