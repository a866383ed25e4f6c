"""Which model and prompt for my data: the answer of `cosmos-board advise`, for every target."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from cosmos_board.board.advice.advice import Advice
from cosmos_board.board.advice.choice import Alternative
from cosmos_board.board.advice.options import EFFORT
from cosmos_board.board.export import to_json
from cosmos_board.board.types import Slice
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.markup import up
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import (
    modality_label,
    model_url,
    object_label,
    prompt_label,
    slice_url,
)
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number, percent
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.captions import track_badges
from cosmos_board.site.pages.sections.notices import (
    explain_empty,
    note_withheld,
    track_label,
    track_text,
)
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter

PATH = "advisor/index.md"
DATA_PATH = "data/advice.json"


def advisor_page(context: PageContext) -> Page:
    """Return the page that answers for one target, and for all of them in a table."""
    data, words = context.data, context.words
    page = PageWriter(context, PATH, words("Which model?"), hide=("navigation", "toc"))
    page.text(
        words(
            "Say what you segment and how many clicks you give: here is which model and prompt to "
            "use, what Dice to expect, and how often it fails. Models that were trained on the "
            "data are left out, and each model picks its own mask. Nothing is recommended from "
            "fewer than 10 clusters, nothing with an expected Dice up to 0.5, and no model that is "
            "not shown to be better than every baseline."
        )
    )
    tracks = _tracks(data)
    if not tracks:
        otherwise = words("Nothing has been scored yet, so nothing can be advised.")
        page.note(explain_empty(data, words, otherwise))
        return page.finish()
    page.attach({DATA_PATH: advice_file(data)})
    page.html(_form(data, words))
    page.heading(words("For every target"), "targets")
    for track, advice in tracks.items():
        if track != FULL:
            page.heading(track_label(track, words), f"track-{track}", level=3)
            page.text(track_text(track, words))
        tail = "" if track == FULL else f"-{track}"
        real = [row for row in advice if not data.is_synthetic(_target(row))]
        synthetic = [row for row in advice if data.is_synthetic(_target(row))]
        if real:
            page.table(_table(data, real, f"advice{tail}", track, words))
        if synthetic:
            page.heading(words("On synthetic images"), f"synthetic{tail}", level=3)
            page.table(_table(data, synthetic, f"advice{tail}-synthetic", track, words))
    note_withheld(page)
    page.heading(words("How to read it"), "reading")
    page.html(
        Markup("<p>{}</p><p>{} <code>cosmos-board advise --db board.duckdb --modality ct "
               "--object liver --size 900</code></p>").format(
            words(
                "The Dice and the failures to expect are free of the luck of being chosen: each "
                "cluster is scored with the option that scores highest on all others. The "
                "intervals hold for all models and prompts together. Effort counts clicks: one "
                "for a point, two for a box. A prompt of less effort is “as good” where it is "
                "shown to be within 0.01 Dice; the interval of a difference also allows for one "
                "more failed patient, and what is shown rests on the interval without that. "
                "“Cannot tell” names how many clusters would "
                "tell. “Tolerated prompt error” is how far, in pixels, a prompt may be off "
                "before more than 0.05 Dice may be lost. A failure is a reference mask with "
                "Dice under 0.5, where drawing anew is quicker than correcting."
            ),
            words("On your own board, and for an object of a given size in pixels:"),
        )
    )  # fmt: skip
    return page.finish()


def _tracks(data: SiteData) -> dict[str, tuple[Advice, ...]]:
    """Return the advice by track, the full one first; only tracks that have some."""
    tracks = {FULL: data.studies.advice, **data.studies.submitted_advice}
    return {track: advice for track, advice in tracks.items() if advice}


def _target(advice: Advice) -> Slice:
    return Slice("target", f"{advice.modality}.{advice.object}")


def advice_file(data: SiteData) -> bytes:
    """Return the advice as JSON, by track and target; no words, so that all languages share it."""
    tracks = {
        track: {_target(row).name: _record(row, data) for row in advice}
        for track, advice in _tracks(data).items()
    }
    return to_json(
        {
            "schema_version": 1,
            "data_version": data.version,
            "targets": tracks.pop(FULL, {}),
            "submissions": tracks,
        }
    )


def _record(advice: Advice, data: SiteData) -> dict[str, object]:
    """Return what the page's script shows; of too few clusters no model is picked out."""
    options = advice.options if advice.choices else ()
    place = {(option.model, option.prompt): at for at, option in enumerate(options)}
    return {
        "verdict": advice.verdict,
        "synthetic": data.is_synthetic(_target(advice)),
        "clusters": advice.clusters,
        "careful_px": advice.careful_px,
        "options": [
            {
                "model": option.model,
                "label": data.label(option.model),
                "url": model_url(option.model),
                "prompt": option.prompt,
                "effort": EFFORT[option.prompt],
                "dice": option.mean,
                "low": option.low,
                "high": option.high,
                "failure": option.failure,
            }
            for option in options
        ],
        "choices": [
            {
                "effort": choice.effort,
                "option": place[choice.option.model, choice.option.prompt],
                "expected": choice.expected,
                "low": choice.low,
                "high": choice.high,
                "failure": choice.failure,
                "adequacy": choice.adequacy,
                "others": [
                    _record_other(other, place[other.option.model, other.option.prompt])
                    for other in choice.alternatives
                ],
            }
            for choice in advice.choices
        ],
    }


