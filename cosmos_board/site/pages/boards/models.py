"""The page of one model: its card, its scores everywhere, its highest and lowest targets."""

from __future__ import annotations

from itertools import product

from markupsafe import Markup

from cosmos_board.board.types import BoardRow, Slice, SliceKind
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.figure import Axis, Figure, Point, Series
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.svg import render_badge
from cosmos_board.site.components.table import Cell, Table, heat_of
from cosmos_board.site.components.table_output import show_badge
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import model_url, prompt_label, slug, target_label
from cosmos_board.site.content.site_data import FIRST_PROMPTS, SiteData
from cosmos_board.site.language.numbers import DASH, number, percent, short_count, with_interval
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.captions import track_badges
from cosmos_board.site.pages.sections.notices import (
    explain_empty,
    link_advice,
    note_withheld,
    track_label,
    track_text,
)
from cosmos_board.site.pages.sections.standing import format_range, note_no_rank, status_label
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter

MOST_TARGETS = 20
"""Targets that the figure of a model names."""


def model_page(context: PageContext, info: ModelCard) -> Page:
    """Return the page of one model."""
    data, words = context.data, context.words
    page = PageWriter(context, model_url(info.name), info.label)
    page.text(_lead(data, info, words))
    page.facts(_card(data, info, words))
    tracks = _tracks_of(data, info)
    for track in tracks or [FULL]:
        _add_track(page, info, track, alone=tracks in ([], [FULL]))
    if tracks:
        page.figure(_target_figure(data, info, words, tracks[0]))
    note_withheld(page)
    _cite(page, info)
    _link_family(page, info)
    return page.finish()


def _tracks_of(data: SiteData, info: ModelCard) -> list[str]:
    """Return the tracks on which a model has a score here."""
    kinds: tuple[SliceKind, ...] = ("overall", "modality", "target")
    return [
        track
        for track in data.tracks
        if any(data.places(info.name, k, p, track) for k in kinds for p in info.prompts)
    ]


def _add_track(page: PageWriter, info: ModelCard, track: str, *, alone: bool) -> None:
    """Add a model's scores on one track; every track has tables of its own."""
    words, tail = page.words, "" if track == FULL else f"-{track}"
    if not alone:
        page.heading(track_label(track, words), f"track-{track}")
    if track != FULL:
        entries = page.data.entries
        tiers = {e.tier for e in entries if (e.model, e.track) == (info.name, track)}
        badges = " ".join(map(show_badge, track_badges(track, tiers, words)))
        page.html(Markup("<p>{} {}</p>").format(Markup(badges), track_text(track, words)))
    level = 2 if alone else 3
    kinds: tuple[tuple[SliceKind, str, str, str], ...] = (
        ("overall", words("Scores by prompt"), "prompts", "scores"),
        ("modality", words("Across modalities"), "modalities", "modalities-table"),
        ("target", words("Across targets"), "targets", "targets-table"),
    )
    for kind, title, anchor, name in kinds:
        page.heading(title, anchor + tail, level=level)
        for synthetic in (False, True):
            own = name + tail + ("-synthetic" if synthetic else "")
            table = _score_table(page, info, kind, own, track, synthetic=synthetic)
            if table.rows or not synthetic:
                if synthetic:
                    page.heading(words("On synthetic images"), f"{anchor}{tail}-drawn", level=4)
                page.table(table)


