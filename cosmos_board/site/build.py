"""Building the site: one call around the engine, from a checkout or from an installed wheel."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

from cosmos_board.core.errors import CosmosBoardError, InputError
from cosmos_board.site.blocks import BLOCKS_PATH, parse_blocks

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

_PACKAGE = Path(__file__).resolve().parent
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
    """Render the board in `db` into the folder `out`, which is emptied first.

    Args:
        db: The board database; None for an empty board.
        out: Where the site goes.
        strict: Whether a warning of the engine stops the build.
        languages: `en` goes to the root, others into a folder of their name.
        site_url: Address that the site will have, for absolute links; may be empty.
        local: Whether to show what may not be published; such a site says so on every page.
        earlier: The `data/blocks.json` of the published site, where that is not in `out`: which
            patients of restricted datasets its numbers rest on.

    Raises:
        InputError: If `db` is not a board database, `earlier` is damaged, or the engine refuses
            its sources.
    """
    if db is not None and not db.is_file():
        raise InputError(db, "--db", "no such file")
    others = [language for language in languages if language != "en"]
    with (
        _published_blocks(out, earlier) as before,
        _environment(db, site_url, languages, local=local, earlier=before),
    ):
        if len(others) == len(languages) or not others or not _CAN_FORK:
            for language in sorted(languages, key=lambda name: name != "en"):
                _build_one(_folder(out, language), language, strict=strict)
        else:
            _build_beside(db, out, others, strict=strict, local=local, earlier=before)
    return _report(out)


@contextmanager
def _published_blocks(out: Path, earlier: bytes | None) -> Iterator[Path]:
    """Keep the blocks of the site that is published, or else of the one to replace, in a file."""
    replaced = out / BLOCKS_PATH
    if earlier is None and replaced.is_file():
        earlier = replaced.read_bytes()
    parse_blocks(earlier, str(replaced))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "blocks.json"
        if earlier is not None:
            path.write_bytes(earlier)
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
    from cosmos_board.site.generate import read_ahead

    read_ahead(db, local=local, earlier=earlier)
    waiting = out / ".languages"
    shutil.rmtree(waiting, ignore_errors=True)
    with warnings.catch_warnings(), ProcessPoolExecutor(len(others), get_context("fork")) as pool:
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        started = [
            pool.submit(_build_one, waiting / language, language, strict=strict)
            for language in others
        ]
        _build_one(out, "en", strict=strict)
        for one in started:
            one.result()
    for language in others:
        shutil.rmtree(out / language, ignore_errors=True)
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
    from cosmos_board.site.plugin import (
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
    sizes = {path: path.stat().st_size for path in out.rglob("*") if path.is_file()}
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
