"""What pages say where there is no score, no rank or no permission to show either."""

from __future__ import annotations

from collections.abc import Iterable

from cosmos_board.board.types import Board, BoardRow, Slice, SliceKind
from cosmos_board.core.tracks import CORE, COUNTS
from cosmos_board.data.catalog.licence import MIN_CLUSTERS
from cosmos_board.site.components.page import Article
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.content.site_data import (
    Book,
    Withheld,
    modality_label,
    object_label,
    target_label,
)
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.context import Context, Link


def find_leader(board: Board | None) -> BoardRow | None:
    """Return the model that is ranked first, where at least two models are ranked."""
    ranked = board.ranked if board is not None else ()
    return ranked[0] if len(ranked) > 1 else None


def explain_no_leader(board: Board, words: Words) -> str:
    """Return why a board has no leader."""
    if any(row.status == "too-few-clusters" for row in board.rows):
        return words("too few clusters to rank")
    if board.ranked:
        return words("one model is ranked")
    return words("nobody is ranked yet")


def track_label(track: str, words: Words) -> str:
    """Return what a track is called on pages."""
    return {
        CORE: words("Submissions, core track"),
        COUNTS: words("Submissions, full track: counts"),
    }.get(track, words("Full runs"))


def track_text(track: str, words: Words) -> str:
    """Return what the scores of a track of submissions rest on."""
    if track == COUNTS:
        return words(
            "Submitted pixel counts over every reference, of which a sample was counted again "
            "here. They share no ranking with other tracks."
        )
    return words(
        "Submitted predictions on a frozen sample of at most 40 references a target, scored "
        "here. They share no ranking with other tracks."
    )


def explain_empty(book: Book, words: Words, otherwise: str) -> str:
    """Return why a page has nothing to show: withheld scores, else `otherwise`."""
    if any(one.whole for one in book.withheld):
        return words(
            "Scores exist and are withheld: an aggregate of a dataset with restricted terms needs "
            "at least {least} patients. The pages of targets and datasets list what is withheld.",
            least=MIN_CLUSTERS,
        )
    return otherwise


def withheld_of(book: Book, kind: SliceKind) -> list[Withheld]:
    """Return what is withheld of the slices of one kind, by name."""
    return [one for one in book.withheld if one.slice.kind == kind]


def note_part(context: Context, article: Article, part: Slice) -> None:
    """Say which datasets are missing from a slice that is shown, wholly or with some patients."""
    book, words = context.book, context.words
    gone = {name for one in book.withheld if one.slice == part for name in one.datasets}
    if gone:
        context.note(
            article,
            words(
                "Without {datasets}: fewer than {least} patients, whom the terms do not let us "
                "count or average.",
                datasets=words.listing(_dataset(name, book) for name in sorted(gone)),
                least=MIN_CLUSTERS,
            ),
        )
    cut = {name for name, target in book.partial if part == Slice("target", target)}
    if cut:
        context.note(
            article,
            words(
                "Not every patient of {datasets} counts here: patients are added or removed at "
                "least {least} at a time, so that no difference tells of fewer.",
                datasets=words.listing(_dataset(name, book) for name in sorted(cut)),
                least=MIN_CLUSTERS,
            ),
        )


def add_withheld(context: Context, article: Article, kinds: Iterable[SliceKind]) -> None:
    """List what is scored and withheld, and the rule; nothing where none is."""
    book, words = context.book, context.words
    found = [one for kind in kinds for one in withheld_of(book, kind)]
    if not found:
        return
    article.heading(words("Withheld"), "withheld")
    article.say(
        words(
            "Scored, and not shown: the terms of these datasets let aggregates of at least "
            "{least} patients be published and nothing else. What is withheld has no part in any "
            "mean, total or count of this site. On your own machine, cosmos-board site build "
            "--local shows everything.",
            least=MIN_CLUSTERS,
        )
    )
    rows = [
        Row(
            (
                Cell(_label(one.slice, book, words), one.slice.name),
                Cell(words("fewer than {least}", least=MIN_CLUSTERS)),
                Cell(words.listing(_dataset(name, book) for name in one.datasets)),
            ),
            listed=True,
        )
        for one in found
    ]
    context.table(
        article,
        Table(
            name="withheld-table",
            caption=words("Withheld for having fewer patients than an aggregate needs."),
            columns=(
                Column(key="name", label=words("What"), frozen=True),
                Column(key="patients", label=words("Patients")),
                Column(key="datasets", label=words("Datasets")),
            ),
            rows=tuple(rows),
            tools=False,
        ),
    )


def note_withheld(context: Context, article: Article) -> None:
    """Say how many targets are withheld, and where they are listed; nothing where none is."""
    found, words = withheld_of(context.book, "target"), context.words
    found = [one for one in found if one.whole]
    if found:
        context.links(
            article,
            words("Withheld"),
            [
                Link(
                    words.count(len(found), "target"),
                    "targets/#withheld",
                    words("scored on too few patients to be shown"),
                )
            ],
        )


def _label(part: Slice, book: Book, words: Words) -> str:
    if part.kind == "overall":
        return words("All targets")
    if part.kind == "target":
        return target_label(part.name, words)
    if part.kind == "modality":
        return modality_label(part.name, words)
    return object_label(part.name, words) if part.kind == "object" else _dataset(part.name, book)


def _dataset(name: str, book: Book) -> str:
    return book.datasets[name].label if name in book.datasets else name


def add_synthetic(context: Context, article: Article) -> None:
    """Say so where the studies of a board stand on synthetic images alone."""
    if context.book.studies.synthetic:
        context.note(
            article, context.words("Synthetic images: what is learnt here says little of patients.")
        )
