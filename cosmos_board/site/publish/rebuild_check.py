"""Is the published site what a rebuild from nothing gives? Run at night, elsewhere.

`python -m cosmos_board.site.publish.rebuild_check --published URL --rebuilt DIR` fails if a
published file is not as its own list says, if scores of submissions differ from the rebuilt ones
(altered, or stale), or if a page of the rebuilt site links to nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cosmos_board.core.errors import CosmosBoardError, ExitCode
from cosmos_board.site.publish.versions import (
    FILES,
    NOTHING,
    Read,
    is_listed,
    list_site,
    read_folder,
    read_published,
    read_web,
)

SCORES = "data/tables/submissions/"
"""Tables that follow from submitted files alone, so that every machine gives the same bytes."""


def watch(read: Read, rebuilt: Path) -> Iterator[str]:
    """Yield a line for whatever is wrong with a published site.

    Args:
        read: Gives the published site's files.
        rebuilt: The site, built from nothing.

    Raises:
        InputError: If the published site's list is damaged, or it cannot be read.
    """
    published = read_published(read)
    if published == NOTHING:
        yield f"{FILES}: there is no published site here, so nothing was compared"
        return
    for path, digest in published.files.items():
        if not is_listed(read(path), digest):
            yield f"{path}: is not as it was published"
    compared = [path for path in published.files if path.startswith(SCORES)]
    if not compared:
        yield f"{SCORES}: no table of scores was published, so none was compared"
    now = list_site(rebuilt, published.version, published.frozen).files
    for path in sorted(published.files.keys() | now.keys()):
        if path.startswith(SCORES) and published.files.get(path) != now.get(path):
            yield f"{path}: differs from a rebuild, so it was altered or is stale"


def find_dead_links(site: Path) -> Iterator[str]:
    """Yield a line for every link of a page to a file that is not there."""
    for page in sorted(site.rglob("*.html")):
        reader = _Links()
        reader.feed(page.read_text("utf-8"))
        for link in sorted(reader.found):
            if not _exists(site, page, link):
                yield f"{page.relative_to(site)}: links to {link}, which is not there"


class _Links(HTMLParser):
    """Collects addresses inside the site."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in the addresses of one tag."""
        for name, value in attrs:
            if name in ("href", "src") and value and not value.startswith(("#", "data:")):
                parts = urlsplit(value)
                if not parts.scheme and not parts.netloc and parts.path:
                    self.found.add(parts.path)


def _exists(site: Path, page: Path, link: str) -> bool:
    start = site if link.startswith("/") else page.parent
    target = start / unquote(link.lstrip("/"))
    return target.is_file() or (target / "index.html").is_file()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is wrong; return the exit code."""
    parser = argparse.ArgumentParser(prog="watch", description=__doc__.split("\n")[0])
    parser.add_argument("--published", required=True, help="Address or folder of the site.")
    parser.add_argument("--rebuilt", required=True, type=Path)
    options = parser.parse_args(arguments)
    where = options.published
    try:
        read = read_web(where) if "://" in where else read_folder(Path(where))
        problems = [*watch(read, options.rebuilt), *find_dead_links(options.rebuilt)]
    except CosmosBoardError as error:
        problems = [str(error)]
    for problem in problems:
        print(problem)  # noqa: T201 - a command of its own
    print(f"{where}: {len(problems)} problems")  # noqa: T201
    return int(ExitCode.REFUSED if problems else ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
