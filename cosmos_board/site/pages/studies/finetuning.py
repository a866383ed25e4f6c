"""The page of fine-tuning: what it gains on clusters that a model has not seen."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.findings.claims import CLAIMS, PAPER
from cosmos_board.board.studies.finetuning import FinetuningRow
from cosmos_board.site.components.markup import DASH, number, outside_link, signed, span
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.content.site_data import Book, model_url, prompt_label, target_label
from cosmos_board.site.language.messages import CLAIM_TEXTS, say
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.context import Context
from cosmos_board.site.pages.notices import add_synthetic, explain_empty

_CLAIM = next(claim for claim in CLAIMS if claim.id == "F8")


def finetuning_page(context: Context) -> Page:
    """Return the page of the fine-tuning study."""
    words, study = context.words, context.book.studies.finetuning
    article = Article("studies/fine-tuning.md", words("Fine-tuning"))
    article.say(
        words(
            "What a model gains on clusters it has not seen when it is trained further: Dice of "
            "the fine-tuned model minus Dice of its base on the same references, for each prompt."
        )
    )
    add_synthetic(context, article)
    if study.rows:
        context.table(article, _table(context.book, study.rows, words))
    elif "fine-tuning" in context.book.studies.withheld:
        context.note(article, explain_empty(context.book, words, words("This study is withheld.")))
    elif study.unusable:
        context.note(article, words("No fine-tuned model of this board can be measured yet."))
    else:
        context.note(
            article,
            words("No fine-tuned model has been scored yet: cosmos-board finetune makes one."),
        )
    if study.unusable:
        article.heading(words("Left out"), "left-out")
        items = (Markup("<li>{}</li>").format(say(reason, words)) for reason in study.unusable)
        article.add(Markup("<ul>{}</ul>").format(Markup("").join(items)))
    article.heading(words("In the study"), "in-the-study")
    context.facts(
        article,
        [
            (words("Mean gain"), words(CLAIM_TEXTS[_CLAIM.id].paper)),
            (words("How we know"), words.term(_CLAIM.certainty)),
            (words("Study"), outside_link(PAPER)),
        ],
    )
    return article.page()


def _table(book: Book, found: tuple[FinetuningRow, ...], words: Words) -> Table:
    rows = [
        Row(
            (
                Cell(book.label(row.model), row.model, model_url(row.model)),
                Cell(book.label(row.against), row.against, model_url(row.against)),
                Cell(target_label(row.target, words) if row.target else words("all targets")),
                Cell(prompt_label(row.prompt, words)),
                Cell(words.term(row.selection)),
                Cell(signed(row.difference.value), row.difference.value),
                Cell(span(row.difference.low, row.difference.high) or words("no interval")),
                Cell(words.term(row.verdict)),
                Cell(number(row.difference.clusters, 0), row.difference.clusters),
            )
        )
        for row in found
    ]
    return Table(
        name="fine-tuning",
        caption=words(
            "Paired difference in Dice ↑ on unseen clusters, fine-tuned minus base. "
            "Data {version}.",
            version=book.version or DASH,
        ),
        columns=(
            Column(key="model", label=words("Fine-tuned"), frozen=True),
            Column(key="base", label=words("Base")),
            Column(key="target", label=words("Target"), facet=True),
            Column(key="prompt", label=words("Prompt"), facet=True),
            Column(key="selection", label=words("Selection"), facet=True),
            Column(key="difference", label=words("Difference"), numeric=True, best="high"),
            Column(key="interval", label=words("95 % interval")),
            Column(key="verdict", label=words("Verdict"), facet=True),
            Column(key="clusters", label=words("Clusters"), numeric=True),
        ),
        rows=tuple(rows),
    )
