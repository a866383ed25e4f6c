"""The page of submitted models: the core track, which shares no ranking with full runs."""

from __future__ import annotations

from cosmos_board.board.types import BoardKey, Slice
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.tracks import COUNTS
from cosmos_board.metrics.table import METRICS
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.content.labels import prompt_label, slice_label
from cosmos_board.site.content.site_data import SiteData, default_selection
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.ranking import ranking_table
from cosmos_board.site.pages.sections.writer import Context, Link
from cosmos_board.store.queries.submissions import LedgerRow

PATH = "submissions/index.md"
TRACK = "core"


def submissions_page(context: Context) -> Page:
    """Return the page with every board of the core track: overall, then by dataset."""
    data, words = context.data, context.words
    article = Article(PATH, words("Submissions"))
    article.say(
        words(
            "Models submitted with their predictions on a frozen sample of at most 40 references "
            "a target, scored here. They share no ranking with full runs."
        )
    )
    context.links(
        article,
        words("More"),
        [Link(words("Every submission"), "submissions/entries/", words("ranked or not, and why"))],
    )
    keys = core_boards(data)
    if not keys:
        context.note(article, words("No submission has been accepted yet."))
    seen: set[Slice] = set()
    for key in keys:
        part = key.slice
        if part not in seen:
            seen.add(part)
            anchor = "overall" if part.kind == "overall" else part.name
            article.heading(slice_label(part, data, words), anchor)
        name = f"{part.name or part.kind}-{key.prompt}"
        article.heading(prompt_label(key.prompt, words), f"with-{name}", level=3)
        context.table(article, ranking_table(data, data.boards[key], words, name=name))
    return article.page()


def core_boards(data: SiteData) -> list[BoardKey]:
    """Return the core track's boards as a reader wants them, in the order of the page."""
    order = list(PROMPTS)
    found = [
        key
        for key in data.boards
        if (key.track, key.scope, key.metric) == (TRACK, "common", "dice")
        and key.slice.kind in ("overall", "dataset")
        and key.selection == default_selection(key.prompt)
    ]
    return sorted(
        found,
        key=lambda key: (key.slice.kind != "overall", key.slice.name, order.index(key.prompt)),
    )


ENTRIES_PATH = "submissions/entries.md"
_METRICS = ("dice", "iou")


def entries_page(context: Context) -> Page:
    """Return the page of the ledger."""
    data, words = context.data, context.words
    article = Article(ENTRIES_PATH, words("Every submission"))
    article.say(
        words(
            "Entries stay listed whatever becomes of them. One that no longer answers what is "
            "asked is left out; one that a maintainer has to look at is held; one that was taken "
            "back is withdrawn."
        )
    )
    table = data.ledger
    if table.benchmark:
        article.say(words("Benchmark version {version}.", version=table.benchmark))
    context.table(article, _ledger_table(table.rows, words))
    _write_counts(article, context)
    context.links(
        article,
        words("Boards of earlier benchmark versions, as they were"),
        [Link(version, f"{words.shared}v/{version}/") for version in table.frozen],
    )
    return article.page()


def _ledger_table(rows: tuple[LedgerRow, ...], words: Words) -> Table:
    return Table(
        name="entries",
        caption=words("Submissions with their track, tier and state, by name."),
        columns=(
            Column(key="name", label=words("Model"), frozen=True),
            Column(key="state", label=words("State"), facet=True),
            Column(key="track", label=words("Track"), facet=True),
            Column(key="tier", label=words("Tier"), facet=True),
            Column(key="version", label=words("Version"), numeric=True),
            Column(key="benchmark", label=words("Benchmark")),
            Column(key="accepted", label=words("Accepted")),
            Column(key="reason", label=words("Reason")),
        ),
        rows=tuple(_row(row, words) for row in rows),
        empty=words("No submission has been accepted yet."),
    )


def _row(row: LedgerRow, words: Words) -> Row:
    day = row.accepted_utc[:10]
    shown = row.state == "shown"
    cells = (
        Cell(row.name, row.name, href=f"models/{row.slug}/" if shown else "", note=row.slug),
        Cell(words.term(row.state), row.state, strong=not shown),
        Cell(words.term(row.track), row.track),
        Cell(words.term(row.tier), row.tier),
        Cell(str(row.version), row.version),
        Cell(row.benchmark, row.benchmark),
        Cell(day, day),
        Cell(row.reason, row.reason),
    )
    return Row(cells, listed=not shown)


def _write_counts(article: Article, context: Context) -> None:
    """Put the boards of full submissions on the page, which rank on Dice and IoU alone."""
    data, words = context.data, context.words
    keys = count_boards(data)
    if not keys:
        return
    article.heading(words("Full track: submitted counts"), "counts")
    article.say(
        words(
            "Pixel counts over every reference, submitted with the predictions behind them, of "
            "which a sample was counted again here. Counts carry Dice and IoU and no boundary "
            "distance, so they share no ranking with other tracks."
        )
    )
    for key in keys:
        part = slice_label(key.slice, data, words)
        name = f"counts-{key.slice.name or key.slice.kind}-{key.prompt}-{key.metric}"
        metric = METRICS[key.metric]
        label = words.pick(metric.label, metric.label_zh)
        title = f"{part}, {prompt_label(key.prompt, words)}, {label}"
        article.heading(title, name, level=3)
        context.table(article, ranking_table(data, data.boards[key], words, name=name))


def count_boards(data: SiteData) -> list[BoardKey]:
    """Return the boards of submitted counts in the order of the page: overall, then by dataset."""
    order = list(PROMPTS)
    found = [
        key
        for key in data.boards
        if (key.track, key.scope) == (COUNTS, "common")
        and key.metric in _METRICS
        and key.slice.kind in ("overall", "dataset")
        and key.selection == default_selection(key.prompt)
    ]
    return sorted(
        found,
        key=lambda key: (
            key.slice.kind != "overall",
            key.slice.name,
            order.index(key.prompt),
            _METRICS.index(key.metric),
        ),
    )
