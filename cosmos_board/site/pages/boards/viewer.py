"""The case viewer: what a score looks like, on images whose terms permit it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from cosmos_board.board.types import Slice
from cosmos_board.site.components.markup import up
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.case_drawing import Case
from cosmos_board.site.content.case_picks import KINDS, PROMPT
from cosmos_board.site.content.labels import (
    model_url,
    prompt_label,
    slice_url,
    slug,
    target_label,
    viewer_url,
)
from cosmos_board.site.language.numbers import number
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.writer import Context, Link


def viewer_index(context: Context) -> Page:
    """Return the page that lists every target with cases."""
    data, words = context.data, context.words
    article = Article("viewer/index.md", words("Cases"))
    article.say(
        words(
            "What a Dice of 0.6 looks like: for each target its worst, median, best and most "
            "disputed reference with the box, only where the terms of the dataset permit it."
        )
    )
    if not data.cases:
        context.note(
            article,
            words(
                "No case can be shown: either no pack lies beside the board database, or the "
                "terms of its datasets permit numbers only."
            ),
        )
        return article.page()
    rows = []
    for target in dict.fromkeys(case.pick.target for case in data.cases):
        cases = {case.pick.kind: case for case in data.cases if case.pick.target == target}
        drawn = data.is_synthetic(Slice("target", target))
        rows.append(
            Row(
                (
                    Cell(target_label(target, words), target, viewer_url(target)),
                    Cell(words("synthetic") if drawn else words("real")),
                    *(
                        Cell(
                            number(_mean(cases[kind])) if kind in cases else "–",
                            _mean(cases[kind]) if kind in cases else None,
                        )
                        for kind in KINDS
                    ),
                    Cell(words("yes") if any(c.picture for c in cases.values()) else words("no")),
                    Cell(str(max(len(c.models) for c in cases.values()))),
                )
            )
        )
    context.table(
        article,
        Table(
            name="cases",
            caption=words(
                "Mean Dice of promptable models on each chosen reference, with the box and by "
                "predicted IoU. Data {version}.",
                version=data.version,
            ),
            columns=(
                Column(key="target", label=words("Target"), frozen=True),
                Column(key="data", label=words("Images are"), facet=True),
                *(Column(key=kind, label=words.term(kind), numeric=True) for kind in KINDS),
                Column(key="images", label=words("Image shown")),
                Column(key="masks", label=words("Models’ masks"), numeric=True),
            ),
            rows=tuple(rows),
        ),
    )
    return article.page()


def viewer_page(context: Context, target: str, cases: Sequence[Case]) -> Page:
    """Return the page of one target's cases."""
    data, words = context.data, context.words
    path = viewer_url(target).removesuffix("/") + ".md"
    article = Article(path, words("Cases: {target}", target=target_label(target, words)))
    article.say(
        words(
            "The reference is dashed, the prompt dotted. Where models’ masks were kept, the "
            "slider divides the image between two of them; arrow keys move it. Cases are picked by "
            "the mean Dice of promptable models, where there are any."
        )
    )
    if data.is_synthetic(Slice("target", target)):
        context.note(
            article, words("Synthetic images: what is learnt here says little of patients.")
        )
    figures = []
    for case in cases:
        picture = f"data/cases/{slug(target)}/{case.pick.kind}.webp"
        if case.picture is not None:
            article.attach({picture: case.picture})
        figures.append(_figure(context, case, up(path) + words.shared + picture, up(path)))
    article.add(Markup('<div class="cb-cases">{}</div>').format(Markup("").join(figures)))
    article.heading(words("Around here"), "around")
    others = dict.fromkeys(case.pick.target for case in data.cases)
    context.links(
        article,
        words("This target"),
        [Link(words("Leaderboard"), slice_url(Slice("target", target)))],
    )
    context.links(
        article,
        words("Other cases"),
        [Link(target_label(name, words), viewer_url(name)) for name in others if name != target][
            :30
        ],
    )
    return article.page()


def _figure(context: Context, case: Case, picture: str, root: str) -> Markup:
    data, words = context.data, context.words
    drawn = [
        {
            "name": name,
            "label": _label(context, name),
            "path": path,
            "dice": case.pick.dice.get(name),
        }
        for name, path in case.models.items()
    ]
    scores = sorted(case.pick.dice.items(), key=lambda pair: (-pair[1], pair[0]))
    return render(
        "case.html",
        case=case,
        heading=_heading(case, words),
        picture=picture if case.picture is not None else "",
        first=drawn[0] if drawn else None,
        second=drawn[1] if len(drawn) > 1 else None,
        drawn=drawn,
        cut=_middle(case),
        alt=words(
            "{target}, {kind} case: the reference, {prompt} prompt and {outlines} by models",
            target=target_label(case.pick.target, words),
            kind=words.term(case.pick.kind),
            prompt=prompt_label(PROMPT, words),
            outlines=words.count(len(drawn), "outline"),
        ),
        scores=[
            (_label(context, name), root + model_url(name), number(dice))
            for name, dice in scores
            if name in data.models
        ],
        t=words,
    )


def _middle(case: Case) -> int:
    """Return where the divide starts, in percent: through the middle of what was asked for."""
    if case.box_xyxy is None:
        return 50
    return round((case.box_xyxy[0] + case.box_xyxy[2]) / 2 / case.width * 100)


def _label(context: Context, name: str) -> str:
    models = context.data.models
    return models[name].label if name in models else name


def _heading(case: Case, words: Words) -> str:
    """Return what a case stands for, and the number that it was picked by."""
    kind, judged = words.term(case.pick.kind).capitalize(), case.pick.judged
    if case.pick.kind == "disputed" and len(judged) > 1:
        low, high = number(min(judged)), number(max(judged))
        return words("{kind}: Dice from {low} to {high}", kind=kind, low=low, high=high)
    return words("{kind}: mean Dice {dice}", kind=kind, dice=number(_mean(case)))


def _mean(case: Case) -> float:
    return sum(case.pick.judged) / len(case.pick.judged)