def _lead(data: SiteData, info: ModelCard, words: Words) -> str:
    for track, prompt in product(data.tracks, FIRST_PROMPTS):
        for _, row, ranked in data.places(info.name, "overall", prompt, track):
            text = "" if track == FULL else track_label(track, words) + words.pick(": ", "：")
            text += words(
                "Dice {score} on the board of all targets, with the prompt “{prompt}”",
                score=number(row.score),
                prompt=prompt_label(prompt, words),
            )
            text = with_interval(text, row.low, row.high)
            if row.rank is not None:
                place = f"{row.rank} {format_range(row)}".rstrip()
                text += words(", rank {rank} of {ranked}", rank=place, ranked=ranked)
            elif row.status == "trained-on" and row.clean_targets:
                text += words.plural(
                    row.clean_targets,
                    "; trained on {share} of these targets, so not ranked: the score is that on "
                    "the {n} clean target",
                    "; trained on {share} of these targets, so not ranked: the score is that on "
                    "the {n} clean targets",
                    share=percent(row.trained_on),
                )
            elif row.status == "trained-on":
                text += words(
                    "; trained on these targets, so not ranked: the score says nothing of new "
                    "images"
                )
            else:
                few = words("too few clusters to rank")
                text += words.pick(", ", "，") + (status_label(row, words) or few)
            return text + words.pick(". ", "。") + words.term(info.description)
    nothing = explain_empty(data, words, words("Not scored over all targets."))
    return nothing + " " + words.term(info.description)


def _card(data: SiteData, info: ModelCard, words: Words) -> list[tuple[str, str]]:
    side = f"{info.input_size_px} px" if info.input_size_px else words("native size")
    if info.training_data is None:
        trained = words("unknown: its scores are marked, not removed")
    elif info.training_data:
        trained = ", ".join(info.training_data)
    else:
        trained = words("none of the datasets of the catalogue")
    facts = [
        (words("Name"), info.name),
        (words("Family"), info.family),
        (words("Kind"), words.term(info.kind)),
        (words("Parameters"), short_count(info.parameters)),
        (words("Input"), side),
        (words("Prompts"), words.listing(prompt_label(p, words) for p in info.prompts) or DASH),
        (words("Takes part in clicks"), words.yes_no(info.clicks)),
        (words("Trained on, as declared"), trained),
        (words("Licence"), info.licence or DASH),
        (words("Source"), outside_link(info.source) if info.source else DASH),
    ]
    if FULL in (_tracks_of(data, info) or [FULL]):
        command = f"cosmos-board eval PACK --model {info.name} --out RUN"
        facts.append((words("Evaluate it"), command))
    if info.base_model:
        facts.insert(2, (words("Fine-tuned from"), info.base_model))
    return facts


def _score_table(
    page: PageWriter, info: ModelCard, kind: SliceKind, name: str, track: str, *, synthetic: bool
) -> Table:
    """Return a model's scores on a kind of slices and a track, as the table `name`."""
    data, words = page.data, page.words
    prompts = [prompt for prompt in data.prompts() if prompt in info.prompts]
    places: dict[str, dict[Slice, tuple[BoardRow, int]]] = {
        prompt: {
            part: (row, ranked)
            for part, row, ranked in data.places(info.name, kind, prompt, track)
            if data.is_synthetic(part) == synthetic
        }
        for prompt in prompts
    }
    parts = [part for part in data.slices(kind) if any(part in rows for rows in places.values())]

    def most(part: Slice, count: str) -> int:
        """Return the largest of the counts that the prompts have on a slice."""
        rows = [found[part][0] for found in places.values() if part in found]
        return max(int(getattr(row, count)) for row in rows)

    heading = {"modality": words("Modality"), "target": words("Target")}
    table = RecordTable(data, words, parts)
    table.slice("slice", heading.get(kind, words("Slice")), lambda part: part)
    table.count("references", words("Reference masks"), lambda part: most(part, "references"))
    table.count("clusters", words("Clusters"), lambda part: most(part, "clusters"))
    for prompt, found in places.items():
        known = [found[part][0] if part in found else None for part in parts]
        shades = heat_of([row.score if row and row.rank is not None else None for row in known])
        cells = {
            part: _score_cell(found.get(part), shade, words)
            for part, shade in zip(parts, shades, strict=True)
        }
        label, get, url = prompt_label(prompt, words), cells.__getitem__, f"prompts/{prompt}/"
        table.cells(prompt, label, get, numeric=True, best="high", help=url)
    caption = words(
        "{model}, {part}: Dice ↑ and rank among ranked models with its range, by predicted IoU "
        "(everything mode by the mask closest to the reference mask); no rank where no target has "
        "10 clusters. Data {version}.",
        model=info.label,
        part={
            "overall": words("over all targets"),
            "modality": words("by modality"),
            "target": words("by target"),
        }[kind],
        version=data.version_label,
    )
    empty = explain_empty(data, words, words("Not scored yet."))
    return table.build(name, caption, empty=empty)


