"""The page of one model: its card, its scores everywhere, its best and worst targets."""

from __future__ import annotations

from cosmos_board.board.types import BoardRow, SliceKind
from cosmos_board.site.badges import render_badge
from cosmos_board.site.book import (
    Book,
    ModelInfo,
    default_selection,
    modality_label,
    model_url,
    prompt_label,
    slice_url,
    slug,
    target_label,
)
from cosmos_board.site.figure import Axis, Figure, Point, Series
from cosmos_board.site.markup import DASH, number, outside_link, short_count, span, up
from cosmos_board.site.page import Article, Page
from cosmos_board.site.pages.context import Context, Link
from cosmos_board.site.pages.slices import FIRST_PROMPTS, slice_label
from cosmos_board.site.table import Cell, Column, Row, Table, heat_of
from cosmos_board.site.templates import render
from cosmos_board.site.words import Words


def model_page(context: Context, info: ModelInfo) -> Page:
    """Return the page of one model."""
    book, words = context.book, context.words
    article = Article(model_url(info.name).removesuffix("/") + ".md", info.label)
    article.say(_lead(book, info, words))
    context.facts(article, _card(context, info))
    article.heading(words("Scores by prompt"), "prompts")
    context.table(article, _scores(context, info, "overall", "scores"))
    article.heading(words("Across modalities"), "modalities")
    context.table(article, _scores(context, info, "modality", "modalities-table"))
    article.heading(words("Across targets"), "targets")
    context.table(article, _scores(context, info, "target", "targets-table"))
    context.figure(article, _target_figure(book, info, words))
    _cite(context, article, info)
    _family(context, article, info)
    return article.page()


def _lead(book: Book, info: ModelInfo, words: Words) -> str:
    for prompt in FIRST_PROMPTS:
        for _, row, ranked in book.places(info.name, "overall", prompt):
            interval = span(row.low, row.high)
            text = words(
                "Dice {score} over all targets with the prompt “{prompt}”",
                score=number(row.score),
                prompt=prompt_label(prompt, words),
            ) + (f" ({interval})" if interval else "")
            if row.rank is not None:
                text += words(", rank {rank} of {ranked}", rank=row.rank, ranked=ranked)
            return text + words.pick(". ", "。") + words.term(info.description)
    return words("Not scored on any complete slice yet.") + " " + words.term(info.description)


def _card(context: Context, info: ModelInfo) -> list[tuple[str, str]]:
    words = context.words
    side = f"{info.input_size_px} px" if info.input_size_px else words("native size")
    if info.training_data is None:
        trained = words("unknown: its scores are marked, not removed")
    elif info.training_data:
        trained = ", ".join(info.training_data)
    else:
        trained = words("none of the datasets of the catalogue")
    command = f"cosmos-board eval PACK --model {info.name} --out RUN"
    facts = [
        (words("Name"), info.name),
        (words("Family"), info.family),
        (words("Kind"), words.term(info.kind)),
        (words("Parameters"), short_count(info.parameters)),
        (words("Input"), side),
        (words("Prompts"), words.listing(prompt_label(p, words) for p in info.prompts) or DASH),
        (words("Takes part in clicks"), words("yes") if info.clicks else words("no")),
        (words("Trained on, as declared"), trained),
        (words("Licence"), info.licence or DASH),
        (words("Source"), outside_link(info.source) if info.source else DASH),
        (words("Evaluate it"), command),
    ]
    if info.base_model:
        facts.insert(2, (words("Fine-tuned from"), info.base_model))
    return facts


