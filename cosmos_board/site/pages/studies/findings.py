"""The findings: what the study claimed, and whether the data here bears it out."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.findings.claims import PAPER
from cosmos_board.board.findings.evidence import EffectPart
from cosmos_board.board.findings.findings import Decision, Finding
from cosmos_board.board.studies.effects import Effect
from cosmos_board.site.components.figure import Axis, Figure, Point, Series
from cosmos_board.site.components.markup import DASH, number, outside_link, signed, span
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.language.messages import CLAIM_TEXTS, MESSAGES, say
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.context import Context, Link
from cosmos_board.site.pages.notices import add_synthetic, explain_empty
from cosmos_board.site.templates import render

MARKS = {"holds": "✓", "weakened": "~", "overturned": "✗", "undecided": "?"}


def finding_url(finding: Finding) -> str:
    """Return the address of a finding's page, from the root of the site."""
    return f"findings/{finding.id.lower()}/"


def findings_index(context: Context) -> Page:
    """Return the page of all findings, each with its verdict."""
    book, words = context.book, context.words
    article = Article("findings/index.md", words("Findings"))
    article.say(
        words(
            "Eight claims of the study that this board grew from, each tested again on every new "
            "release of the data. A claim holds when its whole 95 % interval lies beyond the "
            "threshold on the claimed side."
        )
    )
    add_synthetic(context, article)
    context.links(article, words("Advice"), [Link(words("Which model to use?"), "advisor/")])
    if not book.studies.findings:
        otherwise = words("Nothing has been scored yet, so nothing is decided.")
        context.note(article, explain_empty(book, words, otherwise))
        return article.page()
    article.add(
        render(
            "verdicts.html",
            findings=[
                {
                    "url": f"../{finding_url(finding)}",
                    "id": finding.id,
                    "statement": words(CLAIM_TEXTS[finding.id].statement),
                    "verdict": words.term(finding.verdict),
                    "mark": MARKS.get(finding.verdict, "–"),
                    "kind": finding.verdict.replace(" ", "-"),
                    "effect": effect_text(finding.oracle, words),
                }
                for finding in book.studies.findings
            ],
        )
    )
    context.figure(article, _effects_figure(context))
    article.heading(words("As a table"), "table")
    context.table(article, _findings_table(context))
    article.heading(words("How a verdict is reached"), "verdicts")
    article.add(
        Markup("<p>{}</p>").format(
            words(
                "Holds: the 95 % interval lies wholly beyond the threshold on the claimed side. "
                "Weakened: the estimate is on the claimed side, but the interval contains the "
                "threshold. Overturned: the interval excludes the claimed side. Not enough data: "
                "under 10 clusters or under 3 targets, or something required is missing. Else "
                "undecided. The study chose the best mask by the reference (oracle); what a user "
                "would get (predicted) stands beside it."
            )
        )
    )
    return article.page()


def effect_text(decision: Decision, words: Words) -> str:
    """Return an effect with its interval, or what is missing for one."""
    effect = decision.effect
    if effect is None:
        missing = "; ".join(say(message, words) for message in decision.missing)
        return words("missing: {things}", things=missing) if missing else DASH
    interval = span(effect.low, effect.high)
    return signed(effect.value) + (f" ({interval})" if interval else "")


def _effect_cells(effect: Effect | EffectPart | None) -> tuple[Cell, Cell]:
    """Return an effect and its interval."""
    if effect is None:
        return Cell(DASH, muted=True), Cell(DASH, muted=True)
    interval = Cell(span(effect.low, effect.high) or DASH, muted=effect.low is None)
    return Cell(signed(effect.value), effect.value), interval


def _count_cell(count: int) -> Cell:
    return Cell(number(count, 0), count)


def _findings_table(context: Context) -> Table:
    book, words = context.book, context.words
    rows = []
    for finding in book.studies.findings:
        predicted = finding.predicted
        rows.append(
            Row(
                (
                    Cell(finding.id, finding.id, finding_url(finding)),
                    Cell(words(CLAIM_TEXTS[finding.id].statement)),
                    Cell(words.term(finding.verdict)),
                    *_effect_cells(finding.effect),
                    Cell(
                        words.term(predicted.verdict) if predicted else DASH,
                        muted=predicted is None,
                    ),
                    _count_cell(finding.effect.clusters if finding.effect else 0),
                )
            )
        )
    return Table(
        name="findings",
        caption=words(
            "Effect and 95 % interval with the best mask by the reference, as the study chose it. "
            "Data {version}.",
            version=book.version or DASH,
        ),
        columns=(
            Column(key="id", label=words("Finding"), frozen=True),
            Column(key="statement", label=words("Claim"), wrap=True),
            Column(key="verdict", label=words("Verdict"), facet=True),
            Column(key="effect", label=words("Effect"), numeric=True),
            Column(key="interval", label=words("95 % interval")),
            Column(key="predicted", label=words("Verdict by predicted IoU")),
            Column(key="clusters", label=words("Clusters"), numeric=True),
        ),
        rows=tuple(rows),
    )


