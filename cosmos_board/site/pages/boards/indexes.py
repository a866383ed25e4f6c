"""Pages that list what there is: one row a modality, object, target, dataset, prompt or model."""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.board.types import Board, BoardRow, Slice, SliceKind
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, heat_of
from cosmos_board.site.content.labels import model_url, prompt_label, slice_label, slice_url
from cosmos_board.site.content.site_data import OVERALL, SiteData
from cosmos_board.site.language.numbers import DASH, number, percent, short_count, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import (
    add_withheld,
    explain_empty,
    explain_no_leader,
    find_leader,
)
from cosmos_board.site.pages.sections.ranking import track_badges
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter
from cosmos_board.store.queries.targets import Amount, TargetInfo


def slice_kinds(words: Words) -> list[tuple[SliceKind, str, str, str]]:
    """Return kinds of slices with pages: kind, path of the index, title, first sentence."""
    return [
        (
            "modality",
            "modalities/index.md",
            words("Modalities"),
            words("How the image was made. A modality pools all its targets, each counting once."),
        ),
        (
            "object",
            "objects/index.md",
            words("Objects"),
            words("A structure or lesion, in every modality that shows it."),
        ),
        (
            "target",
            "targets/index.md",
            words("Targets"),
            words("An object in a modality: the unit that is ranked, pooled over datasets."),
        ),
        (
            "dataset",
            "datasets/index.md",
            words("Datasets"),
            words(
                "Where images and reference masks come from, under which licence, and what may be "
                "shown of them."
            ),
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Listed:
    """A slice in an index, and who is ranked first there."""

    part: Slice
    targets: list[TargetInfo]
    amount: Amount
    board: Board | None
    first: BoardRow | None


def slice_index(context: PageContext, kind: SliceKind, path: str, title: str, text: str) -> Page:
    """Return the page that lists every slice of one kind."""
    data, words = context.data, context.words
    page = PageWriter(context, path, title)
    page.text(text)
    boards = [(part, data.main_board(part)) for part in data.slices(kind)]
    table = RecordTable(
        data,
        words,
        [
            _Listed(part, data.targets_of(part), data.amount(part), board, find_leader(board))
            for part, board in boards
        ],
    )
    table.cells(
        "name",
        title,
        lambda row: Cell(slice_label(row.part, data, words), row.part.name, slice_url(row.part)),
        frozen=True,
    )
    table.text(
        "data",
        words("Images are"),
        lambda row: words("synthetic") if data.is_synthetic(row.part) else words("real"),
        facet=True,
        hidden=len({target.synthetic for target in data.targets}) < 2,
    )
    table.count("targets", words("Targets"), lambda row: len({t.target for t in row.targets}))
    table.count("datasets", words("Datasets"), lambda row: len({t.dataset for t in row.targets}))
    table.count("references", words("Reference masks"), lambda row: row.amount.references)
    table.count("images", words("Images"), lambda row: row.amount.images)
    table.count("clusters", words("Clusters"), lambda row: row.amount.clusters)
    _add_leaders(table, data, words)
    if data.submitted:
        table.count("submitted", words("Submissions"), lambda row: _count_submitted(data, row.part))
    caption = words(
        "Ranked first by Dice ↑ with the prompt named, chosen by predicted IoU (everything "
        "mode by its best mask). Every image and cluster counts once. Data {version}.",
        version=data.version_label,
    )
    empty = explain_empty(data, words, words("Nothing has been scored yet."))
    page.table(table.build("index", caption, empty=empty))
    add_withheld(page, [kind])
    return page.finish()


def _count_submitted(data: SiteData, part: Slice) -> int:
    boards = [data.main_board(part, track) for track in data.submitted]
    return len({row.model for board in boards if board for row in board.rows})


def _add_leaders(table: RecordTable[_Listed], data: SiteData, words: Words) -> None:
    """Add the columns that say who is ranked first, with which score and prompt."""
    table.cells("leader", words("Ranked first"), lambda row: _leader_cell(row, data, words))
    table.score(
        "dice",
        words("Dice"),
        lambda row: row.first.score if row.first else None,
        shaded=True,
        best="high",
        help="docs/definitions/#dice",
    )
    table.cells("interval", words("95 % CI"), lambda row: _interval_cell(row, words))
    table.text(
        "prompt",
        words("Prompt"),
        lambda row: prompt_label(row.board.key.prompt, words) if row.board else DASH,
        facet=True,
    )
    table.count(
        "ranked", words("Ranked models"), lambda row: len(row.board.ranked) if row.board else None
    )


def _leader_cell(row: _Listed, data: SiteData, words: Words) -> Cell:
    if row.board is None:
        return Cell(DASH, muted=True)
    if row.first is None:
        return Cell(explain_no_leader(row.board, words), muted=True)
    known = row.first.model in data.models
    return Cell(row.first.label, row.first.model, model_url(row.first.model) if known else "")


def _interval_cell(row: _Listed, words: Words) -> Cell:
    if row.first is None:
        return Cell(DASH, muted=True)
    low, high = row.first.low, row.first.high
    return Cell(span(low, high) or words("no CI"), muted=low is None)


def model_index(context: PageContext) -> Page:
    """Return the page that lists every model."""
    data, words = context.data, context.words
    page = PageWriter(context, "models/index.md", words("Models"))
    page.text(
        words(
            "Every segmenter on the board: learned ones, classical ones, and the box-ellipse "
            "baseline; a model that scores less is below the trivial baseline."
        )
    )
    scored: dict[str, tuple[str, BoardRow]] = {}
    for track in (FULL, *data.submitted):  # a full run of a model comes before its submission
        board = data.main_board(OVERALL, track)
        for row in board.rows if board else ():
            scored.setdefault(row.model, (track, row))
    models = list(data.models.values())
    shades = heat_of(
        [scored[m.name][1].score if scored.get(m.name, ("",))[0] == FULL else None for m in models]
    )
    shade = dict(zip(data.models, shades, strict=True))

    def name(info: ModelCard) -> Cell:
        track, row = scored.get(info.name, (FULL, None))
        badges = track_badges(track, row.tier, words) if row else ()
        return Cell(info.label, info.name, model_url(info.name), badges=badges)

    def score(info: ModelCard) -> Cell:
        _, row = scored.get(info.name, (FULL, None))
        if row is None:
            return Cell(DASH, muted=True)
        note = span(row.low, row.high)
        return Cell(number(row.score), row.score, heat=shade[info.name], note=note)

    def rank(info: ModelCard) -> int | None:
        return scored[info.name][1].rank if info.name in scored else None

    def coverage(info: ModelCard) -> Cell:
        share = scored[info.name][1].coverage if info.name in scored else None
        return Cell(percent(share), share, muted=share is None)

    table = RecordTable(data, words, models)
    table.cells("model", words("Model"), name, frozen=True)
    table.text("family", words("Family"), lambda info: info.family, facet=True)
    table.text("kind", words("Kind"), lambda info: words.term(info.kind), facet=True)
    table.cells(
        "parameters",
        words("Parameters"),
        lambda info: Cell(
            short_count(info.parameters), info.parameters, muted=info.parameters is None
        ),
        numeric=True,
    )
    table.text(
        "prompts",
        words("Prompts"),
        lambda info: words.listing(prompt_label(p, words) for p in info.prompts) or DASH,
    )
    table.cells(
        "score", words("Dice"), score, numeric=True, best="high", help="docs/definitions/#dice"
    )
    table.count("rank", words("Rank"), rank)
    table.cells("coverage", words("Coverage"), coverage, numeric=True)
    table.text("licence", words("Licence"), lambda info: info.licence or DASH)
    main = data.main_board(OVERALL)
    caption = words(
        "Dice ↑ over all targets, prompt “{prompt}”, by predicted IoU; submissions with "
        "their badge, ranked among those of their track. Data {version}.",
        prompt=prompt_label(main.key.prompt, words) if main else DASH,
        version=data.version_label,
    )
    empty = words("No model has been evaluated yet.")
    page.table(table.build("index", caption, empty=empty))
    return page.finish()
