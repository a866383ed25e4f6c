"""Pages that list what there is: one row a modality, object, target, dataset, prompt or model."""

from __future__ import annotations

from cosmos_board.board.types import Board, BoardRow, Slice, SliceKind
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table, heat_of
from cosmos_board.site.content.labels import model_url, prompt_label, slice_label, slice_url
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number, percent, short_count, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import (
    add_withheld,
    explain_empty,
    explain_no_leader,
    find_leader,
    main_board,
)
from cosmos_board.site.pages.sections.ranking import track_badges
from cosmos_board.site.pages.sections.writer import Context


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
                "Where images and references come from, under which licence, and what may be "
                "shown of them."
            ),
        ),
    ]


def slice_index(context: Context, kind: SliceKind, path: str, title: str, text: str) -> Page:
    """Return the page that lists every slice of one kind."""
    data, words = context.data, context.words
    parts = data.slices(kind)
    article = Article(path, title)
    article.say(text)
    boards = [main_board(data, part) for part in parts]
    shades = heat_of([_best(board) for board in boards])
    rows = []
    for part, board, shade in zip(parts, boards, shades, strict=True):
        infos, amount = data.targets_of(part), data.amount(part)
        counts = (
            len({info.target for info in infos}),
            len({info.dataset for info in infos}),
            amount.references,
            amount.images,
            amount.clusters,
        )
        synthetic = data.is_synthetic(part)
        cells = [
            Cell(slice_label(part, data, words), part.name, slice_url(part)),
            Cell(words("synthetic") if synthetic else words("real")),
            *(Cell(number(count, 0), count) for count in counts),
            *_leader_cells(board, data, words, shade),
            *([_submitted_cell(data, part)] if data.submitted else []),
        ]
        rows.append(Row(tuple(cells)))
    columns = (
        Column(key="name", label=title, frozen=True),
        Column(key="data", label=words("Images are"), facet=True, hidden=not _is_mixed(data)),
        Column(key="targets", label=words("Targets"), numeric=True),
        Column(key="datasets", label=words("Datasets"), numeric=True),
        Column(key="references", label=words("References"), numeric=True),
        Column(key="images", label=words("Images"), numeric=True),
        Column(key="clusters", label=words("Clusters"), numeric=True),
        *_leader_columns(words),
        *(
            [Column(key="submitted", label=words("Submissions"), numeric=True)]
            if data.submitted
            else []
        ),
    )
    context.table(
        article,
        Table(
            name="index",
            caption=words(
                "Ranked first by Dice ↑ with the prompt named, chosen by predicted IoU (everything "
                "mode by its best mask). Every image and cluster counts once. Data {version}.",
                version=data.version or DASH,
            ),
            columns=columns,
            rows=tuple(rows),
            empty=explain_empty(data, words, words("Nothing has been scored yet.")),
        ),
    )
    add_withheld(context, article, [kind])
    return article.page()


def _is_mixed(data: SiteData) -> bool:
    """Return whether a board holds real and synthetic data."""
    return len({info.synthetic for info in data.targets}) > 1


def _submitted_cell(data: SiteData, part: Slice) -> Cell:
    models = {
        row.model
        for track in data.submitted
        if (board := main_board(data, part, track))
        for row in board.rows
    }
    return Cell(str(len(models)), len(models))


