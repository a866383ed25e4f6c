"""The findings: what the study claimed, and whether the data here bears it out."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.findings.claims import PAPER
from cosmos_board.board.findings.findings import Decision, Finding
from cosmos_board.site.components.figure import Axis, Figure, Point, Series
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import MARKS, finding_url
from cosmos_board.site.language.numbers import DASH, number, signed, span
from cosmos_board.site.language.phrases import translate
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import add_synthetic, explain_empty
from cosmos_board.site.pages.sections.writer import Context, Link


def findings_index(context: Context) -> Page:
    """Return the page of all findings, each with its verdict."""
    data, words = context.data, context.words
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
    if not data.studies.findings:
        otherwise = words("Nothing has been scored yet, so nothing is decided.")
        context.note(article, explain_empty(data, words, otherwise))
        return article.page()
    article.add(
        render(
            "verdicts.html",
            findings=[
                {
                    "url": f"../{finding_url(finding)}",
                    "id": finding.id,
                    "statement": words.pick(finding.statement, finding.statement_zh),
                    "verdict": words.term(finding.verdict),
                    "mark": MARKS.get(finding.verdict, "–"),
                    "kind": finding.verdict.replace(" ", "-"),
                    "effect": effect_text(finding.oracle, words),
                }
                for finding in data.studies.findings
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
    if decision.effect is None:
        missing = "; ".join(translate(text, words) for text in decision.missing)
        return words("missing: {things}", things=missing) if missing else DASH
    interval = span(decision.low, decision.high)
    return signed(decision.effect) + (f" ({interval})" if interval else "")


def _findings_table(context: Context) -> Table:
    data, words = context.data, context.words
    rows = []
    for finding in data.studies.findings:
        predicted = finding.predicted
        rows.append(
            Row(
                (
                    Cell(finding.id, finding.id, finding_url(finding)),
                    Cell(words.pick(finding.statement, finding.statement_zh)),
                    Cell(words.term(finding.verdict)),
                    Cell(signed(finding.effect), finding.effect, muted=finding.effect is None),
                    Cell(span(finding.low, finding.high) or DASH, muted=finding.low is None),
                    Cell(
                        words.term(predicted.verdict) if predicted else DASH,
                        muted=predicted is None,
                    ),
                    Cell(number(finding.n, 0), finding.n),
                )
            )
        )
    return Table(
        name="findings",
        caption=words(
            "Effect and 95 % interval with the best mask by the reference, as the study chose it. "
            "Data {version}.",
            version=data.version or DASH,
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
    known = [f for f in context.data.studies.findings if f.effect is not None and not f.unit]
    if not known:
        return None
    points = tuple(
        Point(
            f.effect or 0.0,
            place,
            f.low,
            f.high,
            f"{f.id}: {effect_text(f.oracle, words)}, {words.term(f.verdict)}",
        )
        for place, f in enumerate(known)
    )
    marks = tuple(
        Point(f.threshold, place, label=words("{id}: threshold {t}", id=f.id, t=f.threshold))
        for place, f in enumerate(known)
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
        y=Axis(label="", categories=tuple(f.id for f in known)),
        series=(
            Series(name=words("threshold"), points=marks, colour=-1),
            Series(name=words("effect"), points=points, colour=5),
        ),
        interval="x",
    )


def finding_page(context: Context, finding: Finding) -> Page:
    """Return the page of one finding."""
    words = context.words
    article = Article(
        finding_url(finding).removesuffix("/") + ".md",
        f"{finding.id}: {words.pick(finding.statement, finding.statement_zh)}",
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
            (words("Effect"), words.pick(finding.effect_text, finding.effect_text_zh)),
            (words("Holds beyond"), f"{finding.threshold:g} {finding.unit}".strip()),
            (words("Needs"), words.term(finding.needs)),
            (
                words("In the study"),
                words.term(finding.paper) if finding.paper else words("no number found"),
            ),
            (
                words("How we know"),
                "; ".join(words.term(part) for part in (finding.certainty, finding.source) if part),
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
            finding.query,
        )
    )
    others = [
        Link(f"{other.id}", finding_url(other), words.term(other.verdict))
        for other in context.data.studies.findings
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
                    Cell(words.term(part.name)),
                    Cell(""),
                    Cell(signed(part.value), part.value),
                    Cell(span(part.low, part.high) or DASH, muted=part.low is None),
                    Cell(""),
                    Cell(""),
                    Cell(""),
                )
            )
            for part in found.parts
            if len(found.parts) > 1
        ]
    return Table(
        name="evidence",
        caption=words(
            "Every decision on this claim: the headline first, then each part that it is the "
            "weaker of, then each family of models. Data {version}.",
            version=context.data.version or DASH,
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
    return Row(
        (
            Cell(family),
            Cell(words.term(selection)),
            Cell(part or words("the claim"), strong=True),
            Cell(words.term(decision.verdict), strong=True),
            Cell(signed(decision.effect), decision.effect, muted=decision.effect is None),
            Cell(span(decision.low, decision.high) or DASH, muted=decision.low is None),
            Cell(number(decision.targets, 0), decision.targets),
            Cell(number(decision.clusters, 0), decision.clusters),
            Cell("; ".join(decision.missing)),
        )
    )