def _record_other(other: Alternative, place: int) -> dict[str, object]:
    names = ("difference", "low", "high", "verdict", "detectable", "needed_clusters")
    return {"option": place, **{name: getattr(other, name) for name in names}}


def _form(data: SiteData, words: Words) -> Markup:
    tracks = _tracks(data)
    advice = sorted(  # real images first; the order is else that of the board
        {_target(row): row for track in tracks.values() for row in track}.values(),
        key=lambda row: data.is_synthetic(_target(row)),
    )
    modalities = dict.fromkeys(row.modality for row in advice)
    return render(
        "advisor.html",
        root=up(PATH),
        source=up(PATH) + words.shared + DATA_PATH,
        tracks=[(track, track_label(track, words)) for track in tracks],
        modalities=[(name, modality_label(name, words)) for name in modalities],
        objects=to_json(
            [
                [row.modality, row.object, object_label(row.object, words), slice_url(_target(row))]
                for row in advice
            ]
        ).decode(),
        prompts=to_json({name: prompt_label(name, words) for name in EFFORT}).decode(),
        t=words,
    )  # fmt: skip


def _table(data: SiteData, advice: Sequence[Advice], name: str, track: str, words: Words) -> Table:
    """Return the best model and prompt of each target, or why nothing is recommended."""
    table = RecordTable(data, words, advice)
    table.slice("target", words("Target"), _target)

    def modality(row: Advice) -> str:
        return modality_label(row.modality, words)

    def model(row: Advice) -> Cell:
        return _model_cell(row, data, track, words)

    def less_work(row: Advice) -> Cell:
        return _less_work_cell(row, data, words)

    def tolerance(row: Advice) -> Cell:
        if row.best is None or row.careful_px is None:
            return Cell(words("not measured"), muted=True)
        return Cell(str(row.careful_px), row.careful_px)

    care, reading = words("Tolerated prompt error (px)"), "advisor/#reading"
    table.text("modality", words("Modality"), modality, facet=True, hidden=True)
    table.cells("model", words("Model"), model, facet=True)
    _add_expectation(table, words)
    table.cells("simpler", words("As good with less work"), less_work, help=reading, wrap=True)
    table.cells("care", care, tolerance, numeric=True, help=reading)
    table.count("clusters", words("Clusters"), lambda row: row.clusters)
    caption = words(
        "Which model and prompt to use on each target, each model choosing its own mask; Dice and "
        "failures as expected on new clusters. Data {version}.",
        version=data.version_label,
    )
    return table.build(name, caption, listed=lambda row: row.best is None)


def _add_expectation(table: RecordTable[Advice], words: Words) -> None:
    """Add the prompt to give, and the Dice and the failures to expect with it."""

    def prompt(row: Advice) -> Cell:
        name = row.best.option.prompt if row.best else ""
        return Cell(prompt_label(name, words), name) if name else Cell(DASH, muted=True)

    def dice(row: Advice) -> float | None:
        return row.best.expected if row.best else None

    def failure(row: Advice) -> Cell:
        if row.best is None:
            return Cell(DASH, muted=True)
        share = row.best.failure
        ends = f"{percent(share.low)}–{percent(share.high)}"
        return Cell(f"{percent(share.value)} ({ends})", share.value)

    definition, reading = "docs/definitions/#dice", "advisor/#reading"
    table.cells("prompt", words("Prompt"), prompt, facet=True)
    table.score("dice", words("Dice"), dice, shaded=True, best="high", help=definition)
    table.interval(
        lambda row: (row.best.low, row.best.high) if row.best else None,
        around=dice,
        help="docs/ranking/#intervals",
    )
    table.cells("failure", words("Failures"), failure, numeric=True, best="low", help=reading)


def _less_work_cell(advice: Advice, data: SiteData, words: Words) -> Cell:
    """Return the least work that is as good, or what is known of less work."""
    if advice.best is None:
        return Cell(words("nothing is recommended"), muted=True)
    if simpler := advice.best.find_simpler():
        option = simpler.option
        return Cell(
            prompt_label(option.prompt, words), option.prompt, note=data.label(option.model)
        )
    others = advice.best.list_less_work()
    if not others:
        return Cell(words("no cheaper prompt was scored"), muted=True)
    needed = [other.needed_clusters for other in others if other.needed_clusters is not None]
    if not needed:
        return Cell(words("no: every cheaper prompt is worse"))
    text = words("cannot tell: it takes about {n} clusters", n=number(min(needed), 0))
    return Cell(text, muted=True)


def _model_cell(advice: Advice, data: SiteData, track: str, words: Words) -> Cell:
    """Return the best model, or why none is recommended."""
    if advice.best is None:
        return Cell(words.term(advice.verdict), muted=True)
    model = advice.best.option.model
    tiers = {entry.tier for entry in data.entries if (entry.model, entry.track) == (model, track)}
    badges = track_badges(track, tiers, words)
    return Cell(data.label(model), model, model_url(model), badges=badges)
