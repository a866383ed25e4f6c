"""Pages of modalities, objects, targets and datasets: who leads on a part of the data."""

from __future__ import annotations

from collections.abc import Sequence

from cosmos_board.board.types import Board, Slice, SliceKind
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.svg import render_mean_ranks
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import (
    modality_label,
    object_label,
    prompt_label,
    prompt_slice_url,
    slice_label,
    slice_url,
    target_label,
    viewer_url,
)
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.figures import interval_figure, prompt_figure, spread_figure
from cosmos_board.site.pages.sections.matrix import Across, matrix_table, prompt_columns
from cosmos_board.site.pages.sections.notices import (
    add_submitted,
    explain_no_full_run,
    explain_no_leader,
    find_leader,
    main_board,
    note_part,
)
from cosmos_board.site.pages.sections.pairs import mean_ranks, pair_map
from cosmos_board.site.pages.sections.ranking import ranking_table
from cosmos_board.site.pages.sections.writer import Context, Link

MOST_MODELS = 25
"""Models in a map of parts; its file has no more either, the file of all scores has."""


def slice_page(context: Context, part: Slice, siblings: Sequence[Slice]) -> Page:
    """Return the page of one slice."""
    data, words = context.data, context.words
    article = Article(slice_url(part).removesuffix("/") + ".md", slice_label(part, data, words))
    board = main_board(data, part)
    article.say(_lead(data, part, board, words))
    if part.kind == "dataset":
        _dataset_card(context, article, part)
    add_notes(context, article, board)
    note_part(context, article, part)
    article.heading(words("Leaderboard"), "leaderboard")
    if board is None:
        context.note(article, explain_no_full_run(data, part, words))
    else:
        context.table(article, ranking_table(data, board, words))
        context.figure(article, interval_figure(board, words))
        if part.kind == "target":
            _spread(context, article, part, board)
        _by_prompt(context, article, part)
        add_pairs(context, article, part, board)
    add_submitted(context, article, part)
    add_map(context, article, part)
    _around(context, article, part, siblings)
    return article.page()


def other_prompts(data: SiteData, part: Slice) -> list[str]:
    """Return the prompts that have a page of their own for a slice, beside its main one.

    Modalities have one for every prompt that was scored, targets for one point.
    """
    main = main_board(data, part)
    if main is None or part.kind not in {"modality", "target"}:
        return []
    wanted = data.prompts() if part.kind == "modality" else ("point",)
    return [
        prompt
        for prompt in wanted
        if prompt != main.key.prompt and (board := data.board(part, prompt)) and board.rows
    ]


def prompt_slice_page(context: Context, part: Slice, prompt: str) -> Page:
    """Return the leaderboard of one slice with one prompt."""
    data, words = context.data, context.words
    label = slice_label(part, data, words)
    article = Article(
        prompt_slice_url(part, prompt).removesuffix("/") + ".md",
        f"{label} · {prompt_label(prompt, words)}",
    )
    board = data.board(part, prompt)
    article.say(_lead(data, part, board, words))
    add_notes(context, article, board)
    note_part(context, article, part)
    if board is not None:
        article.heading(words("Leaderboard"), "leaderboard")
        context.table(article, ranking_table(data, board, words))
    article.heading(words("Around here"), "around")
    context.links(article, words("All prompts"), [Link(label, slice_url(part))])
    others = [
        Link(prompt_label(name, words), prompt_slice_url(part, name))
        for name in other_prompts(data, part)
        if name != prompt
    ]
    context.links(article, words("Other prompts"), others)
    return article.page()


def _lead(data: SiteData, part: Slice, board: Board | None, words: Words) -> str:
    infos, amount = data.targets_of(part), data.amount(part)
    counts = count_things(
        words,
        targets=len({info.target for info in infos}),
        references=amount.references,
        images=amount.images,
        clusters=amount.clusters,
        datasets=len({info.dataset for info in infos}),
    )
    if data.is_synthetic(part):
        counts += " " + words("Synthetic images.")
    if board is None:
        return counts
    first = find_leader(board)
    if first is None:
        reason = explain_no_leader(board, words)
        return f"{counts} {words('Scores only: {reason}', reason=reason)}{words.pick('.', '。')}"
    interval = span(first.low, first.high)
    rivals = [row.label for row in board.ranked[1:] if row.tie_group == first.tie_group]
    leader = words(
        "With a box, {model} leads with Dice {score}"
        if board.key.prompt == "box"
        else "{model} leads with Dice {score}",
        model=first.label,
        score=number(first.score),
    )  # fmt: skip
    leader += f" ({interval})" if interval else ""
    if first.tie_group is not None and rivals:
        leader += words("; not separable from {models}", models=_listed(rivals, words))
    return f"{counts} {leader}{words.pick('.', '。')}"


