"""What pages say where there is no score, no rank or no permission to show either."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from cosmos_board.board.findings.claims import PAPER
from cosmos_board.board.types import Board, Slice, SliceKind
from cosmos_board.core.tracks import CORE, COUNTS, FULL
from cosmos_board.data.catalog.licence import MIN_CLUSTERS
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.table import Cell
from cosmos_board.site.content.labels import slice_label
from cosmos_board.site.content.site_data import SiteData, Withheld
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.board_tables import add_ranking
from cosmos_board.site.pages.sections.standing import explain_no_leader
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageWriter

STUDY = (
    "Huang et al., Segment Anything Model for Medical Images?"
    " Medical Image Analysis 92:103061, 2024"
)


def track_label(track: str, words: Words) -> str:
    """Return what a track is called on pages."""
    return {
        CORE: words("Submissions, core track"),
        COUNTS: words("Submissions, counts track"),
    }.get(track, words("Full runs"))


def say_full(data: SiteData, words: Words) -> str:
    """Say that numbers are those of full runs, where submissions have boards beside them."""
    return f" {track_label(FULL, words)}." if data.submitted else ""


def track_text(track: str, words: Words) -> str:
    """Return what the scores of a track of submissions rest on."""
    if track == COUNTS:
        return words(
            "Submitted pixel counts over every reference mask, of which a sample was counted again "
            "here. They share no ranking with other tracks."
        )
    return words(
        "Submitted predictions on a frozen sample of at most 40 reference masks a "
        "target, scored here. They share no ranking with other tracks."
    )


def explain_empty(data: SiteData, words: Words, otherwise: str) -> str:
    """Return why a page has nothing to show: withheld scores, else `otherwise`."""
    if any(withheld.whole for withheld in data.withheld):
        return words(
            "Scores exist and are withheld: an aggregate of a dataset with restricted terms needs "
            "at least {least} patients. The pages of targets and datasets list what is withheld.",
            least=MIN_CLUSTERS,
        )
    return otherwise


def explain_missing_study(data: SiteData, study: str, words: Words, otherwise: str) -> str:
    """Return why a study has no rows to show: withheld, not counted, else `otherwise`."""
    if study in data.studies.withheld:
        return explain_empty(data, words, words("This study is withheld."))
    if study in data.studies.uncounted:
        return words(
            "This study was run, but not on images that count here: synthetic images do not count "
            "beside real ones, nor do reference masks that the board does not rank on."
        )
    return otherwise


def explain_no_full_run(data: SiteData, part: Slice, words: Words) -> str:
    """Return what stands where a slice has no board of full runs."""
    if any(data.main_board(part, track) for track in data.submitted):
        return words("No full run yet: the submissions below have rankings of their own.")
    return words("Nothing has been scored here yet.")


def note_part(page: PageWriter, part: Slice) -> None:
    """Say which datasets are missing from a slice that is shown, wholly or with some patients."""
    data, words = page.data, page.words
    missing = {name for lost in data.withheld if lost.slice == part for name in lost.datasets}
    if missing:
        text = words(
            "Without {datasets}: fewer than {least} patients, whom the terms do not let us "
            "count or average.",
            datasets=_list_datasets(missing, data, words),
            least=MIN_CLUSTERS,
        )
        page.note(text)
    partial = {name for name, target in data.partial if part == Slice("target", target)}
    if partial:
        text = words(
            "Not every patient of {datasets} counts here: patients are added or removed at "
            "least {least} at a time, so that no difference tells of fewer.",
            datasets=_list_datasets(partial, data, words),
            least=MIN_CLUSTERS,
        )
        page.note(text)


def _list_datasets(names: Iterable[str], data: SiteData, words: Words) -> str:
    return words.listing(slice_label(Slice("dataset", name), data, words) for name in sorted(names))


def add_withheld(page: PageWriter, kinds: Iterable[SliceKind]) -> None:
    """List what is scored and withheld, and the rule; nothing where none is."""
    data, words = page.data, page.words
    rows = [lost for kind in kinds for lost in data.withheld if lost.slice.kind == kind]
    if not rows:
        return
    page.heading(words("Withheld"), "withheld")
    page.text(
        words(
            "Scored, and not shown: the terms of these datasets let aggregates of at least "
            "{least} patients be published and nothing else. What is withheld has no part in any "
            "mean, total or count of this site. On your own machine, cosmos-board site build "
            "--local shows everything.",
            least=MIN_CLUSTERS,
        )
    )

    def name(row: Withheld) -> Cell:
        return Cell(slice_label(row.slice, data, words), row.slice.name)

    table = RecordTable(data, words, rows)
    table.cells("name", words("What"), name, frozen=True)
    few = words("fewer than {least}", least=MIN_CLUSTERS)
    table.text("patients", words("Patients"), lambda _: few)
    table.text("datasets", words("Datasets"), lambda row: _list_datasets(row.datasets, data, words))
    caption = words("Withheld for having fewer patients than an aggregate needs.")
    page.table(table.build("withheld-table", caption, tools=False, listed=lambda _: True))


def note_withheld(page: PageWriter) -> None:
    """Say how many targets are withheld, and where they are listed; nothing where none is."""
    words = page.words
    count = sum(lost.whole for lost in page.data.withheld if lost.slice.kind == "target")
    if count:
        why = words("scored on too few patients to be shown")
        link = Link(words.count(count, "target"), "targets/#withheld", why)
        page.links(words("Withheld"), [link])


def note_synthetic(page: PageWriter) -> None:
    """Say that images are synthetic."""
    page.note(page.words("Synthetic images: what is learnt here says little of patients."))


def add_synthetic(page: PageWriter) -> None:
    """Say so where the studies of a board stand on synthetic images alone."""
    if page.data.studies.synthetic:
        note_synthetic(page)


def add_submitted(page: PageWriter, part: Slice, *, top: int | None = None) -> None:
    """Add what submissions reach on a slice: each track in a table of its own."""
    data, words = page.data, page.words
    for track in data.submitted:
        board = data.main_board(part, track)
        if board is None:
            continue
        page.heading(track_label(track, words), f"track-{track}")
        page.text(track_text(track, words))
        add_ranking(page, board, top=top, name=f"board-{track}")
        if board.rows and not board.ranked:
            page.note(explain_no_leader(board, words))


def link_advice(page: PageWriter, target: str = "") -> None:
    """Link the advice on a target, such as `ct.liver`, or on any."""
    modality, _, thing = target.partition(".")
    url = f"advisor/?modality={modality}&object={thing}" if target else "advisor/"
    page.links(page.words("Advice"), [Link(page.words("Which model to use?"), url)])


def add_study(page: PageWriter) -> None:
    """Name the study that the board grew from in a line, with its address."""
    page.html(
        Markup('<p class="cb-study"><small>{} {}: {}</small></p>').format(
            page.words("Protocol and claims after"), STUDY, outside_link(PAPER)
        )
    )


def add_notes(page: PageWriter, board: Board | None) -> None:
    """Add what nobody should miss about the data behind a board."""
    if board is not None and board.facts.synthetic:
        note_synthetic(page)
