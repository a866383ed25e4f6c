"""From a board database to everything that the site adds to its hand-written pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cosmos_board.site.book import Book
from cosmos_board.site.page import Page
from cosmos_board.site.pages.compare import compare_page
from cosmos_board.site.pages.context import Context
from cosmos_board.site.pages.definitions import definitions_page
from cosmos_board.site.pages.explore import (
    CELLS_PATH,
    MANIFEST,
    cells_file,
    explore_page,
    manifest_file,
)
from cosmos_board.site.pages.factors import annotation_page, factors_page, finetuning_page
from cosmos_board.site.pages.findings import finding_page, findings_index
from cosmos_board.site.pages.home import home_page
from cosmos_board.site.pages.indexes import model_index, slice_index, slice_kinds
from cosmos_board.site.pages.models import model_page
from cosmos_board.site.pages.prompts import prompt_index, prompt_page
from cosmos_board.site.pages.robustness import clicks_page, jitter_page
from cosmos_board.site.pages.slices import slice_page
from cosmos_board.site.pages.submissions import submissions_page
from cosmos_board.site.pages.viewer import viewer_index, viewer_page
from cosmos_board.site.read import empty_book, read_book
from cosmos_board.site.vendor import has_hyparquet, vendored_scripts
from cosmos_board.site.words import Words, words_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Pages and files of one language."""

    pages: tuple[Page, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Contents by path from the root of the site."""

    copies: Mapping[str, Path] = field(default_factory=dict)
    """Files to copy, by path from the root of the site."""

    facts: Mapping[str, str] = field(default_factory=dict)
    """What the theme prints on every page, such as the data version."""


def generate_site(db: Path | None, language: str = "en", *, modules: Path | None = None) -> Site:
    """Return every generated page and file of the site in one language.

    Args:
        db: The board database; None for an empty board.
        language: `en` or `zh`.
        modules: The `node_modules` of the site, where there is one.

    Raises:
        InputError: If `db` is no board database.
    """
    book = read_book(db) if db is not None else empty_book()
    return make_site(book, words_for(language), vendored_scripts(modules))


def derive_files(db: Path) -> Mapping[str, bytes]:
    """Return every data file that a site of `db` publishes, by path from its root.

    What is published follows from the rows: deriving these again and comparing is the check.
    """
    return generate_site(db).files


def make_site(book: Book, words: Words, scripts: dict[str, Path]) -> Site:
    """Return every generated page and file for what `book` holds.

    Args:
        book: What to show.
        words: In which language.
        scripts: Scripts of others to copy, by path from the root of the site.
    """
    context = Context(book, words)
    cells = cells_file(book)
    pages = [*_pages(context), explore_page(context, cells, readable=has_hyparquet(scripts))]
    pages.sort(key=lambda page: page.path)
    files: dict[str, bytes] = {CELLS_PATH: cells}
    for page in pages:
        files.update(page.data)
    files[MANIFEST] = manifest_file(files, book.version)
    version = book.version or words("none")
    line = words(
        "Data version {version} · protocol {protocol}", version=version, protocol=book.protocol
    )
    return Site(
        pages=tuple(pages),
        files=dict(sorted(files.items())),
        copies=scripts,
        facts={"version": version, "protocol": book.protocol, "line": line},
    )


def _pages(context: Context) -> Iterator[Page]:
    book = context.book
    yield home_page(context)
    yield definitions_page(context)
    yield compare_page(context)
    yield findings_index(context)
    yield from (finding_page(context, finding) for finding in book.studies.findings)
    yield factors_page(context)
    yield jitter_page(context)
    yield clicks_page(context)
    yield finetuning_page(context)
    yield annotation_page(context)
    yield viewer_index(context)
    for target in dict.fromkeys(case.pick.target for case in book.cases):
        yield viewer_page(context, target, [c for c in book.cases if c.pick.target == target])
    yield model_index(context)
    yield submissions_page(context)
    yield from (model_page(context, info) for info in book.models.values())
    yield prompt_index(context)
    yield from (prompt_page(context, name) for name in book.prompts())
    for kind, path, title, text in slice_kinds(context.words):
        yield slice_index(context, kind, path, title, text)
        parts = book.slices(kind)
        yield from (slice_page(context, part, parts) for part in parts)