def model_index(context: Context) -> Page:
    """Return the page that lists every model."""
    data, words = context.data, context.words
    article = Article("models/index.md", words("Models"))
    article.say(
        words(
            "Every segmenter on the board: learned ones, classical ones, and the box prior below "
            "which a model is worse than none."
        )
    )
    board = main_board(data, Slice("overall"))
    found = [(FULL, board)] + [
        (track, main_board(data, Slice("overall"), track)) for track in data.submitted
    ]
    tracks: dict[str, str] = {}
    rows_by_model: dict[str, BoardRow] = {}
    for track, one in found:  # a full run of a model comes before its submission
        for scored in one.rows if one else ():
            tracks.setdefault(scored.model, track)
            rows_by_model.setdefault(scored.model, scored)
    shades = heat_of(
        [rows_by_model[m].score if tracks.get(m) == FULL else None for m in data.models]
    )
    rows = []
    for info, shade in zip(data.models.values(), shades, strict=True):
        row = rows_by_model.get(info.name)
        interval = span(row.low, row.high) if row else ""
        cells = (
            Cell(
                info.label,
                info.name,
                model_url(info.name),
                badges=track_badges(tracks[info.name], row.tier, words) if row else (),
            ),
            Cell(info.family),
            Cell(words.term(info.kind)),
            Cell(short_count(info.parameters), info.parameters, muted=info.parameters is None),
            Cell(words.listing(prompt_label(p, words) for p in info.prompts) or DASH),
            Cell(
                number(row.score) if row else DASH,
                row.score if row else None,
                heat=shade,
                note=interval,
            ),
            Cell(
                DASH if row is None or row.rank is None else str(row.rank),
                row.rank if row else None,
            ),
            Cell(percent(row.coverage) if row else DASH, row.coverage if row else None),
            Cell(info.licence or DASH),
        )
        rows.append(Row(cells))
    columns = (
        Column(key="model", label=words("Model"), frozen=True),
        Column(key="family", label=words("Family"), facet=True),
        Column(key="kind", label=words("Kind"), facet=True),
        Column(key="parameters", label=words("Parameters"), numeric=True),
        Column(key="prompts", label=words("Prompts")),
        Column(
            key="score",
            label=words("Dice"),
            numeric=True,
            best="high",
            help="docs/definitions/#dice",
        ),
        Column(key="rank", label=words("Rank"), numeric=True),
        Column(key="coverage", label=words("Coverage"), numeric=True),
        Column(key="licence", label=words("Licence")),
    )
    prompt = prompt_label(board.key.prompt, words) if board else DASH
    context.table(
        article,
        Table(
            name="index",
            caption=words(
                "Dice ↑ over all targets, prompt “{prompt}”, by predicted IoU; submissions with "
                "their badge, ranked among those of their track. Data {version}.",
                prompt=prompt,
                version=data.version or DASH,
            ),
            columns=columns,
            rows=tuple(rows),
            empty=words("No model has been evaluated yet."),
        ),
    )
    return article.page()


def _best(board: Board | None) -> float | None:
    first = find_leader(board)
    return first.score if first else None


def _leader_columns(words: Words) -> tuple[Column, ...]:
    return (
        Column(key="leader", label=words("Ranked first")),
        Column(
            key="dice",
            label=words("Dice"),
            numeric=True,
            best="high",
            help="docs/definitions/#dice",
        ),
        Column(key="interval", label=words("95 % interval")),
        Column(key="prompt", label=words("Prompt"), facet=True),
        Column(key="ranked", label=words("Ranked models"), numeric=True),
    )


def _leader_cells(
    board: Board | None, data: SiteData, words: Words, shade: float | None
) -> tuple[Cell, ...]:
    if board is None or not board.rows:
        return (Cell(DASH, muted=True),) * 5
    first = find_leader(board)
    if first is None:
        return (
            Cell(explain_no_leader(board, words), muted=True),
            *((Cell(DASH, muted=True),) * 2),
            Cell(prompt_label(board.key.prompt, words)),
            Cell(str(len(board.ranked)), len(board.ranked)),
        )
    return (
        Cell(
            first.label, first.model, model_url(first.model) if first.model in data.models else ""
        ),
        Cell(number(first.score), first.score, heat=shade),
        Cell(span(first.low, first.high) or words("no interval"), muted=first.low is None),
        Cell(prompt_label(board.key.prompt, words)),
        Cell(str(len(board.ranked)), len(board.ranked)),
    )