def count_things(
    words: Words, *, targets: int, references: int, images: int, clusters: int, datasets: int
) -> str:
    """Return how much there is, in a sentence; each thing counts once."""
    counted = [
        words.count(targets, "target"),
        words.count(references, "reference"),
        words.count(images, "image"),
        words.count(clusters, "cluster"),
        words.count(datasets, "dataset"),
    ]
    return words.pick(", ", "，").join(counted) + words.pick(".", "。")


def _listed(names: Sequence[str], words: Words, most: int = 3) -> str:
    if len(names) > most:
        return words("{n} others", n=len(names))
    return words.listing(names)


def add_notes(context: Context, article: Article, board: Board | None) -> None:
    """Add what nobody should miss about the data behind a board."""
    if board is None:
        return
    words, facts = context.words, board.facts
    if facts.synthetic:
        context.note(
            article, words("Synthetic images: what is learnt here says little of patients.")
        )
    if facts.thin and len(facts.thin) < len(facts.targets):
        names = words.listing(target_label(name, words) for name in facts.thin)
        context.note(
            article,
            words(
                "Under 10 clusters, so in the score but not in any interval: {targets}.",
                targets=names,
            ),
        )
    if facts.left_out:
        names = words.listing(target_label(name, words) for name in facts.left_out)
        context.note(
            article,
            words("Left out because a ranked model was trained on them: {targets}.", targets=names),
        )


def _spread(context: Context, article: Article, part: Slice, board: Board) -> None:
    figure = spread_figure(context.data, part.name, board.key.prompt, context.words)
    if figure is not None:
        article.heading(context.words("Single references"), "spread")
        context.figure(article, figure)


def add_pairs(context: Context, article: Article, part: Slice, board: Board) -> None:
    """Add which models can be told apart, and their mean ranks where targets allow it."""
    data, words = context.data, context.words
    table = pair_map(data, board, words)
    if table is None:
        return
    article.heading(words("Who can be told apart"), "told-apart")
    context.table(article, table)
    inner = {info.target for info in data.targets_of(part)}
    boards = [data.board(Slice("target", name), board.key.prompt) for name in sorted(inner)]
    ranks = mean_ranks(data, board, [found for found in boards if found and found.ranked])
    if ranks is None:
        return
    title = words(
        "Mean ranks of {models} over targets", models=words.count(len(ranks.names), "model")
    )
    article.add(
        render(
            "ranks.html",
            drawing=render_mean_ranks(ranks, title),
            says=words(
                "Mean rank over {targets}, 1 is best. A bar joins models of which no two "
                "differ (Wilcoxon on cluster means, Holm, 5 %). Mean ranks depend on who else is "
                "listed: read the intervals first.",
                targets=words.count(ranks.targets, "target"),
            ),
        )
    )


def _by_prompt(context: Context, article: Article, part: Slice) -> None:
    data, words = context.data, context.words
    boards = [(prompt, data.board(part, prompt)) for prompt in data.prompts()]
    urls = {prompt: prompt_slice_url(part, prompt) for prompt in other_prompts(data, part)}
    columns = prompt_columns(boards, words, urls)
    article.heading(words("By prompt"), "prompts")
    context.table(
        article,
        matrix_table(
            data,
            columns,
            words,
            name="by-prompt",
            caption=words(
                "Dice ↑ and rank by prompt, {slice}; everything mode by its best mask, the others "
                "by predicted IoU. Data {version}.",
                slice=slice_label(part, data, words),
                version=data.version or DASH,
            ),
        ),
    )
    context.figure(article, prompt_figure(columns, words))


