"""The page of one model: its card, its scores everywhere, its best and worst targets."""

from __future__ import annotations

from itertools import product

from markupsafe import Markup

from cosmos_board.board.types import BoardRow, SliceKind
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.figure import Axis, Figure, Point, Series
from cosmos_board.site.components.markup import outside_link, up
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.svg import render_badge
from cosmos_board.site.components.table import Cell, Column, Row, Table, heat_of
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import (
    modality_label,
    model_url,
    prompt_label,
    slice_label,
    slice_url,
    slug,
    target_label,
)
from cosmos_board.site.content.site_data import ModelInfo, SiteData, default_selection
from cosmos_board.site.language.numbers import DASH, number, short_count, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import (
    FIRST_PROMPTS,
    explain_empty,
    last_year,
    note_withheld,
    track_label,
    track_text,
)
from cosmos_board.site.pages.sections.ranking import failing_label
from cosmos_board.site.pages.sections.writer import Context, Link


def model_page(context: Context, info: ModelInfo) -> Page:
    """Return the page of one model."""
    data, words = context.data, context.words
    article = Article(model_url(info.name).removesuffix("/") + ".md", info.label)
    article.say(_lead(data, info, words))
    context.facts(article, _card(context, info))
    tracks = _tracks_of(data, info)
    for track in tracks or [FULL]:
        _add_track(context, article, info, track, alone=tracks in ([], [FULL]))
    if tracks:
        context.figure(article, _target_figure(data, info, words, tracks[0]))
    note_withheld(context, article)
    _cite(context, article, info)
    _family(context, article, info)
    return article.page()


def _tracks_of(data: SiteData, info: ModelInfo) -> list[str]:
    """Return the tracks on which a model has a score here."""
    kinds: tuple[SliceKind, ...] = ("overall", "modality", "target")
    return [
        track
        for track in data.tracks
        if any(data.places(info.name, k, p, track) for k in kinds for p in info.prompts)
    ]


def _add_track(
    context: Context, article: Article, info: ModelInfo, track: str, *, alone: bool
) -> None:
    """Add a model's scores on one track; every track has tables of its own."""
    words, tail = context.words, "" if track == FULL else f"-{track}"
    if not alone:
        article.heading(track_label(track, words), f"track-{track}")
    if track != FULL:
        tiers = sorted({e.tier for e in context.data.entries
                        if (e.model, e.track) == (info.name, track)})  # fmt: skip
        badges = Markup(" ").join(
            Markup('<span class="cb-badge">{}</span>').format(words.term(one))
            for one in (track, *tiers)
        )
        article.add(Markup("<p>{} {}</p>").format(badges, track_text(track, words)))
    level = 2 if alone else 3
    kinds: tuple[tuple[SliceKind, str, str, str], ...] = (
        ("overall", words("Scores by prompt"), "prompts", "scores"),
        ("modality", words("Across modalities"), "modalities", "modalities-table"),
        ("target", words("Across targets"), "targets", "targets-table"),
    )
    for kind, title, anchor, name in kinds:
        article.heading(title, anchor + tail, level=level)
        for synthetic in (False, True):
            end = "-synthetic" if synthetic else ""
            table = _scores(context, info, kind, name + tail + end, track, synthetic=synthetic)
            if table.rows or not synthetic:
                if synthetic:
                    article.heading(words("On synthetic images"), f"{anchor}{tail}-drawn", level=4)
                context.table(article, table)


def _lead(data: SiteData, info: ModelInfo, words: Words) -> str:
    for track, prompt in product(data.tracks, FIRST_PROMPTS):
        for _, row, ranked in data.places(info.name, "overall", prompt, track):
            interval = span(row.low, row.high)
            text = "" if track == FULL else track_label(track, words) + words.pick(": ", "：")
            text += words(
                "Dice {score} over all targets with the prompt “{prompt}”",
                score=number(row.score),
                prompt=prompt_label(prompt, words),
            ) + (f" ({interval})" if interval else "")
            if row.rank is not None:
                text += words(", rank {rank} of {ranked}", rank=row.rank, ranked=ranked)
            elif failing := failing_label(row, words):
                text += words.pick(", ", "，") + failing
            return text + words.pick(". ", "。") + words.term(info.description)
    nothing = explain_empty(data, words, words("Not scored over all targets."))
    return nothing + " " + words.term(info.description)


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
    ]
    if FULL in _tracks_of(context.data, info) or not _tracks_of(context.data, info):
        facts.append((words("Evaluate it"), command))
    if info.base_model:
        facts.insert(2, (words("Fine-tuned from"), info.base_model))
    return facts


