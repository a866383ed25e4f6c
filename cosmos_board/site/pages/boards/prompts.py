"""Pages of prompts: what the user gives, and the leaderboard with it."""

from __future__ import annotations

from cosmos_board.board.types import Board
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.scores import Selection
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell
from cosmos_board.site.content.labels import prompt_label, slice_label, slice_url
from cosmos_board.site.content.site_data import OVERALL, SiteData
from cosmos_board.site.language.numbers import DASH
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.board_tables import add_ranking
from cosmos_board.site.pages.sections.figures import interval_figure
from cosmos_board.site.pages.sections.matrix import Across, matrix_table, order_models
from cosmos_board.site.pages.sections.notices import explain_empty
from cosmos_board.site.pages.sections.standing import count_rivals, find_leader
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter


def describe_prompt(name: str, words: Words) -> str:
    """Return what the prompt gives, in a sentence."""
    return {
        "everything": words(
            "Nothing is given: a grid of 32 × 32 points is tried, and of all the masks found the "
            "one that is closest to the reference mask is scored. No user could choose it that "
            "way, so these scores are an upper bound."
        ),
        "point": words(
            "One point inside the object: the centre of mass if it lies inside, else the middle "
            "one of its pixels in reading order."
        ),
        "points-5": words(
            "Five points inside the object, spread evenly over its pixels in reading order, the "
            "centre of mass first."
        ),
        "points-5-5": words(
            "Five points inside, and five outside it, spread evenly over the surroundings up to "
            "twice its box."
        ),
        "box": words("The tight box around the object."),
        "box-point": words("The tight box, and one point inside the object."),
    }[name]


def prompt_page(context: PageContext, name: str) -> Page:
    """Return the page of one prompt."""
    data, words = context.data, context.words
    kind = PROMPTS[name]
    page = PageWriter(context, f"prompts/{name}.md", prompt_label(name, words))
    page.text(describe_prompt(name, words))
    page.facts(
        [
            (words("Name"), name),
            (words("In the study"), kind.strategy),
            (words("Points inside"), str(kind.positive)),
            (words("Points outside"), str(kind.negative)),
            (words("Box"), words.yes_no(kind.box)),
        ]
    )
    page.heading(words("Leaderboard"), "leaderboard")
    board = data.board(OVERALL, name)
    if board is None or not board.rows:
        page.note(_explain_nobody(data, name, words))
    else:
        add_ranking(page, board)
        page.figure(interval_figure(board, words))
        _add_map(page, name)
        _add_gain(page, board)
    page.heading(words("Related"), "around")
    others = [Link(prompt_label(p, words), f"prompts/{p}/") for p in PROMPTS if p != name]
    page.links(words("Other prompts"), others)
    return page.finish()


def _explain_nobody(data: SiteData, name: str, words: Words) -> str:
    lacking = [model.label for model in data.models.values() if name not in model.prompts]
    if not lacking or data.withheld:
        otherwise = words("Nothing has been scored with this prompt yet.")
        return explain_empty(data, words, otherwise)
    return words(
        "Unsupported by {models}: no row and no rank, rather than a zero.",
        models=", ".join(lacking),
    )


def _add_map(page: PageWriter, name: str) -> None:
    data, words = page.data, page.words
    columns = [
        Across(part.name, slice_label(part, data, words), slice_url(part), data.board(part, name))
        for part in data.slices("modality")
        if not data.is_synthetic(part)
    ]
    caption = words(
        "Dice ↑ and rank (with its range) with this prompt, one column per modality; no rank where "
        "no target has 10 clusters. Data {version}.",
        version=data.version_label,
    )
    page.heading(words("Scores by modality"), "where")
    models = order_models(data.board(OVERALL, name), columns)
    page.table(matrix_table(data, columns, words, name="map", caption=caption, models=models))


def _prompt_cell(name: str, words: Words) -> Cell:
    return Cell(prompt_label(name, words), name, f"prompts/{name}/")


def _add_gain(page: PageWriter, board: Board) -> None:
    """Add what a prompt brings over the others, over the models that answer both.

    Everything mode has the closest mask alone, so both sides take that one where it is among them.
    """
    data, words, own = page.data, page.words, board.key.prompt
    gains: dict[str, list[float]] = {}
    for other in PROMPTS:
        selection: Selection = "oracle" if "everything" in (own, other) else "predicted"
        ours, theirs = (data.board(OVERALL, prompt, selection) for prompt in (own, other))
        if other == own or ours is None or theirs is None:
            continue
        scores = {row.model: row.score for row in ours.ranked}
        gained = [scores[row.model] - row.score for row in theirs.ranked if row.model in scores]
        if gained:
            gains[other] = gained
    if not gains:
        return
    table = RecordTable(data, words, list(gains))
    table.cells("prompt", words("Against"), lambda name: _prompt_cell(name, words), frozen=True)
    table.change(
        "gain", words("Difference"), lambda name: sum(gains[name]) / len(gains[name]), best="high"
    )
    table.count("models", words("Models"), lambda name: len(gains[name]))
    caption = words(
        "Mean difference in Dice ↑ to each other prompt over the models that are ranked with "
        "both: a description of these models, so it has no confidence interval. Both prompts by "
        "predicted IoU; against everything mode both by the mask closest to the reference mask. "
        "Data {version}.",
        version=data.version_label,
    )
    page.heading(words("Against other prompts"), "against")
    page.table(table.build("gain", caption))


def prompt_index(context: PageContext) -> Page:
    """Return the page that lists the prompts."""
    data, words = context.data, context.words
    page = PageWriter(context, "prompts/index.md", words("Prompts"))
    page.text(
        words(
            "What a user would give. Every model gets the same frozen coordinates, computed once "
            "from the reference masks and hashed."
        )
    )

    first = {name: find_leader(data.board(OVERALL, name)) for name in PROMPTS}

    def leader(name: str) -> Cell:
        board, row = data.board(OVERALL, name), first[name]
        if board is None or row is None:
            return Cell(DASH, muted=True)
        return Cell(row.label, note=count_rivals(board, words))

    def score(name: str) -> float | None:
        row = first[name]
        return row.score if row else None

    def ends(name: str) -> tuple[float | None, float | None] | None:
        row = first[name]
        return (row.low, row.high) if row else None

    def count_models(name: str) -> int:
        return sum(name in model.prompts for model in data.models.values())

    table = RecordTable(data, words, tuple(PROMPTS))
    table.cells("prompt", words("Prompt"), lambda name: _prompt_cell(name, words), frozen=True)
    table.text("strategy", words("In the study"), lambda name: PROMPTS[name].strategy)
    table.count("positive", words("Points inside"), lambda name: PROMPTS[name].positive)
    table.count("negative", words("Points outside"), lambda name: PROMPTS[name].negative)
    table.text("box", words("Box"), lambda name: words.yes_no(PROMPTS[name].box))
    table.count("models", words("Models that take it"), count_models)
    caption = words("Data {version}.", version=data.version_label)
    if any(first.values()):
        table.cells("leader", words("Ranked first"), leader)
        table.score("dice", words("Dice"), score, best="high")
        table.interval(ends)
        ranked = words(
            "Ranked first by Dice ↑ over all targets, chosen by predicted IoU; everything mode "
            "by the mask closest to the reference mask."
        )
        caption = f"{ranked} {caption}"
    page.table(table.build("index", caption))
    return page.finish()