def _score_cell(place: tuple[BoardRow, int] | None, shade: float | None, words: Words) -> Cell:
    if place is None:
        return Cell(DASH, muted=True)
    row, ranked = place
    if row.rank is None:
        return Cell(number(row.score), row.score, note=note_no_rank(row, words))
    rank = f"#{row.rank}/{ranked} {format_range(row)}".rstrip()
    return Cell(number(row.score), row.score, heat=shade, note=rank)


def _target_figure(data: SiteData, info: ModelCard, words: Words, track: str) -> Figure | None:
    """Return the scores on targets, the highest first: all of them, or both ends."""
    prompt = next((p for p in FIRST_PROMPTS if data.places(info.name, "target", p, track)), None)
    if prompt is None:
        return None
    places = data.places(info.name, "target", prompt, track)
    places = [place for place in places if place[1].status != "trained-on"]
    real = [place for place in places if not data.is_synthetic(place[0])]
    rows = sorted(real or places, key=_order_target)
    if len(rows) < 2:
        return None
    most = MOST_TARGETS // 2
    chosen = rows if len(rows) <= MOST_TARGETS else rows[:most] + rows[-most:]
    labels = tuple(target_label(part.name, words) for part, _, _ in chosen)
    points = []
    for place, (label, (_, row, _)) in enumerate(zip(labels, chosen, strict=True)):
        text = with_interval(f"{label}: {number(row.score)}", row.low, row.high)
        points.append(Point(row.score, place, row.low, row.high, text))
    return Figure(
        name="targets-figure",
        title=words("Scores of {model} by target", model=info.label),
        says=words(
            "Dice with the prompt “{prompt}”, the highest first, with 95 % confidence intervals; "
            "targets without one, such as those under 10 clusters, come last and by name.",
            prompt=prompt_label(prompt, words),
        ),
        x=Axis(label=words("Dice"), low=0.0, high=1.0),
        y=Axis(label="", categories=labels),
        series=(Series(name=info.label, points=tuple(points), colour=5),),
        interval="x",
    )


def _order_target(place: tuple[Slice, BoardRow, int]) -> tuple[bool, float, Slice]:
    """Return what orders targets: scores where they have intervals, else names."""
    part, row, _ = place
    few = row.low is None
    return few, 0.0 if few else -row.score, part


def _cite(page: PageWriter, info: ModelCard) -> None:
    """Add the badge of the model, and how to cite what stands here."""
    data, words = page.data, page.words
    ranks = (
        f"#{row.rank}/{ranked} {format_range(row)} {prompt}"
        for prompt in FIRST_PROMPTS
        for _, row, ranked in data.places(info.name, "overall", prompt)
        if row.rank is not None
    )
    place = next(ranks, words("not ranked"))
    badge = f"badges/{slug(info.name)}.svg"
    page.attach({badge: render_badge(place)})
    page.heading(words("Badge and citation"), "cite")
    page.html(
        render(
            "cite.html",
            badge=page.root + words.shared + badge,
            alt=f"COSMOS board: {place}",
            key="cosmosboard" + (data.version or "empty"),
            label=info.label,
            version=data.version_label,
            protocol=data.protocol,
            year=data.last_year,
            url=page.site_url + model_url(info.name) if page.site_url else "",
            t=words,
        )
    )


def _link_family(page: PageWriter, info: ModelCard) -> None:
    words = page.words
    others = [other for other in page.data.models.values() if other.name != info.name]
    same = [other for other in others if other.family == info.family]
    rest = [other for other in others if other.family != info.family]
    page.heading(words("Related"), "around")
    link_advice(page)
    page.links(words("Same family"), [Link(m.label, model_url(m.name)) for m in same])
    page.links(words("Other models"), [Link(m.label, model_url(m.name)) for m in rest[:30]])
