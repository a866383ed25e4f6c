"""Pages of modalities, objects, targets and datasets: the ranking on a part of the data."""

from __future__ import annotations

from collections.abc import Sequence

from cosmos_board.board.types import Board, Slice, SliceKind
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.page import Page
from cosmos_board.site.content.labels import (
    prompt_label,
    prompt_slice_url,
    slice_label,
    slice_url,
    viewer_url,
    volume_url,
)
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number, with_interval
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.board_tables import add_ranking
from cosmos_board.site.pages.sections.completeness import list_completeness
from cosmos_board.site.pages.sections.figures import add_prompts, interval_figure, spread_figure
from cosmos_board.site.pages.sections.matrix import add_slice_map
from cosmos_board.site.pages.sections.notices import (
    add_notes,
    add_submitted,
    explain_no_full_run,
    link_advice,
    note_part,
)
from cosmos_board.site.pages.sections.pairs import add_pairs
from cosmos_board.site.pages.sections.standing import (
    explain_no_leader,
    find_leader,
    find_rivals,
)
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter

MOST_RIVALS = 3
"""Models not separated from the first that the first sentence names."""

MOST_SIBLINGS = 30
"""Slices of one kind that each other's pages link to."""


def slice_page(context: PageContext, part: Slice, siblings: Sequence[Slice]) -> Page:
    """Return the page of one slice."""
    data, words = context.data, context.words
    page = PageWriter(context, slice_url(part), slice_label(part, data, words))
    board = data.main_board(part)
    page.text(_lead(data, part, board, words))
    if part.kind == "dataset":
        _dataset_card(page, part)
    add_notes(page, board)
    note_part(page, part)
    page.heading(words("Leaderboard"), "leaderboard")
    if board is None:
        page.note(explain_no_full_run(data, part, words))
    else:
        add_ranking(page, board)
        page.figure(interval_figure(board, words))
        if part.kind == "target":
            figure = spread_figure(data, board, words)
            if figure is not None:
                page.heading(words("Per-mask score distribution"), "spread")
                page.figure(figure)
        caption = words(
            "Dice ↑ and rank (with its range) by prompt, {slice}; everything mode by the mask "
            "closest to the reference mask, the others by predicted IoU; no rank where no target "
            "has 10 clusters. Data {version}.",
            slice=slice_label(part, data, words),
            version=data.version_label,
        )
        urls = {prompt: prompt_slice_url(part, prompt) for prompt in other_prompts(data, part)}
        add_prompts(page, part, caption, urls=urls)
        add_pairs(page, board)
    add_submitted(page, part)
    add_slice_map(page, part)
    _link_related(page, part, siblings)
    return page.finish()


def other_prompts(data: SiteData, part: Slice) -> list[str]:
    """Return the prompts that have a page of their own for a slice, beside its main one.

    Modalities have one for every prompt that was scored, targets for one point.
    """
    main = data.main_board(part)
    if main is None or part.kind not in {"modality", "target"}:
        return []
    prompts = data.prompts() if part.kind == "modality" else ("point",)
    return [
        prompt
        for prompt in prompts
        if prompt != main.key.prompt and (board := data.board(part, prompt)) and board.rows
    ]


def prompt_slice_page(context: PageContext, part: Slice, prompt: str) -> Page:
    """Return the leaderboard of one slice with one prompt."""
    data, words = context.data, context.words
    label = slice_label(part, data, words)
    title = f"{label} · {prompt_label(prompt, words)}"
    page = PageWriter(context, prompt_slice_url(part, prompt), title)
    board = data.board(part, prompt)
    page.text(_lead(data, part, board, words))
    add_notes(page, board)
    note_part(page, part)
    if board is not None:
        page.heading(words("Leaderboard"), "leaderboard")
        add_ranking(page, board)
    page.heading(words("Related"), "around")
    page.links(words("All prompts"), [Link(label, slice_url(part))])
    others = [
        Link(prompt_label(name, words), prompt_slice_url(part, name))
        for name in other_prompts(data, part)
        if name != prompt
    ]
    page.links(words("Other prompts"), others)
    return page.finish()


