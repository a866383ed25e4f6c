"""The page of fine-tuning: what it gains on clusters that a model has not seen."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.findings.claims import CLAIMS, PAPER
from cosmos_board.board.studies.finetuning import FinetuningRow
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.content.labels import prompt_label, target_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.messages import CLAIM_TEXTS, say
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.effects import add_detectable
from cosmos_board.site.pages.sections.notices import add_synthetic, explain_missing_study
from cosmos_board.site.pages.sections.pairs import explain_star, verdict_cell
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter

_CLAIM = next(claim for claim in CLAIMS if claim.id == "F8")


def finetuning_page(context: PageContext) -> Page:
    """Return the page of the fine-tuning study."""
    data, words, study = context.data, context.words, context.data.studies.finetuning
    page = PageWriter(context, "studies/fine-tuning.md", words("Fine-tuning"))
    page.text(
        words(
            "What a model gains on clusters it has not seen when it is trained further: Dice of "
            "the fine-tuned model minus Dice of its base on the same reference masks, for each "
            "prompt."
        )
    )
    add_synthetic(page)
    if study.rows:
        page.table(_table(data, study.rows, words))
    elif study.unusable:
        otherwise = words("No fine-tuned model of this board can be measured yet.")
        page.note(explain_missing_study(data, "fine-tuning", words, otherwise))
    else:
        otherwise = words(
            "No fine-tuned model has been scored yet: cosmos-board finetune makes one."
        )
        page.note(explain_missing_study(data, "fine-tuning", words, otherwise))
    if study.unusable:
        page.heading(words("Left out"), "left-out")
        items = (Markup("<li>{}</li>").format(say(reason, words)) for reason in study.unusable)
        page.html(Markup("<ul>{}</ul>").format(Markup("").join(items)))
    page.heading(words("In the study"), "in-the-study")
    page.facts(
        [
            (words("Mean gain"), words.term(CLAIM_TEXTS[_CLAIM.id].paper)),
            (words("How we know"), words.term(_CLAIM.certainty)),
            (words("Study"), outside_link(PAPER)),
        ]
    )
    return page.finish()


def _table(data: SiteData, rows: tuple[FinetuningRow, ...], words: Words) -> Table:
    table = RecordTable(data, words, rows)
    table.model("model", words("Fine-tuned"), lambda row: row.model, frozen=True)
    table.model("base", words("Base"), lambda row: row.against)
    table.text(
        "target",
        words("Target"),
        lambda row: target_label(row.target, words) if row.target else words("all targets"),
        facet=True,
    )
    table.text("prompt", words("Prompt"), lambda row: prompt_label(row.prompt, words), facet=True)
    table.text("selection", words("Selection"), lambda row: words.term(row.selection), facet=True)
    table.change("difference", words("Difference"), lambda row: row.difference.value, best="high")
    table.interval(lambda row: (row.difference.low, row.difference.high))

    def verdict(row: FinetuningRow) -> Cell:
        ends = (row.difference.low, row.difference.high)
        return verdict_cell(row.verdict, ends, words, held=row.held_back)

    table.cells("verdict", words("Verdict"), verdict, facet=True)
    add_detectable(
        table,
        lambda row: row.difference,
        words,
        decided=lambda row: row.verdict != "not separated",
    )
    table.count("clusters", words("Clusters"), lambda row: row.difference.clusters)
    caption = words(
        "Paired difference in Dice ↑ on unseen clusters, fine-tuned minus base; targets with fewer "
        "than 10 such clusters are not tested and have no part in the mean over all. Where the "
        "two are not separated, “could have shown” is the least true difference that such data "
        "would show in four of five samples. Data {version}.",
        version=data.version_label,
    )
    return table.build("fine-tuning", f"{caption} {explain_star(words)}")