def add_map(context: Context, article: Article, part: Slice, *, most: int = MOST_MODELS) -> None:
    """Add the map of the `most` best models over the parts that this slice is made of."""
    data, words = context.data, context.words
    board = main_board(data, part)
    if board is None:
        return
    inner = [
        piece
        for piece in inner_slices(data, part)
        if (own := main_board(data, piece)) and own.facts.synthetic == board.facts.synthetic
    ]
    if len(inner) < 2:
        return
    prompt = board.key.prompt
    article.heading(words("Where models work"), "where")
    columns = [
        Across(
            piece.name,
            _short_label(piece, part, words),
            slice_url(piece),
            data.board(piece, prompt),
        )
        for piece in inner
    ]
    table = matrix_table(
        data,
        columns,
        words,
        name="map",
        caption=words(
            "Dice ↑ and rank with the prompt of the table above, one column per part of {slice}. "
            "Data {version}.",
            slice=slice_label(part, data, words),
            version=data.version or DASH,
        ),
        models=[row.model for row in board.rows[:most]],
    )
    context.table(article, table)


def inner_slices(data: SiteData, part: Slice) -> list[Slice]:
    """Return the parts of a slice: modalities of everything, targets of anything else."""
    if part.kind == "overall":
        return list(data.slices("modality"))
    if part.kind == "target":
        return [
            Slice("dataset", name) for name in sorted({t.dataset for t in data.targets_of(part)})
        ]
    names = {info.target for info in data.targets_of(part)}
    return [piece for piece in data.slices("target") if piece.name in names]


def _short_label(piece: Slice, part: Slice, words: Words) -> str:
    if piece.kind == "dataset":
        return piece.name
    if piece.kind == "modality":
        return modality_label(piece.name, words)
    modality, _, thing = piece.name.partition(".")
    if part.kind == "modality":
        return object_label(thing, words)
    if part.kind == "object":
        return modality_label(modality, words)
    return target_label(piece.name, words)


def _around(context: Context, article: Article, part: Slice, siblings: Sequence[Slice]) -> None:
    data, words = context.data, context.words
    infos = data.targets_of(part)
    article.heading(words("Around here"), "around")
    _link_advice(context, article, part)

    def links(kind: SliceKind, names: set[str]) -> list[Link]:
        parts = [piece for piece in data.slices(kind) if piece.name in names and piece != part]
        return [Link(slice_label(piece, data, words), slice_url(piece)) for piece in parts]

    context.links(article, words("Modalities"), links("modality", {i.modality for i in infos}))
    context.links(article, words("Objects"), links("object", {i.object for i in infos}))
    context.links(article, words("Targets"), links("target", {i.target for i in infos}))
    context.links(article, words("Datasets"), links("dataset", {i.dataset for i in infos}))
    if part.kind == "target" and any(case.pick.target == part.name for case in data.cases):
        context.links(
            article, words("Cases"), [Link(words("Worst to best"), viewer_url(part.name))]
        )
    others = [Link(slice_label(piece, data, words), slice_url(piece)) for piece in siblings]
    if len(others) <= 30:
        label = {
            "modality": words("All modalities"),
            "object": words("All objects"),
            "target": words("All targets"),
            "dataset": words("All datasets"),
        }.get(part.kind, "")
        context.links(article, label, others)


def _link_advice(context: Context, article: Article, part: Slice) -> None:
    """Link the advice on a target, or on any."""
    words = context.words
    url = "advisor/"
    if part.kind == "target":
        modality, _, thing = part.name.partition(".")
        url += f"?modality={modality}&object={thing}"
    context.links(article, words("Advice"), [Link(words("Which model to use?"), url)])


def _dataset_card(context: Context, article: Article, part: Slice) -> None:
    words = context.words
    info = context.data.datasets.get(part.name)
    if info is None:
        return
    may = ", ".join(info.permissions) or words("nothing: numbers only")
    context.facts(
        article,
        [
            (words("Version"), info.version),
            (words("Licence"), info.licence),
            (words("Source"), outside_link(info.source)),
            (words("Citation"), info.citation),
            (words("What is independent"), words.term(info.cluster_unit)),
            (words("Intensities"), info.normalisation),
            (words("Sub-sampling"), info.subsample or words("none")),
            (words("May be published"), may),
            (words("Pack"), info.pack_sha256[:16] or DASH),
            (words("Prompts"), info.prompts_sha256[:16] or DASH),
        ],
    )
