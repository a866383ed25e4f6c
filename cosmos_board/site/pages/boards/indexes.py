"""Pages that list what there is: one row a modality, object, target, dataset, prompt or model."""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.board.types import Board, BoardRow, Slice, SliceKind
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, heat_of
from cosmos_board.site.content.labels import FOLDERS, image_kind, model_url, prompt_label
from cosmos_board.site.content.site_data import OVERALL, SiteData
from cosmos_board.site.language.numbers import DASH, number, short_count, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.captions import track_badges
from cosmos_board.site.pages.sections.notices import (
    add_withheld,
    explain_empty,
)
from cosmos_board.site.pages.sections.standing import (
    count_rivals,
    explain_no_leader,
    find_leader,
    format_range,
)
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter
from cosmos_board.store.queries.targets import Amount, TargetInfo


def slice_kinds(words: Words) -> dict[SliceKind, tuple[str, str]]:
    """Return the title and the first sentence of the index of each kind of slice with pages."""
    return {
        "modality": (
            words("Modalities"),
            words("How the image was made. A modality pools all its targets, each counting once."),
        ),
        "object": (
            words("Objects"),
            words("A structure or lesion, in every modality that shows it."),
        ),
        "target": (
            words("Targets"),
            words("An object in a modality: the unit that is ranked, pooled over datasets."),
        ),
        "dataset": (
            words("Datasets"),
            words(
                "Where images and reference masks come from, under which licence, and what may be "
                "shown of them."
            ),
        ),
        "held-out": (
            words("Held-out sets"),
            words(
                "Datasets that nobody trains on who wants a rank here: where models that were "
                "adapted to medical images compete. The version of the protocol fixes them."
            ),
        ),
    }


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A slice in an index, and the model that is ranked first there."""

    part: Slice
    targets: list[TargetInfo]
    amount: Amount
    board: Board | None
    first: BoardRow | None


def slice_index(context: PageContext, kind: SliceKind) -> Page:
    """Return the page that lists every slice of one kind."""
    data, words = context.data, context.words
    title, text = slice_kinds(words)[kind]
    page = PageWriter(context, f"{FOLDERS[kind]}index.md", title)
    page.text(text)
    rows = [
        _Indexed(part, data.targets_of(part), data.amount(part), board, find_leader(board))
        for part in data.slices(kind)
        for board in [data.main_board(part)]
    ]
    table = RecordTable(data, words, rows)
    table.slice("name", title, lambda row: row.part)
    table.text(
        "data",
        words("Images are"),
        lambda row: image_kind(row.part, data, words),
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
    first = words(
        "Ranked first by Dice ↑ with the prompt named, chosen by predicted IoU (everything mode by "
        "the mask closest to the reference mask)."
    )
    counted = words(
        "Every image and cluster counts once. Data {version}.", version=data.version_label
    )
    caption = f"{first} {counted}" if any(row.first for row in rows) else counted
    empty = explain_empty(data, words, words("Nothing has been scored yet."))
    page.table(table.build("index", caption, empty=empty))
    add_withheld(page, [kind])
    if kind == "target" and data.volumes:
        page.links(words("Volumes"), [Link(words("Targets"), "volumes/")])
    return page.finish()


def _count_submitted(data: SiteData, part: Slice) -> int:
    boards = [data.main_board(part, track) for track in data.submitted]
    return len({row.model for board in boards if board for row in board.rows})


def _add_leaders(table: RecordTable[_Indexed], data: SiteData, words: Words) -> None:
    """Add the columns that say who is ranked first, with which score and prompt."""

    def leader(row: _Indexed) -> Cell:
        if row.board is None:
            return Cell(DASH, muted=True)
        if row.first is None:
            return Cell(explain_no_leader(row.board, words), muted=True)
        name = row.first.model
        note = count_rivals(row.board, words)
        return Cell(row.first.label, name, model_url(name) if name in data.models else "", note)

    def score(row: _Indexed) -> float | None:
        return row.first.score if row.first else None

    if not any(row.first for row in table.records):
        table.cells("leader", words("Ranking"), leader)
        return
    definition = "docs/definitions/#dice"
    table.cells("leader", words("Ranked first"), leader)
    table.score("dice", words("Dice"), score, shaded=True, best="high", help=definition)
    table.interval(lambda row: (row.first.low, row.first.high) if row.first else None)
    table.text(
        "prompt",
        words("Prompt"),
        lambda row: prompt_label(row.board.key.prompt, words) if row.board else DASH,
        facet=True,
    )
    table.count(
        "ranked", words("Ranked models"), lambda row: len(row.board.ranked) if row.board else None
    )


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
    table = RecordTable(data, words, _list_models(data))

    def name(row: _Listed) -> Cell:
        badges = track_badges(row.track, {row.row.tier}, words) if row.row else ()
        return Cell(row.card.label, row.card.name, model_url(row.card.name), badges=badges)

    def size(row: _Listed) -> Cell:
        parameters = row.card.parameters
        return Cell(short_count(parameters), parameters, muted=parameters is None)

    def score(row: _Listed) -> Cell:
        if (scored := row.row) is None:
            return Cell(DASH, muted=True)
        note = span(scored.low, scored.high)
        return Cell(number(scored.score), scored.score, heat=row.shade, note=note)

    table.cells("model", words("Model"), name, frozen=True)
    table.text("family", words("Family"), lambda row: row.card.family, facet=True)
    table.text("kind", words("Kind"), lambda row: words.term(row.card.kind), facet=True)
    table.cells("parameters", words("Parameters"), size, numeric=True)
    table.text(
        "prompts",
        words("Prompts"),
        lambda row: words.listing(prompt_label(p, words) for p in row.card.prompts) or DASH,
    )
    definition = "docs/definitions/#dice"
    table.cells("score", words("Dice"), score, numeric=True, best="high", help=definition)
    table.cells("rank", words("Rank"), _rank_cell, numeric=True)
    table.share("coverage", words("Coverage"), lambda row: row.row.coverage if row.row else None)
    table.text("licence", words("Licence"), lambda row: row.card.licence or DASH)
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


def _rank_cell(listed: _Listed) -> Cell:
    row = listed.row
    if row is None or row.rank is None:
        return Cell(DASH, muted=True)
    return Cell(number(row.rank, 0), row.rank, note=format_range(row))


@dataclass(frozen=True, slots=True)
class _Listed:
    """A model in the index, with its row on the board over all targets if it has one."""

    card: ModelCard
    track: str
    row: BoardRow | None
    shade: float | None


def _list_models(data: SiteData) -> list[_Listed]:
    """Return every model; one that was run and submitted too stands with its run."""
    rows: dict[str, tuple[str, BoardRow | None]] = {}
    for track in (FULL, *data.submitted):
        board = data.main_board(OVERALL, track)
        for row in board.rows if board else ():
            rows.setdefault(row.model, (track, row))
    cards = list(data.models.values())
    placed = [rows.get(card.name, (FULL, None)) for card in cards]
    shades = heat_of(
        [row.score if row and row.rank and track == FULL else None for track, row in placed]
    )
    return [
        _Listed(card, track, row, shade)
        for card, (track, row), shade in zip(cards, placed, shades, strict=True)
    ]
