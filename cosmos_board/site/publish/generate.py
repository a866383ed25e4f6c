"""From a board database to everything that the site adds to its hand-written pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cosmos_board.site.components.page import Page
from cosmos_board.site.content.blocks import BLOCKS_PATH, parse_blocks
from cosmos_board.site.content.read import read_site_data
from cosmos_board.site.content.releases import (
    FEED_PATH,
    RANKS_PATH,
    read_releases,
    render_feed,
    snapshot_file,
    take_snapshot,
)
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import Words, words_for
from cosmos_board.site.pages.boards.advisor import DATA_PATH as ADVICE_PATH
from cosmos_board.site.pages.boards.advisor import advisor_page
from cosmos_board.site.pages.boards.compare import compare_page, pair_page, top_pairs
from cosmos_board.site.pages.boards.explore import (
    CELLS_PATH,
    MANIFEST,
    cells_file,
    explore_page,
    manifest_file,
)
from cosmos_board.site.pages.boards.indexes import model_index, slice_index, slice_kinds
from cosmos_board.site.pages.boards.models import model_page
from cosmos_board.site.pages.boards.prompts import prompt_index, prompt_page
from cosmos_board.site.pages.boards.slices import other_prompts, prompt_slice_page, slice_page
from cosmos_board.site.pages.boards.viewer import viewer_index, viewer_page
from cosmos_board.site.pages.docs.catalogue import catalogue_page
from cosmos_board.site.pages.docs.changes import changes_page
from cosmos_board.site.pages.docs.definitions import definitions_page
from cosmos_board.site.pages.docs.intervals import intervals_page
from cosmos_board.site.pages.docs.speed import speed_page
from cosmos_board.site.pages.home import home_page
from cosmos_board.site.pages.sections.writer import PageContext
from cosmos_board.site.pages.studies.annotation import annotation_page
from cosmos_board.site.pages.studies.factors import factors_page
from cosmos_board.site.pages.studies.findings import finding_page, findings_index
from cosmos_board.site.pages.studies.finetuning import finetuning_page
from cosmos_board.site.pages.studies.robustness import clicks_page, jitter_page
from cosmos_board.site.pages.submissions import entries_page, submissions_page
from cosmos_board.site.pages.volumes.targets import volume_pages
from cosmos_board.site.publish.vendor import has_hyparquet, vendored_scripts


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Pages and files of one language."""

    pages: tuple[Page, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What follows from the rows, by path from the root of the site."""

    notices: Mapping[str, bytes] = field(default_factory=dict)
    """What follows from earlier releases or the address of the site."""

    copies: Mapping[str, Path] = field(default_factory=dict)
    """Files to copy, by path from the root of the site."""

    facts: Mapping[str, str] = field(default_factory=dict)
    """What the theme prints on every page, such as the data version."""

    version: str = ""
    """The data version; empty for an empty board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """How a site is built, beside the database that it shows."""

    languages: tuple[str, ...] = ("en",)
    """`en` goes to the root, others into a folder of their name."""

    site_url: str = ""
    """Address that the site will have, for absolute links and the feed; may be empty."""

    local: bool = False
    """Whether to show what may not be published; such a site says so on every page."""

    earlier: bytes | None = None
    """The `data/blocks.json` of the published site: which patients of restricted datasets its
    numbers rest on."""

    checkout: Path | None = None
    """Folder with `node_modules`, past releases and the figures of benchmarks, where there is one.
    """


def generate_site(
    db: Path | None, language: str = "en", options: SiteOptions | None = None
) -> Site:
    """Return every generated page and file of the site; `db` is None for an empty board.

    Raises:
        InputError: If `db` is no board database, or the blocks of the published site are damaged.
    """
    options = options or SiteOptions()
    data = read_before_fork(db, options) or SiteData()
    return make_site(data, words_for(language), options)


def read_before_fork(db: Path | None, options: SiteOptions) -> SiteData | None:
    """Read `db` now, so that processes started after this share what was read."""
    return _read_once(db, db.stat().st_mtime_ns, options.local, options.earlier) if db else None


@lru_cache(maxsize=1)
def _read_once(db: Path, changed_ns: int, local: bool, before: bytes | None) -> SiteData:
    """Return the data of `db`, read once for all languages until the file changes."""
    data = read_site_data(db, local=local, earlier=parse_blocks(before))
    _pack_once(data)
    return data


_packed: list[tuple[SiteData, bytes]] = []


def _pack_once(data: SiteData) -> bytes:
    """Return the file of scores, packed once for all languages."""
    if not _packed or _packed[0][0] is not data:
        _packed[:] = [(data, cells_file(data))]
    return _packed[0][1]


def make_site(data: SiteData, words: Words, options: SiteOptions | None = None) -> Site:
    """Return every generated page and file for `data` in the language of `words`."""
    options = options or SiteOptions()
    releases_folder = _find(options.checkout, "site/releases")
    releases = read_releases(releases_folder) if releases_folder else ()
    scripts = vendored_scripts(_find(options.checkout, "node_modules"))
    now = take_snapshot(data)
    context = PageContext(data, words, options.site_url)
    cells = _pack_once(data)
    pages = [
        *_pages(context),
        explore_page(context, cells, readable=has_hyparquet(scripts)),
        changes_page(context, releases, now),
        intervals_page(context, _find(options.checkout, "benchmarks")),
        speed_page(context, _find(options.checkout, "benchmarks")),
    ]
    pages.sort(key=lambda page: page.path)
    files = {CELLS_PATH: cells, RANKS_PATH: snapshot_file(now)}
    if data.blocks.strata:
        files[BLOCKS_PATH] = data.blocks.dump()
    for page in pages:
        files.update(page.data)
    if words.language != "en":  # files without words lie once, at the root
        files = {path: files[path] for path in files if not _is_shared(path)}
        scripts = {}
    else:
        files[MANIFEST] = manifest_file(files, data.version, local=data.local)
    return Site(
        pages=tuple(pages),
        files=dict(sorted(files.items())),
        notices={FEED_PATH: render_feed(releases, options.site_url)},
        copies=scripts,
        facts=_theme_facts(context),
        version=data.version,
    )


def _find(root: Path | None, name: str) -> Path | None:
    return root / name if root is not None and (root / name).is_dir() else None


def _theme_facts(context: PageContext) -> dict[str, str]:
    """Return what the theme says on every page, outside of what is written here."""
    words, data = context.words, context.data
    version = data.version or words("none")
    return {
        "version": version,
        "protocol": data.protocol,
        "line": words(
            "Data version {version} · protocol {protocol}", version=version, protocol=data.protocol
        ),
        "local": words("local: not for publication") if data.local else "",
        "search": words("Search"),
        "path": words("Where you are"),
        "lost": words("There is no page at this address"),
        "lost_help": words(
            "It may have been renamed or left the board. Search above, or start from one of these:"
        ),
        "lost_home": words("Leaderboard"),
        "lost_targets": words("Targets"),
        "lost_models": words("Models"),
        "lost_datasets": words("Datasets"),
    }


_SHARED = ("badges/", "data/cases/", "data/compare/", "data/tables/")


def _is_shared(path: str) -> bool:
    """Return whether a file has no words in it, and so lies once for all languages."""
    return path in {ADVICE_PATH, BLOCKS_PATH, CELLS_PATH, RANKS_PATH} or path.startswith(_SHARED)


def _pages(context: PageContext) -> Iterator[Page]:
    data = context.data
    yield home_page(context)
    yield catalogue_page(context)
    yield definitions_page(context)
    yield advisor_page(context)
    yield compare_page(context)
    yield from (pair_page(context, a, b) for a, b in top_pairs(data))
    yield findings_index(context)
    yield from (finding_page(context, finding) for finding in data.studies.findings)
    yield factors_page(context)
    yield jitter_page(context)
    yield clicks_page(context)
    yield finetuning_page(context)
    yield annotation_page(context)
    yield from volume_pages(context)
    yield viewer_index(context)
    for target in dict.fromkeys(case.pick.target for case in data.cases):
        yield viewer_page(context, target, [c for c in data.cases if c.pick.target == target])
    yield model_index(context)
    yield submissions_page(context)
    yield entries_page(context)
    yield from (model_page(context, info) for info in data.models.values())
    yield prompt_index(context)
    yield from (prompt_page(context, name) for name in data.prompts())
    for kind in slice_kinds(context.words):
        yield slice_index(context, kind)
        parts = data.slices(kind)
        yield from (slice_page(context, part, parts) for part in parts)
        yield from (
            prompt_slice_page(context, part, prompt)
            for part in parts
            for prompt in other_prompts(data, part)
        )
