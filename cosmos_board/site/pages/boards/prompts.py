"""Pages of prompts: what the user gives, and who makes the most of it."""

from __future__ import annotations

from cosmos_board.board.types import Slice
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.content.labels import modality_label, prompt_label, slice_url
from cosmos_board.site.language.numbers import DASH, number, signed
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.figures import interval_figure
from cosmos_board.site.pages.sections.matrix import Across, matrix_table
from cosmos_board.site.pages.sections.notices import explain_empty, find_leader
from cosmos_board.site.pages.sections.ranking import ranking_table
from cosmos_board.site.pages.sections.writer import Context, Link

OVERALL = Slice("overall")


def describe_prompt(name: str, words: Words) -> str:
    """Return what the prompt gives, in a sentence."""
    sentences = {
        "everything": words(
            "Nothing is given: a grid of 32 × 32 points is tried, and of all the masks found the "
            "one that fits the reference best is scored. No user could choose it that way, so "
            "these scores are an upper bound."
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
    }
    return sentences[name]


def prompt_page(context: Context, name: str) -> Page:
    """Return the page of one prompt."""
    data, words = context.data, context.words
    kind = PROMPTS[name]
    article = Article(f"prompts/{name}.md", prompt_label(name, words))
    article.say(describe_prompt(name, words))
    context.facts(
        article,
        [
            (words("Name"), name),
            (words("In the study"), kind.strategy),
            (words("Points inside"), str(kind.positive)),
            (words("Points outside"), str(kind.negative)),
            (words("Box"), words("yes") if kind.box else words("no")),
        ],
    )
    article.heading(words("Leaderboard"), "leaderboard")
    board = data.board(OVERALL, name)
    if board is None or not board.rows:
        context.note(article, _nobody(context, name))
    else:
        context.table(article, ranking_table(data, board, words))
        context.figure(article, interval_figure(board, words))
        _map(context, article, name)
        _gain(context, article, name)
    article.heading(words("Around here"), "around")
    others = [Link(prompt_label(p, words), f"prompts/{p}/") for p in PROMPTS if p != name]
    context.links(article, words("Other prompts"), others)
    return article.page()


def _nobody(context: Context, name: str) -> str:
    words = context.words
    lacking = [model.label for model in context.data.models.values() if name not in model.prompts]
    if not lacking or context.data.withheld:
        otherwise = words("Nothing has been scored with this prompt yet.")
        return explain_empty(context.data, words, otherwise)
    return words(
        "Unsupported by {models}: no row and no rank, rather than a zero.",
        models=", ".join(lacking),
    )


def _map(context: Context, article: Article, name: str) -> None:
    data, words = context.data, context.words
    parts = [part for part in data.slices("modality") if not data.is_synthetic(part)]
    columns = [
        Across(part.name, modality_label(part.name, words), slice_url(part), data.board(part, name))
        for part in parts
    ]
    article.heading(words("Where models work"), "where")
    context.table(
        article,
        matrix_table(
            data,
            columns,
            words,
            name="map",
            caption=words(
                "Dice ↑ and rank with this prompt, one column per modality. Data {version}.",
                version=data.version or DASH,
            ),
        ),
    )


def _gain(context: Context, article: Article, name: str) -> None:
    """Add what this prompt brings over the others, over the models that answer both."""
    data, words = context.data, context.words
    mine = data.board(OVERALL, name)
    if mine is None or not mine.ranked:
        return
    scores = {row.model: row.score for row in mine.rows}
    rows = []
    for other in PROMPTS:
        board = data.board(OVERALL, other)
        shared = [row for row in board.rows if row.model in scores] if board else []
        if other == name or not shared:
            continue
        gain = sum(scores[row.model] - row.score for row in shared) / len(shared)
        wins = sum(scores[row.model] > row.score for row in shared)
        rows.append(
            Row(
                (
                    Cell(prompt_label(other, words), other, f"prompts/{other}/"),
                    Cell(signed(gain), gain),
                    Cell(f"{wins} / {len(shared)}", wins),
                )
            )
        )
    if not rows:
        return
    article.heading(words("Against other prompts"), "against")
    context.table(
        article,
        Table(
            name="gain",
            caption=words(
                "Mean difference in Dice ↑ to each other prompt over the models that answer both, "
                "and how many of them do better with this one. Data {version}.",
                version=data.version or DASH,
            ),
            columns=(
                Column(key="prompt", label=words("Against"), frozen=True),
                Column(key="gain", label=words("Difference"), numeric=True, best="high"),
                Column(key="better", label=words("Better with this one"), numeric=True),
            ),
            rows=tuple(rows),
        ),
    )


def prompt_index(context: Context) -> Page:
    """Return the page that lists the prompts."""
    data, words = context.data, context.words
    article = Article("prompts/index.md", words("Prompts"))
    article.say(
        words(
            "What a user would give. Every model gets the same frozen coordinates, computed once "
            "from the references and hashed."
        )
    )
    rows = []
    for name, kind in PROMPTS.items():
        board = data.board(OVERALL, name)
        first = find_leader(board)
        models = sum(name in model.prompts for model in data.models.values())
        rows.append(
            Row(
                (
                    Cell(prompt_label(name, words), name, f"prompts/{name}/"),
                    Cell(kind.strategy),
                    Cell(str(kind.positive), kind.positive),
                    Cell(str(kind.negative), kind.negative),
                    Cell(words("yes") if kind.box else words("no")),
                    Cell(str(models), models),
                    Cell(first.label if first else DASH, muted=first is None),
                    Cell(number(first.score) if first else DASH, first.score if first else None),
                )
            )
        )
    context.table(
        article,
        Table(
            name="index",
            caption=words(
                "Ranked first by Dice ↑ over all targets, chosen by predicted IoU; everything mode "
                "by its best mask. Data {version}.",
                version=data.version or DASH,
            ),
            columns=(
                Column(key="prompt", label=words("Prompt"), frozen=True),
                Column(key="strategy", label=words("In the study")),
                Column(key="positive", label=words("Points inside"), numeric=True),
                Column(key="negative", label=words("Points outside"), numeric=True),
                Column(key="box", label=words("Box")),
                Column(key="models", label=words("Models that take it"), numeric=True),
                Column(key="leader", label=words("Ranked first")),
                Column(key="dice", label=words("Dice"), numeric=True, best="high"),
            ),
            rows=tuple(rows),
        ),
    )
    return article.page()