def _scores(context: Context, info: ModelInfo, kind: SliceKind, name: str) -> Table:
    book, words = context.book, context.words
    prompts = [prompt for prompt in book.prompts() if prompt in info.prompts]
    found = {
        prompt: {part: (row, ranked) for part, row, ranked in book.places(info.name, kind, prompt)}
        for prompt in prompts
    }
    parts = [part for part in book.slices(kind) if any(part in found[p] for p in prompts)]
    shades = {
        prompt: heat_of(
            [found[prompt][part][0].score if part in found[prompt] else None for part in parts]
        )
        for prompt in prompts
    }
    rows = []
    for place, part in enumerate(parts):
        cells = [Cell(slice_label(part, book, words), part.name, slice_url(part) or "./")]
        known = [found[prompt][part][0] for prompt in prompts if part in found[prompt]]
        cells.append(
            Cell(number(max(r.references for r in known), 0), max(r.references for r in known))
        )
        cells.append(
            Cell(number(max(r.clusters for r in known), 0), max(r.clusters for r in known))
        )
        for prompt in prompts:
            cells.append(_score(found[prompt].get(part), shades[prompt][place]))
        rows.append(Row(tuple(cells)))
    columns = (
        Column(key="slice", label=_heading(kind, words), frozen=True),
        Column(key="references", label=words("References"), numeric=True),
        Column(key="clusters", label=words("Clusters"), numeric=True),
        *(
            Column(key=prompt, label=prompt_label(prompt, words), numeric=True, best="high",
                   help=f"prompts/{prompt}/")
            for prompt in prompts
        ),
    )  # fmt: skip
    return Table(
        name=name,
        caption=words(
            "{model}, {part}: Dice ↑ and rank among ranked models, by predicted IoU (everything "
            "mode by its best mask). Data {version}.",
            model=info.label,
            part={
                "overall": words("over all targets"),
                "modality": words("by modality"),
                "target": words("by target"),
            }[kind],
            version=book.version or DASH,
        ),
        columns=columns,
        rows=tuple(rows),
        empty=words("Not scored yet."),
    )


def _heading(kind: SliceKind, words: Words) -> str:
    return {"modality": words("Modality"), "target": words("Target")}.get(kind, words("Slice"))


def _score(found: tuple[BoardRow, int] | None, shade: float | None) -> Cell:
    if found is None:
        return Cell(DASH, muted=True)
    row, ranked = found
    rank = f"#{row.rank}/{ranked}" if row.rank is not None else ""
    return Cell(
        number(row.score), row.score, heat=shade, note=rank, strong=row.rank == 1 and ranked > 1
    )


def _target_figure(book: Book, info: ModelInfo, words: Words, most: int = 10) -> Figure | None:
    prompt = next((p for p in FIRST_PROMPTS if book.places(info.name, "target", p)), None)
    if prompt is None:
        return None
    rows = sorted(
        book.places(info.name, "target", prompt), key=lambda found: (-found[1].score, found[0])
    )
    if len(rows) < 2:
        return None
    chosen = rows if len(rows) <= 2 * most else rows[:most] + rows[-most:]
    points = []
    for place, (part, row, _) in enumerate(chosen):
        interval = span(row.low, row.high)
        text = f"{target_label(part.name, words)}: {number(row.score)}"
        points.append(
            Point(
                row.score, place, row.low, row.high, text + (f" ({interval})" if interval else "")
            )
        )
    return Figure(
        name="targets-figure",
        title=words("Best and worst targets of {model}", model=info.label),
        says=words(
            "Dice with the prompt “{prompt}”, best targets first; bars are 95 % intervals where "
            "there are at least 10 clusters.",
            prompt=prompt_label(prompt, words),
        ),
        x=Axis(label=words("Dice"), low=0.0, high=1.0),
        y=Axis(label="", categories=tuple(target_label(part.name, words) for part, _, _ in chosen)),
        series=(Series(name=info.label, points=tuple(points), colour=5),),
        interval="x",
    )


def _cite(context: Context, article: Article, info: ModelInfo) -> None:
    """Add the badge of the model, and how to cite what stands here."""
    book, words = context.book, context.words
    place = words("not ranked")
    for prompt in FIRST_PROMPTS:
        for _, row, ranked in book.places(info.name, "overall", prompt):
            if row.rank is not None and place == words("not ranked"):
                place = f"#{row.rank}/{ranked} {prompt}"
    badge = f"badges/{slug(info.name)}.svg"
    article.attach({badge: render_badge(place)})
    article.heading(words("Badge and citation"), "cite")
    article.add(
        render(
            "cite.html",
            badge=up(article.path) + words.shared + badge,
            alt=f"COSMOS board: {place}",
            key="cosmosboard" + (book.version or "empty"),
            label=info.label,
            version=book.version or DASH,
            protocol=book.protocol,
            t=words,
        )
    )


def _family(context: Context, article: Article, info: ModelInfo) -> None:
    kin = [
        Link(other.label, model_url(other.name))
        for other in context.book.models.values()
        if other.family == info.family and other.name != info.name
    ]
    rest = [
        Link(other.label, model_url(other.name))
        for other in context.book.models.values()
        if other.family != info.family
    ]
    article.heading(context.words("Around here"), "around")
    context.links(article, context.words("Same family"), kin)
    context.links(article, context.words("Other models"), rest[:30])


__all__ = [
    "default_selection",
    "modality_label",
    "model_page",
]
