"""The findings: what the study claimed, and whether the data here bears it out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from markupsafe import Markup

from cosmos_board.board.findings.claims import PAPER
from cosmos_board.board.findings.findings import Decision, Finding
from cosmos_board.board.messages import Message
from cosmos_board.site.components.figure import Axis, Figure, Point, Series
from cosmos_board.site.components.markup import outside_link
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import describe_finding, finding_url
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.messages import CLAIM_TEXTS, say
from cosmos_board.site.language.numbers import DASH, signed, with_interval
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import add_synthetic, explain_empty, link_advice
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter


def findings_index(context: PageContext) -> Page:
    """Return the page of all findings, each with its verdict."""
    data, words = context.data, context.words
    page = PageWriter(context, "findings/index.md", words("Findings"))
    page.text(
        words(
            "Eight claims of the study that this board grew from, each tested again on every new "
            "release of the data. A claim holds when its whole 95 % confidence interval lies "
            "beyond the threshold on the claimed side."
        )
    )
    add_synthetic(page)
    link_advice(page)
    if not data.studies.findings:
        otherwise = words("Nothing has been scored yet, so nothing is decided.")
        page.note(explain_empty(data, words, otherwise))
        return page.finish()
    page.html(
        render(
            "verdicts.html",
            findings=[
                describe_finding(finding, words)
                | {"id": finding.id, "effect": effect_text(finding.oracle, words)}
                for finding in data.studies.findings
            ],
        )
    )
    page.figure(_effects_figure(data, words))
    page.heading(words("As a table"), "table")
    page.table(_findings_table(data, words))
    page.heading(words("How a verdict is reached"), "verdicts")
    page.paragraph(
        words(
            "Holds: the 95 % confidence interval lies wholly beyond the threshold on the claimed "
            "side. Weakened: the estimate is on the claimed side, but the interval contains the "
            "threshold. Overturned: the interval excludes the claimed side. Not enough data: "
            "under 10 clusters or under 3 targets, or something required is missing. Else "
            "undecided. The study chose the best mask by the reference mask (oracle); what a user "
            "would get (predicted) stands beside it."
        )
    )
    return page.finish()


def effect_text(decision: Decision, words: Words) -> str:
    """Return an effect with its interval, or what is missing for one."""
    if decision.effect is None:
        missing = words.separate(say(message, words) for message in decision.missing)
        return words("missing: {things}", things=missing) if missing else DASH
    return with_interval(signed(decision.value), *decision.interval)


def _findings_table(data: SiteData, words: Words) -> Table:
    table = RecordTable(data, words, data.studies.findings)

    def identity(row: Finding) -> Cell:
        return Cell(row.id, row.id, finding_url(row))

    def statement(row: Finding) -> str:
        return words(CLAIM_TEXTS[row.id].statement)

    def predicted(row: Finding) -> Cell:
        verdict = words.term(row.predicted.verdict) if row.predicted else DASH
        return Cell(verdict, muted=not row.predicted)

    table.cells("id", words("Finding"), identity, frozen=True)
    table.text("statement", words("Claim"), statement, wrap=True)
    table.text("verdict", words("Verdict"), lambda row: words.term(row.verdict), facet=True)
    table.change("effect", words("Effect"), lambda row: row.oracle.value)
    table.interval(lambda row: row.oracle.interval)
    table.cells("predicted", words("Verdict by predicted IoU"), predicted)
    table.count("clusters", words("Clusters"), lambda row: row.oracle.clusters)
    caption = words(
        "Effect and 95 % confidence interval with the best mask by the reference mask, as the "
        "study chose it. Data {version}.",
        version=data.version_label,
    )
    return table.build("findings", caption)


def _effects_figure(data: SiteData, words: Words) -> Figure | None:
    known = [f for f in data.studies.findings if f.oracle.effect and not f.claim.unit]
    if not known:
        return None
    points = tuple(
        Point(
            f.oracle.value or 0.0,
            place,
            *f.oracle.interval,
            f"{f.id}: {effect_text(f.oracle, words)}, {words.term(f.verdict)}",
        )
        for place, f in enumerate(known)
    )
    marks = tuple(
        Point(c.threshold, place, label=words("{id}: threshold {t}", id=c.id, t=c.threshold))
        for place, c in enumerate(finding.claim for finding in known)
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


def finding_page(context: PageContext, finding: Finding) -> Page:
    """Return the page of one finding."""
    data, words = context.data, context.words
    claim, text = finding.claim, CLAIM_TEXTS[finding.id]
    title = f"{finding.id}: {words(text.statement)}"
    page = PageWriter(context, finding_url(finding), title)
    add_synthetic(page)
    verdict = Markup("<strong>{}</strong> {}").format(
        words.term(finding.verdict), effect_text(finding.oracle, words)
    )
    page.note(verdict)
    origin = [words.term(part) for part in (claim.certainty, text.source) if part]
    page.facts(
        [
            (words("Effect"), words(text.effect)),
            (words("Holds beyond"), f"{claim.threshold:g} {claim.unit}".strip()),
            (words("Needs"), words.term(text.needs)),
            (words("In the study"), words.term(text.paper) or words("no number found")),
            (words("How we know"), words.separate(origin)),
            (words("Study"), outside_link(PAPER)),
            (words("About"), finding.family or words("all learned promptable models together")),
            (words("Data version"), finding.data_version),
        ]
    )
    page.heading(words("Evidence"), "behind-it")
    page.table(_evidence_table(data, finding, words))
    page.heading(words("The query behind it"), "query")
    page.html(
        Markup("<p>{}</p><pre class='cb-code'><code>{}</code></pre>").format(
            words("Run it on the board database to see what the effect is made of."), claim.query
        )
    )
    others = [
        Link(other.id, finding_url(other), words.term(other.verdict))
        for other in data.studies.findings
        if other.id != finding.id
    ]
    page.heading(words("Related"), "around")
    page.links(words("Other findings"), others)
    link_advice(page)
    return page.finish()


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One row of evidence: a decision on the claim, or one of the parts that it rests on."""

    family: str
    selection: str
    part: str
    effect: float | None
    interval: tuple[float | None, float | None]
    decision: Decision | None
    """None for a part."""