def _scores(
    context: Context,
    info: ModelInfo,
    kind: SliceKind,
    name: str,
    track: str,
    *,
    synthetic: bool,
) -> Table:
    data, words = context.data, context.words
    prompts = [prompt for prompt in data.prompts() if prompt in info.prompts]
    found = {
        prompt: {
            part: (row, ranked)
            for part, row, ranked in data.places(info.name, kind, prompt, track)
            if data.is_synthetic(part) == synthetic
        }
        for prompt in prompts
    }
    parts = [part for part in data.slices(kind) if any(part in found[p] for p in prompts)]
    shades = {
        prompt: heat_of(
            [found[prompt][part][0].score if part in found[prompt] else None for part in parts]
        )
        for prompt in prompts
    }
    rows = []
    for place, part in enumerate(parts):
        cells = [Cell(slice_label(part, data, words), part.name, slice_url(part) or "./")]
        known = [found[prompt][part][0] for prompt in prompts if part in found[prompt]]
        cells.append(
            Cell(number(max(r.references for r in known), 0), max(r.references for r in known))
        )
        cells.append(
            Cell(number(max(r.clusters for r in known), 0), max(r.clusters for r in known))
        )
        for prompt in prompts:
            cells.append(_score(found[prompt].get(part), shades[prompt][place], words))
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
            version=data.version or DASH,
        ),
        columns=columns,
        rows=tuple(rows),
        empty=explain_empty(data, words, words("Not scored yet.")),
    )


def _heading(kind: SliceKind, words: Words) -> str:
    return {"modality": words("Modality"), "target": words("Target")}.get(kind, words("Slice"))


def _score(found: tuple[BoardRow, int] | None, shade: float | None, words: Words) -> Cell:
    if found is None:
        return Cell(DASH, muted=True)
    row, ranked = found
    rank = f"#{row.rank}/{ranked}" if row.rank is not None else failing_label(row, words)
    return Cell(
        number(row.score), row.score, heat=shade, note=rank, strong=row.rank == 1 and ranked > 1
    )


def _target_figure(
    data: SiteData, info: ModelInfo, words: Words, track: str, most: int = 10
) -> Figure | None:
    prompt = next((p for p in FIRST_PROMPTS if data.places(info.name, "target", p, track)), None)
    if prompt is None:
        return None
    places = data.places(info.name, "target", prompt, track)
    real = [found for found in places if not data.is_synthetic(found[0])]
    rows = sorted(real or places, key=lambda found: (-found[1].score, found[0]))
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
        title=words("Scores of {model} by target", model=info.label),
        says=words(
            "Dice with the prompt “{prompt}”, the highest first; bars are 95 % intervals where "
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
    data, words = context.data, context.words
    place = words("not ranked")
    for prompt in FIRST_PROMPTS:
        for _, row, ranked in data.places(info.name, "overall", prompt):
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
            key="cosmosboard" + (data.version or "empty"),
            label=info.label,
            version=data.version or DASH,
            protocol=data.protocol,
            year=last_year(data),
            url=context.site_url + model_url(info.name) if context.site_url else "",
            t=words,
        )
    )


def _family(context: Context, article: Article, info: ModelInfo) -> None:
    kin = [
        Link(other.label, model_url(other.name))
        for other in context.data.models.values()
        if other.family == info.family and other.name != info.name
    ]
    rest = [
        Link(other.label, model_url(other.name))
        for other in context.data.models.values()
        if other.family != info.family
    ]
    article.heading(context.words("Around here"), "around")
    advice = [Link(context.words("Which model to use?"), "advisor/")]
    context.links(article, context.words("Advice"), advice)
    context.links(article, context.words("Same family"), kin)
    context.links(article, context.words("Other models"), rest[:30])


__all__ = [
    "default_selection",
    "modality_label",
    "model_page",
]
