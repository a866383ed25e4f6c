"""Any two models side by side, in the browser, from published pair tables."""

from __future__ import annotations

from markupsafe import Markup

from cosmos_board.board.export import to_json
from cosmos_board.board.types import BoardKey, PairTable, Slice
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.site.book import Book, default_selection, prompt_label, slice_url, target_label
from cosmos_board.site.markup import up
from cosmos_board.site.page import Article, Page
from cosmos_board.site.pages.context import Context
from cosmos_board.site.templates import render
from cosmos_board.site.words import Words

PATH = "compare/index.md"


def compare_page(context: Context) -> Page:
    """Return the page that compares two models, with the data it needs beside it."""
    book, words = context.book, context.words
    article = Article(PATH, words("Compare"), hide=("navigation", "toc"))
    article.say(
        words(
            "Two models on the same patients: the paired difference per target, how sure it is, "
            "and where they differ most."
        )
    )
    prompts = [name for name in PROMPTS if compare_tables(book, name)]
    models = sorted(
        {
            name
            for prompt in prompts
            for table in compare_tables(book, prompt)
            for name in table.models
        }
    )
    if len(models) < 2:
        context.note(article, words("Fewer than two ranked models: nothing to compare yet."))
        return article.page()
    article.add(
        render(
            "compare.html",
            models=[(name, _label(book, name)) for name in models],
            prompts=[(name, prompt_label(name, words)) for name in prompts],
            root=up(PATH),
            t=words,
        )
    )
    article.add(
        Markup("<noscript><p class='cb-note'>{}</p></noscript>").format(
            words("Without scripts, use the pair maps on every page or: cosmos-board compare A B")
        )
    )
    article.attach(
        {f"data/compare/{name}.json": compare_json(book, name, words) for name in prompts}
    )
    return article.page()


def compare_tables(book: Book, prompt: str) -> list[PairTable]:
    """Return the pair tables behind comparisons with `prompt`: overall, then each target."""
    keys = [
        BoardKey(part, prompt, default_selection(prompt), "dice")
        for part in (Slice("overall"), *book.slices("target"))
    ]
    return [book.pairs[key] for key in keys if key in book.pairs]


def compare_json(book: Book, prompt: str, words: Words) -> bytes:
    """Return what the page needs for one prompt.

    Per slice: ranked models by index and their scores; for each pair (1, 2), (1, 3) … half of the
    95 % interval and the p value; the ratio of the 90 % to the 95 % interval.
    """
    tables = compare_tables(book, prompt)
    models = sorted({name for table in tables for name in table.models})
    places = {name: place for place, name in enumerate(models)}
    slices = []
    for table in tables:
        scores = {row.model: row.score for row in book.boards[table.key].rows}
        part = table.key.slice
        known = [half for half in table.half_95 if half == half and half > 0]
        ratio = next(
            (
                float(narrow / wide)
                for narrow, wide in zip(table.half_90, table.half_95, strict=True)
                if wide == wide and wide > 0
            ),
            None,
        )
        slices.append(
            {
                "name": part.name,
                "label": target_label(part.name, words) if part.name else words("All targets"),
                "url": slice_url(part),
                "models": [places[name] for name in table.models],
                "scores": [scores[name] for name in table.models],
                "half": [None if half != half else round(half, 5) for half in table.half_95]
                if known
                else None,
                "ratio": ratio,
                "p": [float(f"{p:.3g}") for p in table.p],
                "clusters": table.clusters,
            }
        )
    return to_json(
        {
            "schema_version": 1,
            "data_version": book.version,
            "prompt": prompt,
            "selection": default_selection(prompt),
            "metric": "dice",
            "models": [
                {"name": name, "label": _label(book, name), "url": f"models/{name}/"}
                for name in models
            ],
            "slices": slices,
        }
    )


def _label(book: Book, model: str) -> str:
    return book.models[model].label if model in book.models else model