def _effects_figure(context: Context) -> Figure | None:
    words = context.words
    known = [
        (finding, finding.effect)
        for finding in context.book.studies.findings
        if finding.effect is not None and not finding.claim.unit
    ]
    if not known:
        return None
    points = tuple(
        Point(
            effect.value,
            place,
            effect.low,
            effect.high,
            f"{finding.id}: {effect_text(finding.oracle, words)}, {words.term(finding.verdict)}",
        )
        for place, (finding, effect) in enumerate(known)
    )
    marks = tuple(
        Point(
            claim.threshold,
            place,
            label=words("{id}: threshold {t}", id=claim.id, t=claim.threshold),
        )
        for place, claim in enumerate(finding.claim for finding, _ in known)
    )
    return Figure(
        name="effects",
        title=words(
            "Effects and thresholds of {findings}", findings=words.count(len(known), "finding")
        ),
        says=words(
            "A claim holds when its bar lies wholly to the right of its grey threshold; effects "
            "are differences in Dice, shares or correlations, as each page says."
        ),
        x=Axis(label=words("effect")),
        y=Axis(label="", categories=tuple(finding.id for finding, _ in known)),
        series=(
            Series(name=words("threshold"), points=marks, colour=-1),
            Series(name=words("effect"), points=points, colour=5),
        ),
        interval="x",
    )


def finding_page(context: Context, finding: Finding) -> Page:
    """Return the page of one finding."""
    words, claim, text = context.words, finding.claim, CLAIM_TEXTS[finding.id]
    article = Article(
        finding_url(finding).removesuffix("/") + ".md",
        f"{finding.id}: {words(CLAIM_TEXTS[finding.id].statement)}",
    )
    add_synthetic(context, article)
    context.note(
        article,
        Markup("<strong>{}</strong> {}").format(
            words.term(finding.verdict), effect_text(finding.oracle, words)
        ),
    )
    context.facts(
        article,
        [
            (words("Effect"), words(text.effect)),
            (words("Holds beyond"), f"{claim.threshold:g} {claim.unit}".strip()),
            (words("Needs"), words(text.needs)),
            (
                words("In the study"),
                words(text.paper) if text.paper else words("no number found"),
            ),
            (
                words("How we know"),
                "; ".join(words.term(part) for part in (claim.certainty, text.source) if part),
            ),
            (words("Study"), outside_link(PAPER)),
            (words("About"), finding.family or words("all learned promptable models together")),
            (words("Data version"), finding.data_version),
        ],
    )
    article.heading(words("Evidence"), "behind-it")
    context.table(article, _evidence_table(context, finding))
    article.heading(words("The query behind it"), "query")
    article.add(
        Markup("<p>{}</p><pre class='cb-code'><code>{}</code></pre>").format(
            words("Run it on the board database to see what the effect is made of."),
            claim.query,
        )
    )
    others = [
        Link(f"{other.id}", finding_url(other), words.term(other.verdict))
        for other in context.book.studies.findings
        if other.id != finding.id
    ]
    article.heading(words("Around here"), "around")
    context.links(article, words("Other findings"), others)
    context.links(article, words("Advice"), [Link(words("Which model to use?"), "advisor/")])
    return article.page()


def _evidence_table(context: Context, finding: Finding) -> Table:
    words = context.words
    decisions: list[tuple[str, str, Decision]] = [
        (finding.family or words("all"), "oracle", finding.oracle)
    ]
    if finding.predicted is not None:
        decisions.append((finding.family or words("all"), "predicted", finding.predicted))
    for family in finding.families:
        if family.family == finding.family:
            continue
        decisions += [
            (family.family, "oracle", family.oracle),
            (family.family, "predicted", family.predicted),
        ]
    rows = []
    for name, selection, found in decisions:
        rows.append(_evidence_row(name, selection, "", found, words))
        rows += [
            Row(
                (
                    Cell(name),
                    Cell(words.term(selection)),
                    Cell(words(MESSAGES[part.name])),
                    Cell(""),
                    *_effect_cells(part),
                    Cell(""),
                    Cell(""),
                    Cell(""),
                )
            )
            for part in found.evidence.parts
            if len(found.evidence.parts) > 1
        ]
    return Table(
        name="evidence",
        caption=words(
            "Every decision on this claim: the headline first, then each part that it is the "
            "weaker of, then each family of models. Data {version}.",
            version=context.book.version or DASH,
        ),
        columns=(
            Column(key="family", label=words("Family"), frozen=True),
            Column(key="selection", label=words("Selection"), help="docs/ranking/#selection"),
            Column(key="part", label=words("Part")),
            Column(key="verdict", label=words("Verdict")),
            Column(key="effect", label=words("Effect"), numeric=True),
            Column(key="interval", label=words("95 % interval")),
            Column(key="targets", label=words("Targets"), numeric=True),
            Column(key="clusters", label=words("Clusters"), numeric=True),
            Column(key="missing", label=words("Missing")),
        ),
        rows=tuple(rows),
    )


def _evidence_row(family: str, selection: str, part: str, decision: Decision, words: Words) -> Row:
    effect = decision.effect
    return Row(
        (
            Cell(family),
            Cell(words.term(selection)),
            Cell(part or words("the claim"), strong=True),
            Cell(words.term(decision.verdict), strong=True),
            *_effect_cells(effect),
            _count_cell(effect.targets if effect else 0),
            _count_cell(effect.clusters if effect else 0),
            Cell("; ".join(say(message, words) for message in decision.missing)),
        )
    )
