"""Any two models side by side, in the browser, from published pair tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from markupsafe import Markup

from cosmos_board.board.export import to_json
from cosmos_board.board.types import Board, PairRow
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Cell, Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import (
    image_kinds,
    model_url,
    pair_url,
    prompt_label,
    slice_url,
    target_label,
)
from cosmos_board.site.content.site_data import OVERALL, SiteData
from cosmos_board.site.language.numbers import signed, with_interval
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.boards.compare_data import (
    compare_boards,
    compare_json,
    compare_on,
    list_compared,
)
from cosmos_board.site.pages.sections.notices import explain_empty, note_withheld, track_label
from cosmos_board.site.pages.sections.pairs import (
    add_further,
    explain_star,
    say_verdict,
    verdict_cell,
)
from cosmos_board.site.pages.sections.standing import format_share
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter

PATH = "compare/index.md"
PAIR_PROMPT = "box"
TOP_MODELS = 10
"""Models whose pairs have pages of their own, for those without scripts and for links."""


def compare_page(context: PageContext) -> Page:
    """Return the page that compares two models, with the data it needs beside it."""
    data, words = context.data, context.words
    page = PageWriter(context, PATH, words("Compare"), hide=("navigation", "toc"))
    page.text(
        words(
            "Two models on the same clusters: the paired difference per target with its 95 % "
            "confidence interval, which holds for all pairs of a board together."
        )
    )
    found = {
        (track, name): boards
        for track in data.tracks
        for name in PROMPTS
        if (boards := compare_boards(data, name, track))
    }
    models = sorted(
        {name for boards in found.values() for b in boards for name in list_compared(b)}
    )
    if len(models) < 2:
        otherwise = words("Fewer than two models answered all of a board: nothing to compare yet.")
        page.note(explain_empty(data, words, otherwise))
        return page.finish()
    page.html(_form(page, models, list(found)))
    page.note_without_scripts(
        words("Without scripts, use the pair maps on every page or: cosmos-board compare A B")
    )
    note_withheld(page)
    page.links(
        words("Pages of pairs"),
        [Link(f"{data.label(a)} – {data.label(b)}", pair_url(a, b)) for a, b in top_pairs(data)],
    )
    for track, name in found:
        stem = name if track == FULL else f"{name}.{track}"
        page.attach({f"data/compare/{stem}.json": compare_json(data, name, track)})
    return page.finish()


def _form(page: PageWriter, models: Sequence[str], files: Sequence[tuple[str, str]]) -> Markup:
    """Return the form that chooses two models; `files` are those of (track, prompt)."""
    data, words = page.data, page.words
    tracks, prompts = ({pair[place] for pair in files} for place in (0, 1))
    targets = {
        part.name: [target_label(part.name, words), slice_url(part)]
        for part in data.slices("target")
    }
    return render(
        "compare.html",
        models=[(name, data.label(name)) for name in models],
        prompts=[(name, prompt_label(name, words)) for name in PROMPTS if name in prompts],
        chosen=(top_pairs(data) or [(models[0], models[1])])[0],
        root=page.root,
        shared=words.shared,
        tracks=[(track, track_label(track, words)) for track in data.tracks if track in tracks],
        kinds=image_kinds(data, words),
        slices=to_json(targets).decode(),
        t=words,
    )


def top_pairs(data: SiteData) -> list[tuple[str, str]]:
    """Return the pairs among the best ranked models that have a page of their own."""
    board = data.board(OVERALL, PAIR_PROMPT)
    ranked = board.ranked[:TOP_MODELS] if board else ()
    return list(combinations((row.model for row in ranked), 2))


def pair_page(context: PageContext, a: str, b: str) -> Page:
    """Return the page of two models: every target, without a script."""
    data, words = context.data, context.words
    names = {"a": data.label(a), "b": data.label(b)}
    page = PageWriter(context, pair_url(a, b), words("{a} against {b}", **names))
    boards = compare_boards(data, PAIR_PROMPT)
    rows = [row for board in boards if (row := compare_on(data, board, a, b))]
    overall = [row for row in rows if row.slice.kind == "overall"]
    by_target = [row for row in rows if row.slice.kind == "target"]
    by_target.sort(key=lambda row: (-abs(row.difference), row.slice))
    targets = [row for row in by_target if not data.is_synthetic(row.slice)]
    synthetic = [row for row in by_target if data.is_synthetic(row.slice)]
    for row in overall:
        difference = with_interval(signed(row.difference), row.low, row.high)
        page.text(
            words(
                "Over the targets with at least 10 clusters: {a} − {b} = {difference} Dice: "
                "{verdict}.",
                **names,
                difference=difference,
                verdict=_say_outcome(row, names, words),
            )
        )
        page.text(_say_failures(data, boards[0], a, b, words))
    page.text(_say_counts(targets, names, words))
    page.table(_pair_table(data, targets, "pair", words))
    if synthetic:
        page.heading(words("On synthetic images"), "synthetic")
        page.table(_pair_table(data, synthetic, "pair-synthetic", words))
    links = [Link(names["a"], model_url(a)), Link(names["b"], model_url(b))]
    page.links(words("Related"), [*links, Link(words("Compare"), "compare/")])
    return page.finish()


def _say_outcome(row: PairRow, names: Mapping[str, str], words: Words) -> str:
    """Return which of two models is better, or why none is."""
    if row.verdict == "better":
        return add_further(words("{a} is better", **names), row, words)
    if row.verdict == "worse":
        return add_further(words("{b} is better", **names), row, words)
    return say_verdict(row, words)


def _say_failures(data: SiteData, board: Board, a: str, b: str, words: Words) -> str:
    """Return the failure rates of two models with their exact intervals."""
    shares = {row.model: row.failure for row in board.rows}
    listed = (f"{data.label(name)} {format_share(shares.get(name))}" for name in (a, b))
    return words("Failure rate (Dice < 0.5): {models}.", models=words.listing(listed))


def _say_counts(rows: Sequence[PairRow], names: Mapping[str, str], words: Words) -> str:
    """Return on how many targets A is better, worse and so on; what occurs nowhere is not said."""
    sentences = {
        "better": words("better on {n}"),
        "worse": words("worse on {n}"),
        "equivalent": words("equivalent on {n}"),
        "not separated": words("not separated on {n}"),
        "not tested": words("not tested on {n} (fewer than 10 clusters)"),
    }
    counts: Counter[str] = Counter(row.verdict for row in rows)
    said = (text.format(n=counts[name]) for name, text in sentences.items() if counts[name])
    return words("{a} against {b}, by target: {counts}.", **names, counts=words.listing(said))


def _pair_table(data: SiteData, rows: list[PairRow], name: str, words: Words) -> Table:
    table = RecordTable(data, words, rows)
    table.slice("target", words("Target"), lambda row: row.slice)
    table.change("difference", words("Difference (A − B)"), lambda row: row.difference)
    table.interval(lambda row: (row.low, row.high), around=lambda row: row.difference)

    def verdict(row: PairRow) -> Cell:
        return verdict_cell(row.verdict, (row.low, row.high), words, held=row.held_back)

    def detectable(row: PairRow) -> float | None:
        return row.detectable if row.verdict == "not separated" else None

    table.cells("verdict", words("Verdict"), verdict, facet=True)
    table.score(
        "detectable",
        words("Could have shown"),
        detectable,
        help="docs/ranking/#power",
    )
    table.count("clusters", words("Clusters"), lambda row: row.clusters)
    caption = words(
        "Paired differences in Dice, largest first. On each target all pairs of its board are "
        "judged together; where two models are not separated stands the least true difference that "
        "such data show in 80 % of samples. Data {version}.",
        version=data.version,
    )
    return table.build(name, f"{caption} {explain_star(words)}")