def _list_evidence(finding: Finding, words: Words) -> list[_Evidence]:
    """Return every decision on a claim, each before its parts."""
    others = (family for family in finding.families if family.family != finding.family)
    headline = (finding.family or words("all"), finding)
    decided = [headline, *((family.family, family) for family in others)]
    rows, claim = [], words("the claim")
    for (name, decisions), selection in product(decided, ("oracle", "predicted")):
        made: Decision | None = getattr(decisions, selection)
        if made is None:
            continue
        rows.append(_Evidence(name, selection, claim, made.value, made.interval, made))
        parts = made.evidence.parts
        for part in parts if len(parts) > 1 else ():
            told = say(Message(part.name), words)
            rows.append(_Evidence(name, selection, told, part.value, (part.low, part.high), None))
    return rows


def _evidence_table(data: SiteData, finding: Finding, words: Words) -> Table:
    table = RecordTable(data, words, _list_evidence(finding, words))
    table.text("family", words("Family"), lambda row: row.family, frozen=True)
    table.text(
        "selection",
        words("Selection"),
        lambda row: words.term(row.selection),
        help="docs/ranking/#selection",
    )
    table.cells("part", words("Part"), lambda row: Cell(row.part, strong=row.decision is not None))
    table.cells(
        "verdict",
        words("Verdict"),
        lambda row: Cell(words.term(row.decision.verdict) if row.decision else "", strong=True),
    )
    table.change("effect", words("Effect"), lambda row: row.effect)
    table.interval(lambda row: row.interval)
    table.count(
        "targets", words("Targets"), lambda row: row.decision.targets if row.decision else None
    )
    table.count(
        "clusters", words("Clusters"), lambda row: row.decision.clusters if row.decision else None
    )
    table.text(
        "missing",
        words("Missing"),
        lambda row: words.separate(
            say(message, words) for message in (row.decision.missing if row.decision else ())
        ),
    )
    caption = words(
        "Every decision on this claim: the headline first, then each part that it is the "
        "weaker of, then each family of models. Data {version}.",
        version=data.version_label,
    )
    return table.build("evidence", caption)
