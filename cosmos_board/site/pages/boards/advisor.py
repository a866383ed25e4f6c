"""Which model and prompt for my data: the answer of `cosmos-board advise`, for every target."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from cosmos_board.board.advice.advice import Advice
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
from cosmos_board.site.language.numbers import DASH
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
            "Say what you segment and how many clicks you give: here is which model and prompt "
            "did best on such reference masks, what Dice to expect, and how often it fails. "
            "Models that were trained on the data are left out, and each model picks its own mask. "
            "Nothing is recommended from fewer than 10 clusters, and nothing that is not ahead of "
            "a trivial baseline with a mean Dice above 0.5."
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
                "Effort counts clicks: one for a point, two for a box. “Cheaper equivalent prompt” "
                "names one whose paired difference is shown to be within 0.01 Dice. “Tolerated "
                "prompt error” is how far, in pixels, a prompt may be off before more than 0.05 "
                "Dice may be lost. A failure is a reference mask with Dice under 0.5, where "
                "drawing anew is quicker than correcting."
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
    return {
        "status": advice.status,
        "synthetic": data.is_synthetic(_target(advice)),
        "careful_px": advice.careful_px,
        "simpler": None if advice.simpler is None else advice.simpler.prompt,
        "options": [
            {
                "model": option.model,
                "label": data.label(option.model),
                "url": model_url(option.model),
                "adequate": option.adequate,
                "prompt": option.prompt,
                "effort": EFFORT[option.prompt],
                "dice": option.dice.value,
                "low": option.dice.low,
                "high": option.dice.high,
                "failure": None if option.failure.low is None else option.failure.value,
                "clusters": option.dice.clusters,
                "behind": None if option.behind is None else option.behind.value,
                "verdict": option.verdict,
            }
            for option in advice.options
        ],
    }


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

    def simpler(row: Advice) -> Cell:
        option = row.simpler if row.best else None
        if option is None:
            return Cell(DASH, muted=True)
        label = prompt_label(option.prompt, words)
        return Cell(label, option.prompt, note=data.label(option.model))

    def tolerance(row: Advice) -> Cell:
        if row.best is None or row.careful_px is None:
            return Cell(words("not measured") if row.best else DASH, muted=True)
        return Cell(str(row.careful_px), row.careful_px)

    care, reading = words("Tolerated prompt error (px)"), "advisor/#reading"
    table.text("modality", words("Modality"), modality, facet=True, hidden=True)
    table.cells("model", words("Model"), model, facet=True)
    _add_expectation(table, words)
    table.cells("simpler", words("Cheaper equivalent prompt"), simpler, help=reading)
    table.cells("care", care, tolerance, numeric=True, help=reading)
    table.count("clusters", words("Clusters"), _count_clusters)
    caption = words(
        "Best model and prompt per target by mean Dice, each model choosing its own mask. "
        "Data {version}.",
        version=data.version_label,
    )
    return table.build(name, caption, listed=lambda row: row.best is None)


def _add_expectation(table: RecordTable[Advice], words: Words) -> None:
    """Add the prompt to give, and the Dice and the failures to expect with it."""

    def prompt(row: Advice) -> Cell:
        name = row.best.prompt if row.best else ""
        return Cell(prompt_label(name, words), name) if name else Cell(DASH, muted=True)

    def dice(row: Advice) -> float | None:
        return row.best.dice.value if row.best else None

    def failure(row: Advice) -> float | None:
        return row.best.failure.value if row.best else None

    definition, reading = "docs/definitions/#dice", "advisor/#reading"
    table.cells("prompt", words("Prompt"), prompt, facet=True)
    table.score("dice", words("Dice"), dice, shaded=True, best="high", help=definition)
    table.interval(
        lambda row: (row.best.dice.low, row.best.dice.high) if row.best else None,
        around=dice,
        help="docs/ranking/#intervals",
    )
    table.share("failure", words("Failures"), failure, best="low", help=reading)


def _model_cell(advice: Advice, data: SiteData, track: str, words: Words) -> Cell:
    """Return the best model, or why none is recommended."""
    if advice.best is None:
        reason = {
            "thin": words("too few clusters to recommend a model"),
            "inadequate": words("no tested model is adequate for this target"),
        }
        return Cell(reason.get(advice.status, words("not run")), muted=True)
    model = advice.best.model
    tiers = {entry.tier for entry in data.entries if (entry.model, entry.track) == (model, track)}
    badges = track_badges(track, min(tiers, default=""), words)
    return Cell(data.label(model), model, model_url(model), badges=badges)


def _count_clusters(advice: Advice) -> int | None:
    option = advice.best or (advice.options[0] if advice.options else None)
    return option.dice.clusters if option else None
