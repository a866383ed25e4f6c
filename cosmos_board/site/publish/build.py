"""Builds the site with MkDocs, from a checkout or from an installed wheel."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

from cosmos_board.core.errors import CosmosBoardError, InputError
from cosmos_board.core.processes import make_pool
from cosmos_board.site.content.blocks import BLOCKS_PATH
from cosmos_board.site.publish.generate import SiteOptions, read_before_fork
from cosmos_board.store.folders import replace_folder

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
    db: Path | None, out: Path, options: SiteOptions | None = None, *, strict: bool = True
) -> SiteReport:
    """Render the board in `db`; the site takes the place of `out` once it is whole.

    Args:
        db: The board database; None for an empty board.
        out: Where the site goes: absent, empty, or a site that this function wrote.
        options: How it is built; blocks of an earlier site are looked for in `out` too.
        strict: Whether a warning of the engine stops the build.

    Raises:
        InputError: If `db` is not a board database, the earlier blocks are damaged, the engine
            refuses its sources, or `out` holds anything else.
        InUseError: If another process is writing `db` or `out`.
        StorageError: If the disk fails.
    """
    options = options or SiteOptions()
    if db is not None and not db.is_file():
        raise InputError(db, "--db", "no such file")
    if options.earlier is None:
        options = replace(options, earlier=read_blocks(out))
    with replace_folder(out, "site", inputs=[db] if db else ()) as work:
        render_site(db, work, options, strict=strict)
    return _report(out)


def render_site(db: Path | None, out: Path, options: SiteOptions, *, strict: bool = True) -> None:
    """Render the board in `db` into the empty folder `out`; arguments and errors as above."""
    db = db.resolve() if db else None
    build = partial(_build_language, db, options, strict)
    others = [language for language in options.languages if language != "en"]
    with _environment({}):
        if len(others) == len(options.languages) or not others or not _CAN_FORK:
            for language in sorted(options.languages, key=lambda name: name != "en"):
                build(out if language == "en" else out / language, language)
        else:
            read_before_fork(db, options)
            _build_beside(build, out, others)


def read_blocks(site: Path) -> bytes | None:
    """Return the list of blocks in a folder of a site, None where there is none."""
    path = site / BLOCKS_PATH
    return path.read_bytes() if path.is_file() else None


def _build_language(
    db: Path | None, options: SiteOptions, strict: bool, target: Path, language: str
) -> None:
    """Render one language into the folder `target`."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    source = sources_root() / ("mkdocs.yml" if language == "en" else f"mkdocs.{language}.yml")
    url = {"site_url": options.site_url} if options.site_url else {}
    try:
        config = load_config(str(source), site_dir=str(target.resolve()), strict=strict, **url)
        config.plugins["cosmos-board"].use(db, options)  # type: ignore[attr-defined]
        logging.getLogger("jieba").setLevel(logging.WARNING)  # it sets its own when imported
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()
    except MkDocsException as error:
        raise _own_error(error) or InputError(target, "site", str(error)) from error


def _build_beside(build: Callable[[Path, str], None], out: Path, others: Sequence[str]) -> None:
    """Build English here and the other languages in processes that share what was read.

    The engine empties its folder but keeps hidden entries, so the others wait in one of those.
    """
    waiting = out / ".languages"
    with warnings.catch_warnings(), make_pool(len(others), get_context("fork")) as pool:
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        started = [pool.submit(build, waiting / language, language) for language in others]
        build(out, "en")
        for process in started:
            process.result()
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


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set what the engine reads from the environment, and put it back."""
    fixed = {
        "NO_MKDOCS_2_WARNING": "1",
        "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", EPOCH),
    }
    with patch.dict(os.environ, {**fixed, **variables}):
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
    named = {"COSMOS_BOARD_DB": str(db.resolve()) if db else os.devnull}
    with _environment({**named, "COSMOS_BOARD_LOCAL": str(local).lower()}):
        serve(str(sources_root() / "mkdocs.yml"), dev_addr=address)