def _lead(data: SiteData, part: Slice, board: Board | None, words: Words) -> str:
    """Return how much a slice holds and who is ranked first on it; each thing counts once."""
    targets, amount, stop = data.targets_of(part), data.amount(part), words.pick(".", "。")
    counts = [
        words.count(len({target.target for target in targets}), "target"),
        words.count(amount.references, "reference"),
        words.count(amount.images, "image"),
        words.count(amount.clusters, "cluster"),
        words.count(len({target.dataset for target in targets}), "dataset"),
    ]
    text = words.pick(", ", "，").join(counts) + stop
    if data.is_synthetic(part):
        text += " " + words("Synthetic images.")
    if board is None:
        return text
    first = find_leader(board)
    if first is None:
        why = words("Scores only: {reason}", reason=explain_no_leader(board, words))
        return f"{text} {why}{stop}"
    score = with_interval(number(first.score), first.low, first.high)
    if board.key.prompt == "box":
        leader = words(
            "With a box, {model} is ranked first with Dice {score}", model=first.label, score=score
        )
    else:
        leader = words("{model} is ranked first with Dice {score}", model=first.label, score=score)
    rivals = [row.label for row in find_rivals(board)]
    if rivals:
        many = words("{n} others", n=len(rivals))
        names = words.listing(rivals) if len(rivals) <= MOST_RIVALS else many
        leader += words("; not separated from {models}", models=names)
    return f"{text} {leader}{stop}"


def _link_related(page: PageWriter, part: Slice, siblings: Sequence[Slice]) -> None:
    data, words = page.data, page.words
    page.heading(words("Related"), "around")
    link_advice(page, part.name if part.kind == "target" else "")
    targets = data.targets_of(part)
    related: tuple[tuple[str, SliceKind, set[str]], ...] = (
        (words("Modalities"), "modality", {target.modality for target in targets}),
        (words("Objects"), "object", {target.object for target in targets}),
        (words("Targets"), "target", {target.target for target in targets}),
        (words("Datasets"), "dataset", {target.dataset for target in targets}),
    )
    for label, kind, names in related:
        related_slices = [
            other for other in data.slices(kind) if other.name in names and other != part
        ]
        page.links(label, _links(related_slices, data, words))
    if part.kind == "target" and any(case.pick.target == part.name for case in data.cases):
        page.links(words("Cases"), [Link(words("Lowest to highest"), viewer_url(part.name))])
    if any(board.board.key.slice == part for board in data.volumes):
        page.links(words("Volumes"), [Link(slice_label(part, data, words), volume_url(part.name))])
    if len(siblings) <= MOST_SIBLINGS:
        label = {
            "modality": words("All modalities"),
            "object": words("All objects"),
            "target": words("All targets"),
            "dataset": words("All datasets"),
        }.get(part.kind, "")
        page.links(label, _links(siblings, data, words))


def _links(parts: Sequence[Slice], data: SiteData, words: Words) -> list[Link]:
    return [Link(slice_label(part, data, words), slice_url(part)) for part in parts]


def _dataset_card(page: PageWriter, part: Slice) -> None:
    words = page.words
    info = page.data.datasets.get(part.name)
    if info is None:
        return
    may = ", ".join(info.permissions) or words("nothing: numbers only")
    page.facts(
        [
            (words("Version"), info.version),
            (words("Licence"), info.licence),
            (words("Source"), outside_link(info.source)),
            (words("Citation"), info.citation),
            (words("What is independent"), words.term(info.cluster_unit)),
            (words("Intensities"), info.normalisation),
            (words("Sub-sampling"), info.subsample or words("none")),
            *list_completeness(info.expected, words),
            (words("May be published"), may),
            (words("Pack"), info.content_sha256[:16] or DASH),
            (words("Prompts"), info.prompts_sha256[:16] or DASH),
        ]
    )
