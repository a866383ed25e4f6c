"""Any two models side by side, in the browser, from published pair tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cosmos_board.board.export import to_json
from cosmos_board.board.types import BoardKey, PairRow, PairTable
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.tracks import FULL
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Table
from cosmos_board.site.components.templates import render
from cosmos_board.site.content.labels import (
    image_kinds,
    model_url,
    pair_url,
    prompt_label,
    slice_url,
    target_label,
)
from cosmos_board.site.content.site_data import OVERALL, SiteData, default_selection
from cosmos_board.site.language.numbers import signed, with_interval
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import explain_empty, note_withheld, track_label
from cosmos_board.site.pages.sections.pairs import find_pair
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter

PATH = "compare/index.md"
PAIR_PROMPT = "box"
TOP_MODELS = 10
"""Models whose pairs have pages of their own, for those without scripts and for links."""

HALF_STEP = 1e-5
P_STEP = 1e-4
"""Numbers of pairs are published as whole multiples of these: a third of the bytes."""


def compare_page(context: PageContext) -> Page:
    """Return the page that compares two models, with the data it needs beside it."""
    data, words = context.data, context.words
    page = PageWriter(context, PATH, words("Compare"), hide=("navigation", "toc"))
    page.text(
        words(
            "Two models on the same patients: the paired difference per target with its 95 % "
            "confidence interval, and where they differ most."
        )
    )
    tables = {
        (track, name): found
        for track in data.tracks
        for name in PROMPTS
        if (found := compare_tables(data, name, track))
    }
    models = sorted({name for found in tables.values() for table in found for name in table.models})
    if len(models) < 2:
        otherwise = words(
            "Fewer than two ranked models: nothing to compare yet. Nobody is ranked where a board "
            "has fewer than 10 clusters."
        )
        page.note(explain_empty(data, words, otherwise))
        return page.finish()
    page.html(_form(page, models, list(tables)))
    page.note_without_scripts(
        words("Without scripts, use the pair maps on every page or: cosmos-board compare A B")
    )
    note_withheld(page)
    page.links(
        words("Pages of pairs"),
        [Link(f"{data.label(a)} – {data.label(b)}", pair_url(a, b)) for a, b in top_pairs(data)],
    )
    for track, name in tables:
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
    table = data.pairs.get(BoardKey(OVERALL, PAIR_PROMPT, "predicted", "dice"))
    return list(combinations(table.models[:TOP_MODELS], 2)) if table is not None else []


def pair_page(context: PageContext, a: str, b: str) -> Page:
    """Return the page of two models: every target, without a script."""
    data, words = context.data, context.words
    names = {"a": data.label(a), "b": data.label(b)}
    page = PageWriter(context, pair_url(a, b), words("{a} against {b}", **names))
    rows = [row for table in compare_tables(data, PAIR_PROMPT) if (row := find_pair(table, a, b))]
    overall = [row for row in rows if row.slice.kind == "overall"]
    by_target = [row for row in rows if row.slice.kind == "target"]
    by_target.sort(key=lambda row: (-abs(row.difference), row.slice))
    targets = [row for row in by_target if not data.is_synthetic(row.slice)]
    synthetic = [row for row in by_target if data.is_synthetic(row.slice)]
    verdicts = [row.verdict for row in targets]
    for row in overall:
        difference = with_interval(signed(row.difference), row.low, row.high)
        page.text(
            words("Over all targets: {a} − {b} = {difference} Dice", **names, difference=difference)
            + f": {words.term(row.verdict or 'undecided')}."
        )
    page.text(
        words(
            "Of {targets}: {a} better on {wins}, {b} better on {losses}, neither on {ties}.",
            **names,
            wins=verdicts.count("better"),
            losses=verdicts.count("worse"),
            ties=len(verdicts) - verdicts.count("better") - verdicts.count("worse"),
            targets=words.count(len(verdicts), "target"),
        )
    )
    page.table(_pair_table(data, targets, "pair", words))
    if synthetic:
        page.heading(words("On synthetic images"), "synthetic")
        page.table(_pair_table(data, synthetic, "pair-synthetic", words))
    links = [Link(names["a"], model_url(a)), Link(names["b"], model_url(b))]
    page.links(words("Related"), [*links, Link(words("Compare"), "compare/")])
    return page.finish()


def _pair_table(data: SiteData, rows: list[PairRow], name: str, words: Words) -> Table:
    table = RecordTable(data, words, rows)
    table.slice("target", words("Target"), lambda row: row.slice)
    table.change("difference", words("Difference (A − B)"), lambda row: row.difference)
    table.interval(lambda row: (row.low, row.high), around=lambda row: row.difference)

    def verdict(row: PairRow) -> str:
        return words.term(row.verdict or "undecided")

    table.text("verdict", words("Verdict"), verdict, facet=True)
    table.count("clusters", words("Clusters"), lambda row: row.clusters)
    caption = words(
        "Paired differences in Dice, largest first; data {version}.", version=data.version
    )
    return table.build(name, caption)


def compare_tables(data: SiteData, prompt: str, track: str = FULL) -> list[PairTable]:
    """Return the pair tables behind comparisons with `prompt`: overall, then each target."""
    keys = [
        BoardKey(part, prompt, default_selection(prompt), "dice", track)
        for part in (OVERALL, *data.slices("target"))
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
                "half": _in_steps(table.half_95, HALF_STEP) if known else None,
                "ratio": None if ratio is None else round(ratio, 6),
                "p": _in_steps(table.p, P_STEP),
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


def _in_steps(values: NDArray[np.float64], step: float) -> list[int]:
    steps: list[int] = np.rint(values / step).astype(np.int64).tolist()
    return steps
