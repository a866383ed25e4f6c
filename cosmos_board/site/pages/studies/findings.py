"""The findings: what the study claimed, and whether the data here bears it out."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from cosmos_board.board.findings.claims import PAPER
from cosmos_board.board.findings.decisions import Decision
from cosmos_board.board.findings.findings import Finding, count_tests
from cosmos_board.board.findings.parts import FindingVerdict, Part
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
            "release of the data. A claim may have several parts; it holds when the whole 95 % "
            "confidence interval of each part lies beyond the threshold on the claimed side."
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
                | {"id": finding.id, "effect": effect_text(finding.headline, words)}
                for finding in data.studies.findings
            ],
        )
    )
    page.figure(_effects_figure(data, words))
    page.heading(words("As a table"), "table")
    page.table(_findings_table(data, words))
    page.heading(words("How a verdict is reached"), "verdicts")
    _explain_verdicts(page)
    return page.finish()


def _explain_verdicts(page: PageWriter) -> None:
    words = page.words
    for text in (
        words(
            "Holds: the 95 % interval of each part lies wholly beyond the threshold. Smaller than "
            "claimed: there is an effect on the claimed side, but its interval lies below the "
            "threshold. There, size open: the interval lies on the claimed side of 0 and contains "
            "the threshold. Contradicted: the interval of one part lies wholly on the other side "
            "of 0, where the intervals of all parts hold together; of shares of targets (F1), "
            "below the threshold. Not enough data: under 10 clusters or under 3 targets, or "
            "something required is missing, which is named. Not shown: anything else; beside it "
            "stands the effect that such data would have shown in 80 % of samples."
        ),
        words(
            "The intervals are for other clusters, other targets and, from three datasets on, "
            "other datasets of these kinds; those of the reader study are for other readers. A "
            "difference of Dice must also outlast one more failure of the side that is ahead."
        ),
        words(
            "The verdict is for the mask that the model itself prefers (predicted), which is what "
            "a user gets. Beside it stands the one for the mask closest to the reference "
            "(oracle), which is how the study chose."
        ),
        words(
            "These pages show {n} tests: the parts of each claim, for each family of models and "
            "each way to choose a mask. Each claim alone holds by chance in at most 5 % of "
            "samples where it is not true; over all claims together that is not corrected.",
            n=count_tests(page.data.studies.findings),
        ),
    ):
        page.paragraph(text)


def effect_text(decision: Decision, words: Words) -> str:
    """Return the effect that decides with its interval, or what is missing for one."""
    if decision.part is None:
        missing = words.separate(say(message, words) for message in decision.missing)
        return words("missing: {things}", things=missing) if missing else DASH
    text = with_interval(signed(decision.value), *decision.interval)
    if len(decision.evidence.parts) > 1:
        text = f"{say(decision.part.name, words)}: {text}"
    if decision.verdict != "not shown" or decision.detectable is None:
        return text
    could = words("could have shown {effect}", effect=signed(decision.detectable))
    return words.separate([text, could])


def _findings_table(data: SiteData, words: Words) -> Table:
    table = RecordTable(data, words, data.studies.findings)

    def identity(row: Finding) -> Cell:
        return Cell(row.id, row.id, finding_url(row))

    def statement(row: Finding) -> str:
        return words(CLAIM_TEXTS[row.id].statement)

    def could_show(row: Finding) -> float | None:
        return row.headline.detectable if row.verdict == "not shown" else None

    def oracle(row: Finding) -> Cell:
        verdict = words.term(row.oracle.verdict) if row.oracle else DASH
        return Cell(verdict, muted=not row.oracle)

    table.cells("id", words("Finding"), identity, frozen=True)
    table.text("statement", words("Claim"), statement, wrap=True)
    table.text("verdict", words("Verdict"), lambda row: words.term(row.verdict), facet=True)
    table.change("effect", words("Effect"), lambda row: row.headline.value)
    table.interval(lambda row: row.headline.interval)
    table.change("detectable", words("Could have shown"), could_show)
    table.cells("oracle", words("Verdict by oracle"), oracle)
    table.count("clusters", words("Clusters"), lambda row: row.headline.clusters)
    caption = words(
        "Of each claim the part that decides: effect, 95 % confidence interval, and the effect "
        "that such data would have shown in 80 % of samples, with the mask that the model itself "
        "prefers. Data {version}.",
        version=data.version_label,
    )
    return table.build("findings", caption)


def _effects_figure(data: SiteData, words: Words) -> Figure | None:
    known = [f for f in data.studies.findings if f.headline.part and not f.claim.unit]
    if not known:
        return None
    points = tuple(
        Point(
            f.headline.value or 0.0,
            place,
            *f.headline.interval,
            f"{f.id}: {effect_text(f.headline, words)}, {words.term(f.verdict)}",
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
            "are differences in Dice, shares or correlations, as each page says, of the part that "
            "decides."
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
        words.term(finding.verdict), effect_text(finding.headline, words)
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
    """One row of evidence: a part of the claim, or a decision for which something is missing."""

    family: str
    selection: str
    part: Part | None
    verdict: FindingVerdict
    detectable: float | None
    missing: tuple[Message, ...]


def _list_evidence(finding: Finding) -> list[_Evidence]:
    """Return the parts of every decision on a claim."""
    rows = []
    for family, selection, made in finding.decisions:
        for part, verdict in zip(made.evidence.parts, made.verdicts, strict=True):
            least = None
            if verdict == "not shown" and part.reach is not None:
                least = finding.claim.threshold + part.reach
            rows.append(_Evidence(family, selection or "", part, verdict, least, ()))
        if made.missing:
            missing = made.missing
            rows.append(_Evidence(family, selection or "", None, made.verdict, None, missing))
    return rows


def _evidence_table(data: SiteData, finding: Finding, words: Words) -> Table:
    table = RecordTable(data, words, _list_evidence(finding))
    table.text("family", words("Family"), lambda row: row.family or words("all"), frozen=True)
    table.text(
        "selection",
        words("Selection"),
        lambda row: words.term(row.selection) if row.selection else DASH,
        help="docs/ranking/#selection",
    )
    table.text("part", words("Part"), lambda row: say(row.part.name, words) if row.part else DASH)
    table.cells("verdict", words("Verdict"), lambda row: Cell(words.term(row.verdict), strong=True))
    table.change("effect", words("Effect"), lambda row: row.part.effect.value if row.part else None)
    table.interval(
        lambda row: (row.part.effect.low, row.part.effect.high) if row.part else (None, None)
    )
    table.change("detectable", words("Could have shown"), lambda row: row.detectable)
    table.count(
        "targets", words("Targets"), lambda row: row.part.effect.targets if row.part else None
    )
    table.count(
        "clusters", words("Clusters"), lambda row: row.part.effect.clusters if row.part else None
    )
    table.text(
        "missing",
        words("Missing"),
        lambda row: words.separate(say(message, words) for message in row.missing),
    )
    caption = words(
        "Every part of this claim, each tested by itself: the headline first, then each family of "
        "models. The claim needs all parts; of lags at click 10 one is enough, and their "
        "intervals hold together. Data {version}.",
        version=data.version_label,
    )
    return table.build("evidence", caption)
