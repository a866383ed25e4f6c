"""Any two models side by side, in the browser, from published pair tables."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cosmos_board.board.export import to_json
from cosmos_board.board.ranking.pairs import pair_row
from cosmos_board.board.types import BoardKey, PairRow, PairTable, PairVerdict, Slice
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.markup import up
from cosmos_board.site.components.page import Article, Page
from cosmos_board.site.components.table import Cell, Column, Row, Table, marks_of
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import (
    image_kinds,
    model_url,
    pair_url,
    prompt_label,
    slice_url,
    target_label,
)
from cosmos_board.site.content.site_data import SiteData, default_selection
from cosmos_board.site.language.numbers import number, signed, span
from cosmos_board.site.pages.sections.notices import explain_empty, note_withheld, track_label
from cosmos_board.site.pages.sections.writer import Context, Link

PATH = "compare/index.md"
PAIR_PROMPT = "box"
TOP_MODELS = 10
"""Models whose pairs have pages of their own, for those without scripts and for links."""

_OPPOSITE: dict[PairVerdict, PairVerdict] = {"better": "worse", "worse": "better"}
HALF_STEP = 1e-5
P_STEP = 1e-4
"""Numbers of pairs are published as whole multiples of these: a third of the bytes."""


def compare_page(context: Context) -> Page:
    """Return the page that compares two models, with the data it needs beside it."""
    data, words = context.data, context.words
    article = Article(PATH, words("Compare"), hide=("navigation", "toc"))
    article.say(
        words(
            "Two models on the same patients: the paired difference per target, how sure it is, "
            "and where they differ most."
        )
    )
    files = {
        (track, name): tables
        for track in data.tracks
        for name in PROMPTS
        if (tables := compare_tables(data, name, track))
    }
    prompts = [name for name in PROMPTS if any(prompt == name for _, prompt in files)]
    models = sorted({name for tables in files.values() for one in tables for name in one.models})
    if len(models) < 2:
        otherwise = words(
            "Fewer than two ranked models: nothing to compare yet. Nobody is ranked where a board "
            "has fewer than 10 clusters."
        )
        context.note(article, explain_empty(data, words, otherwise))
        return article.page()
    article.add(
        render(
            "compare.html",
            models=[(name, data.label(name)) for name in models],
            prompts=[(name, prompt_label(name, words)) for name in prompts],
            chosen=(top_pairs(data) or [(models[0], models[1])])[0],
            root=up(PATH),
            shared=words.shared,
            tracks=[
                (track, track_label(track, words))
                for track in data.tracks
                if any(one == track for one, _ in files)
            ],
            kinds=image_kinds(data, words),
            slices=to_json(
                {
                    part.name: [target_label(part.name, words), slice_url(part)]
                    for part in data.slices("target")
                }
            ).decode(),
            t=words,
        )
    )
    article.add(
        Markup("<noscript><p class='cb-note'>{}</p></noscript>").format(
            words("Without scripts, use the pair maps on every page or: cosmos-board compare A B")
        )
    )
    note_withheld(context, article)
    context.links(
        article,
        words("Pages of pairs"),
        [Link(f"{data.label(a)} – {data.label(b)}", pair_url(a, b)) for a, b in top_pairs(data)],
    )
    article.attach(
        {
            f"data/compare/{name if track == FULL else f'{name}.{track}'}.json": compare_json(
                data, name, track
            )
            for track, name in files
        }
    )
    return article.page()


def top_pairs(data: SiteData) -> list[tuple[str, str]]:
    """Return the pairs among the best ranked models that have a page of their own."""
    table = data.pairs.get(BoardKey(Slice("overall"), PAIR_PROMPT, "predicted", "dice"))
    return list(combinations(table.models[:TOP_MODELS], 2)) if table is not None else []


def pair_page(context: Context, a: str, b: str) -> Page:
    """Return the page of two models: every target, without a script."""
    data, words = context.data, context.words
    names = {"a": data.label(a), "b": data.label(b)}
    article = Article(pair_url(a, b).removesuffix("/") + ".md", words("{a} against {b}", **names))
    found = [row for table in compare_tables(data, PAIR_PROMPT) if (row := find_pair(table, a, b))]
    overall = [row for row in found if row.slice.kind == "overall"]
    every = [row for row in found if row.slice.kind == "target"]
    every.sort(key=lambda row: (-abs(row.difference), row.slice))
    targets = [row for row in every if not data.is_synthetic(row.slice)]
    drawn = [row for row in every if data.is_synthetic(row.slice)]
    verdicts = [row.verdict for row in targets]
    for row in overall:
        interval = span(row.low, row.high)
        difference = signed(row.difference) + (f" ({interval})" if interval else "")
        article.say(
            words("Over all targets: {a} − {b} = {difference} Dice", **names, difference=difference)
            + f": {words.term(row.verdict or 'undecided')}."
        )
    article.say(
        words(
            "Of {targets}: {a} better on {wins}, {b} better on {losses}, neither on {ties}.",
            **names,
            wins=verdicts.count("better"),
            losses=verdicts.count("worse"),
            ties=len(verdicts) - verdicts.count("better") - verdicts.count("worse"),
            targets=words.count(len(verdicts), "target"),
        )
    )
    context.table(article, _pair_table(context, targets, "pair"))
    if drawn:
        article.heading(words("On synthetic images"), "synthetic")
        context.table(article, _pair_table(context, drawn, "pair-synthetic"))
    context.links(
        article,
        words("Around here"),
        [
            Link(names["a"], model_url(a)),
            Link(names["b"], model_url(b)),
            Link(words("Compare"), "compare/"),
        ],
    )
    return article.page()


def find_pair(table: PairTable, a: str, b: str) -> PairRow | None:
    """Return A against B out of a table, whichever of them is ranked better there."""
    if a not in table.models or b not in table.models:
        return None
    one, two = table.models.index(a), table.models.index(b)
    first, second = min(one, two), max(one, two)
    place = first * len(table.models) - first * (first + 1) // 2 + second - first - 1
    row = pair_row(table, place, table.models[first], table.models[second])
    if one < two:
        return row
    return replace(
        row,
        a=a,
        b=b,
        difference=-row.difference,
        low=None if row.high is None else -row.high,
        high=None if row.low is None else -row.low,
        verdict=None if row.verdict is None else _OPPOSITE.get(row.verdict, row.verdict),
    )


def _pair_table(context: Context, rows: list[PairRow], name: str) -> Table:
    words = context.words
    marks = marks_of([(row.low, row.difference, row.high) for row in rows])
    body = [
        Row(
            (
                Cell(target_label(row.slice.name, words), row.slice.name, slice_url(row.slice)),
                Cell(signed(row.difference), row.difference),
                Cell(span(row.low, row.high) or words("no interval"), mark=mark),
                Cell(words.term(row.verdict or "undecided")),
                Cell(number(row.clusters, 0), row.clusters),
            )
        )
        for row, mark in zip(rows, marks, strict=True)
    ]
    return Table(
        name=name,
        caption=words(
            "Paired differences in Dice, largest first; data {version}.",
            version=context.data.version,
        ),
        columns=(
            Column(key="target", label=words("Target"), frozen=True),
            Column(key="difference", label=words("Difference (A − B)"), numeric=True),
            Column(key="interval", label=words("95 % interval")),
            Column(key="verdict", label=words("Verdict"), facet=True),
            Column(key="clusters", label=words("Clusters"), numeric=True),
        ),
        rows=tuple(body),
    )


def compare_tables(data: SiteData, prompt: str, track: str = FULL) -> list[PairTable]:
    """Return the pair tables behind comparisons with `prompt`: overall, then each target."""
    keys = [
        BoardKey(part, prompt, default_selection(prompt), "dice", track)
        for part in (Slice("overall"), *data.slices("target"))
    ]
    return [data.pairs[key] for key in keys if key in data.pairs and data.pairs[key].models]


def compare_json(data: SiteData, prompt: str, track: str = FULL) -> bytes:
    """Return what the page needs for one prompt; no words, so that all languages share it.

    Per slice: ranked models by index and their scores; for each pair (1, 2), (1, 3) … half of the
    95 % interval and the p value; the ratio of the 90 % to the 95 % interval.
    """
    tables = compare_tables(data, prompt, track)
    models = sorted({name for table in tables for name in table.models})
    places = {name: place for place, name in enumerate(models)}
    slices = []
    for table in tables:
        scores = {row.model: row.score for row in data.boards[table.key].rows}
        known = bool(np.isfinite(table.half_95).any())
        wide = np.flatnonzero(np.isfinite(table.half_95) & (table.half_95 > 0))
        ratio = float(table.half_90[wide[0]] / table.half_95[wide[0]]) if len(wide) else None
        slices.append(
            {
                "name": table.key.slice.name,
                "models": [places[name] for name in table.models],
                "scores": [round(scores[name], 6) for name in table.models],
                "half": _whole(table.half_95, HALF_STEP) if known else None,
                "ratio": None if ratio is None else round(ratio, 6),
                "p": _whole(table.p, P_STEP),
                "clusters": table.clusters,
                "synthetic": data.is_synthetic(table.key.slice),
            }
        )
    document = {
        "schema_version": 1,
        "data_version": data.version,
        "track": track,
        "prompt": prompt,
        "selection": default_selection(prompt),
        "metric": "dice",
        "half_step": HALF_STEP,
        "p_step": P_STEP,
        "models": models,
        "slices": slices,
    }
    return (json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n").encode()


def _whole(values: NDArray[np.float64], step: float) -> list[int]:
    found: list[int] = np.rint(values / step).astype(np.int64).tolist()
    return found
