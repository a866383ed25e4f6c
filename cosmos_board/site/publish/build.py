"""Building the site: one call around the engine, from a checkout or from an installed wheel."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

from cosmos_board.core.errors import CosmosBoardError, InputError
from cosmos_board.core.processes import make_pool
from cosmos_board.site.content.blocks import BLOCKS_PATH, parse_blocks
from cosmos_board.store.folders import replace_folder

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

_PACKAGE = Path(__file__).resolve().parents[1]
_CAN_FORK = sys.platform == "linux"
EPOCH = "0"
"""SOURCE_DATE_EPOCH where none is set: pages carry the data version, never the day of a build."""


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What a build wrote."""

    out: Path
    pages: int
    files: int
    size_bytes: int
    largest_page_bytes: int


def sources_root() -> Path:
    """Return the folder of `mkdocs.yml` and `site/`: the checkout's, else the wheel's copy.

    Raises:
        InputError: If neither is there.
    """
    for root in (_PACKAGE.parent.parent, _PACKAGE / "_host"):
        if (root / "mkdocs.yml").is_file() and (root / "site" / "overrides").is_dir():
            return root
    raise InputError(_PACKAGE, "site", "its sources are missing; reinstall cosmos-board")


def build_site(
    db: Path | None,
    out: Path,
    *,
    strict: bool = True,
    languages: tuple[str, ...] = ("en",),
    site_url: str = "",
    local: bool = False,
    earlier: bytes | None = None,
) -> SiteReport:
    """Render the board in `db`; the site takes the place of `out` once it is whole.

    Args:
        db: The board database; None for an empty board.
        out: Where the site goes: absent, empty, or a site that this function wrote.
        strict: Whether a warning of the engine stops the build.
        languages: `en` goes to the root, others into a folder of their name.
        site_url: Address that the site will have, for absolute links; may be empty.
        local: Whether to show what may not be published; such a site says so on every page.
        earlier: The `data/blocks.json` of the published site, where that is not in `out`: which
            patients of restricted datasets its numbers rest on.

    Raises:
        InputError: If `db` is not a board database, `earlier` is damaged, the engine refuses its
            sources, or `out` holds anything else.
        InUseError: If another process is writing `db` or `out`.
        StorageError: If the disk fails.
    """
    if db is not None and not db.is_file():
        raise InputError(db, "--db", "no such file")
    if earlier is None:
        earlier = read_blocks(out)
    with replace_folder(out, "site", inputs=[db] if db else ()) as work:
        render_site(
            db,
            work,
            strict=strict,
            languages=languages,
            site_url=site_url,
            local=local,
            earlier=earlier,
        )
    return _report(out)


def render_site(
    db: Path | None,
    out: Path,
    *,
    strict: bool = True,
    languages: tuple[str, ...] = ("en",),
    site_url: str = "",
    local: bool = False,
    earlier: bytes | None = None,
) -> None:
    """Render the board in `db` into the empty folder `out`; arguments and errors as above."""
    others = [language for language in languages if language != "en"]
    with (
        _keep_in_file(earlier) as before,
        _environment(db, site_url, languages, local=local, earlier=before),
    ):
        if len(others) == len(languages) or not others or not _CAN_FORK:
            for language in sorted(languages, key=lambda name: name != "en"):
                _build_one(_folder(out, language), language, strict=strict)
        else:
            _build_beside(db, out, others, strict=strict, local=local, earlier=before)


def read_blocks(site: Path) -> bytes | None:
    """Return the list of blocks in a folder of a site, None where there is none."""
    path = site / BLOCKS_PATH
    return path.read_bytes() if path.is_file() else None


@contextmanager
def _keep_in_file(blocks: bytes | None) -> Iterator[Path]:
    """Keep a list of blocks where the processes of all languages find it."""
    parse_blocks(blocks)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "blocks.json"
        if blocks is not None:
            path.write_bytes(blocks)
        yield path


def _folder(out: Path, language: str) -> Path:
    return out if language == "en" else out / language


def _build_one(target: Path, language: str, *, strict: bool) -> None:
    from mkdocs.commands.build import build
    from mkdocs.exceptions import MkDocsException

    try:
        config = _load(target, language, strict=strict)
        logging.getLogger("jieba").setLevel(logging.WARNING)  # it sets its own when imported
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()
    except MkDocsException as error:
        raise _own_error(error) or InputError(target, "site", str(error)) from error


def _build_beside(
    db: Path | None,
    out: Path,
    others: Sequence[str],
    *,
    strict: bool,
    local: bool,
    earlier: Path,
) -> None:
    """Build English here and the other languages in processes that share what was read.

    The engine empties its folder but keeps hidden entries, so the others wait in one of those.
    """
    from cosmos_board.site.publish.generate import read_ahead

    read_ahead(db, local=local, earlier=earlier)
    waiting = out / ".languages"
    with warnings.catch_warnings(), make_pool(len(others), get_context("fork")) as pool:
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        started = [
            pool.submit(_build_one, waiting / language, language, strict=strict)
            for language in others
        ]
        _build_one(out, "en", strict=strict)
        for one in started:
            one.result()
    for language in others:
        (waiting / language).rename(out / language)
    waiting.rmdir()


def _own_error(error: BaseException | None) -> CosmosBoardError | None:
    """Return the error of ours that the engine wrapped, if that is what stopped it."""
    while error is not None:
        if isinstance(error, CosmosBoardError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _load(target: Path, language: str, *, strict: bool) -> MkDocsConfig:
    from mkdocs.config import load_config

    name = "mkdocs.yml" if language == "en" else f"mkdocs.{language}.yml"
    return load_config(str(sources_root() / name), site_dir=str(target.resolve()), strict=strict)


@contextmanager
def _environment(
    db: Path | None,
    site_url: str,
    languages: tuple[str, ...] = ("en",),
    *,
    local: bool = False,
    earlier: Path | None = None,
) -> Iterator[None]:
    """Set what the engine and the plugin read from the environment, and put it back."""
    from cosmos_board.site.publish.plugin import (
        DB_VARIABLE,
        EARLIER_VARIABLE,
        LANGUAGES_VARIABLE,
        LOCAL_VARIABLE,
    )

    wanted = {
        DB_VARIABLE: str(db.resolve()) if db is not None else os.devnull,
        LANGUAGES_VARIABLE: ",".join(languages),
        LOCAL_VARIABLE: "1" if local else "",
        EARLIER_VARIABLE: str(earlier or ""),
        "NO_MKDOCS_2_WARNING": "1",
        "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", EPOCH),
        "SITE_URL": site_url or os.environ.get("SITE_URL", ""),
    }
    with patch.dict(os.environ, wanted):
        loggers = [logging.getLogger(name) for name in ("mkdocs", "jieba")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _report(out: Path) -> SiteReport:
    sizes = {path: path.stat().st_size for path in out.rglob("[!.]*") if path.is_file()}
    pages = [size for path, size in sizes.items() if path.suffix == ".html"]
    return SiteReport(out, len(pages), len(sizes), sum(sizes.values()), max(pages, default=0))


def serve_site(db: Path | None, *, address: str = "127.0.0.1:8000", local: bool = False) -> None:
    """Serve the board in `db` at `address` until interrupted, rebuilding when it changes.

    Raises:
        InputError: If `db` is not a board database.
    """
    from mkdocs.commands.serve import serve

    if db is not None and not db.is_file():
        raise InputError(db, "--db", "no such file")
    with _environment(db, "", local=local):
        serve(str(sources_root() / "mkdocs.yml"), dev_addr=address)
