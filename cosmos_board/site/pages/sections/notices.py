"""What pages say where there is no score, no rank or no permission to show either."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from cosmos_board.board.findings.claims import PAPER
from cosmos_board.board.types import Board, BoardRow, Slice, SliceKind
from cosmos_board.core.tracks import CORE, COUNTS, FULL
from cosmos_board.data.licence import MIN_CLUSTERS
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.page import Article
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.content.labels import modality_label, object_label, target_label
from cosmos_board.site.content.site_data import SiteData, Withheld
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.ranking import ranking_table
from cosmos_board.site.pages.sections.writer import Context, Link


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


def explain_empty(data: SiteData, words: Words, otherwise: str) -> str:
    """Return why a page has nothing to show: withheld scores, else `otherwise`."""
    if any(one.whole for one in data.withheld):
        return words(
            "Scores exist and are withheld: an aggregate of a dataset with restricted terms needs "
            "at least {least} patients. The pages of targets and datasets list what is withheld.",
            least=MIN_CLUSTERS,
        )
    return otherwise


def withheld_of(data: SiteData, kind: SliceKind) -> list[Withheld]:
    """Return what is withheld of the slices of one kind, by name."""
    return [one for one in data.withheld if one.slice.kind == kind]


def note_part(context: Context, article: Article, part: Slice) -> None:
    """Say which datasets are missing from a slice that is shown, wholly or with some patients."""
    data, words = context.data, context.words
    gone = {name for one in data.withheld if one.slice == part for name in one.datasets}
    if gone:
        context.note(
            article,
            words(
                "Without {datasets}: fewer than {least} patients, whom the terms do not let us "
                "count or average.",
                datasets=words.listing(_dataset(name, data) for name in sorted(gone)),
                least=MIN_CLUSTERS,
            ),
        )
    cut = {name for name, target in data.partial if part == Slice("target", target)}
    if cut:
        context.note(
            article,
            words(
                "Not every patient of {datasets} counts here: patients are added or removed at "
                "least {least} at a time, so that no difference tells of fewer.",
                datasets=words.listing(_dataset(name, data) for name in sorted(cut)),
                least=MIN_CLUSTERS,
            ),
        )


def add_withheld(context: Context, article: Article, kinds: Iterable[SliceKind]) -> None:
    """List what is scored and withheld, and the rule; nothing where none is."""
    data, words = context.data, context.words
    found = [one for kind in kinds for one in withheld_of(data, kind)]
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
                Cell(_label(one.slice, data, words), one.slice.name),
                Cell(words("fewer than {least}", least=MIN_CLUSTERS)),
                Cell(words.listing(_dataset(name, data) for name in one.datasets)),
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
    found, words = withheld_of(context.data, "target"), context.words
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


def _label(part: Slice, data: SiteData, words: Words) -> str:
    if part.kind == "overall":
        return words("All targets")
    if part.kind == "target":
        return target_label(part.name, words)
    if part.kind == "modality":
        return modality_label(part.name, words)
    return object_label(part.name, words) if part.kind == "object" else _dataset(part.name, data)


def _dataset(name: str, data: SiteData) -> str:
    return data.datasets[name].label if name in data.datasets else name


def add_synthetic(context: Context, article: Article) -> None:
    """Say so where the studies of a board stand on synthetic images alone."""
    if context.data.studies.synthetic:
        context.note(
            article, context.words("Synthetic images: what is learnt here says little of patients.")
        )


FIRST_PROMPTS = ("box", "point", "points-5", "box-point", "points-5-5", "everything")
"""The prompt whose table opens a page: the first of these that was scored."""


def main_board(data: SiteData, part: Slice, track: str = FULL) -> Board | None:
    """Return the board that opens the page of a slice; None where nothing was scored."""
    for prompt in FIRST_PROMPTS:
        board = data.board(part, prompt, track=track)
        if board is not None and board.rows:
            return board
    return None


def explain_no_full_run(data: SiteData, part: Slice, words: Words) -> str:
    """Return what stands where a slice has no board of full runs."""
    if any(main_board(data, part, track) for track in data.submitted):
        return words("No full run yet: the submissions below have rankings of their own.")
    return words("Nothing has been scored here yet.")


def add_submitted(
    context: Context, article: Article, part: Slice, *, top: int | None = None
) -> None:
    """Add what submissions reach on a slice: each track in a table of its own."""
    data, words = context.data, context.words
    for track in data.submitted:
        board = main_board(data, part, track)
        if board is None:
            continue
        article.heading(track_label(track, words), f"track-{track}")
        article.say(track_text(track, words))
        name = f"board-{track}"
        context.table(article, ranking_table(data, board, words, top=top, name=name))
        if board.rows and not board.ranked:
            context.note(article, explain_no_leader(board, words))


STUDY = (
    "Huang et al., Segment Anything Model for Medical Images?"
    " Medical Image Analysis 92:103061, 2024"
)


def add_study(context: Context, article: Article) -> None:
    """Name the study in a line, with its address."""
    article.add(
        Markup('<p class="cb-study"><small>{} {}: {}</small></p>').format(
            context.words("Protocol and claims after"), STUDY, outside_link(PAPER)
        )
    )


def last_year(data: SiteData) -> str:
    """Return the year of the newest run; empty on an empty board."""
    return max((entry.date[:4] for entry in data.entries), default="")
