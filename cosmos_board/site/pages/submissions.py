"""Pages of submissions: their boards by track, and every one of them with its state."""

from __future__ import annotations

from cosmos_board.board.types import BoardKey
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.tracks import CORE, COUNTS
from cosmos_board.metrics.table import METRICS
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.content.labels import prompt_label, slice_label
from cosmos_board.site.content.site_data import SiteData, default_selection
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.board_tables import add_ranking
from cosmos_board.site.pages.sections.standing import tier_cell
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter
from cosmos_board.store.queries.submissions import LedgerRow


def submissions_page(context: PageContext) -> Page:
    """Return the page with every board of the core track: overall, then by dataset."""
    data, words = context.data, context.words
    page = PageWriter(context, "submissions/index.md", words("Submissions"))
    page.text(
        words(
            "Models submitted with their predictions on a frozen sample of at most 40 reference "
            "masks a target, scored here. They share no ranking with full runs."
        )
    )
    note = words("ranked or not, and why")
    page.links(words("More"), [Link(words("Every submission"), "submissions/entries/", note)])
    keys = list_boards(data, CORE, ("dice",))
    if not keys:
        page.note(words("No submission has been accepted yet."))
    part = None
    for key in keys:
        if key.slice != part:
            part = key.slice
            page.heading(slice_label(part, data, words), part.name or part.kind)
        name = f"{part.name or part.kind}-{key.prompt}"
        page.heading(prompt_label(key.prompt, words), f"with-{name}", level=3)
        add_ranking(page, data.boards[key], name=name)
    return page.finish()


def list_boards(data: SiteData, track: str, metrics: tuple[str, ...]) -> list[BoardKey]:
    """Return the boards of a track of submissions as pages show them: overall, then by dataset."""
    order = list(PROMPTS)
    keys = [
        key
        for key in data.boards
        if key.track == track
        and key.metric in metrics
        and key.slice.kind in ("overall", "dataset")
        and key.selection == default_selection(key.prompt)
    ]

    def place(key: BoardKey) -> tuple[bool, str, int, int]:
        metric = metrics.index(key.metric)
        return key.slice.kind != "overall", key.slice.name, order.index(key.prompt), metric

    return sorted(keys, key=place)


def entries_page(context: PageContext) -> Page:
    """Return the page of every submission, ranked or not and why."""
    data, words = context.data, context.words
    page = PageWriter(context, "submissions/entries.md", words("Every submission"))
    page.text(
        words(
            "Entries stay listed whatever becomes of them. One that no longer answers what is "
            "asked is left out; one that a maintainer has to look at is held; one that was taken "
            "back is withdrawn."
        )
    )
    ledger = data.ledger
    if ledger.benchmark:
        page.text(words("Benchmark version {version}.", version=ledger.benchmark))
    page.table(_ledger_table(data, ledger.rows, words))
    _write_counts(page)
    page.links(
        words("Boards of earlier benchmark versions, as they were"),
        [Link(version, f"{words.shared}v/{version}/") for version in ledger.frozen],
    )
    return page.finish()


def _ledger_table(data: SiteData, rows: tuple[LedgerRow, ...], words: Words) -> Table:
    table = RecordTable(data, words, rows)
    table.cells("name", words("Model"), _name_cell, frozen=True)
    table.cells("state", words("State"), lambda row: _state_cell(row, words), facet=True)
    table.cells(
        "track", words("Track"), lambda row: Cell(words.term(row.track), row.track), facet=True
    )
    table.cells("tier", words("Tier"), lambda row: tier_cell(row.tier, words), facet=True)
    table.count("version", words("Version"), lambda row: row.version)
    table.text("benchmark", words("Benchmark"), lambda row: row.benchmark)
    table.text("accepted", words("Accepted"), lambda row: row.accepted_utc[:10])
    table.text("reason", words("Reason"), lambda row: row.reason)
    caption = words("Submissions with their track, tier and state, by name.")
    return table.build(
        "entries",
        caption,
        empty=words("No submission has been accepted yet."),
        listed=lambda row: row.state != "shown",
    )


def _name_cell(row: LedgerRow) -> Cell:
    url = f"models/{row.slug}/" if row.state == "shown" else ""
    return Cell(row.name, row.name, url, note=row.slug)


def _state_cell(row: LedgerRow, words: Words) -> Cell:
    return Cell(words.term(row.state), row.state, strong=row.state != "shown")


def _write_counts(page: PageWriter) -> None:
    """Add the boards of submitted counts, which rank on Dice and IoU alone."""
    data, words = page.data, page.words
    keys = list_boards(data, COUNTS, ("dice", "iou"))
    if not keys:
        return
    page.heading(words("Counts track"), "counts")
    page.text(
        words(
            "Pixel counts over every reference mask, submitted with the predictions behind them, "
            "of which a sample was counted again here. Counts carry Dice and IoU and no boundary "
            "distance, so they share no ranking with other tracks."
        )
    )
    for key in keys:
        metric = METRICS[key.metric]
        label = words(metric.label)
        part = slice_label(key.slice, data, words)
        name = f"counts-{key.slice.name or key.slice.kind}-{key.prompt}-{key.metric}"
        page.heading(f"{part}, {prompt_label(key.prompt, words)}, {label}", name, level=3)
        add_ranking(page, data.boards[key], name=name)
