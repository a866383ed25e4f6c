"""Is the published site what a rebuild from nothing gives? Run at night, elsewhere.

`python -m cosmos_board.site.publish.rebuild_check --published URL --rebuilt DIR` fails if a
published file is not as its own list says, or if scores of submissions differ from the rebuilt ones
(altered, or stale). The workflow checks the links of the rebuilt site with lychee.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cosmos_board.core.errors import CosmosBoardError, ExitCode
from cosmos_board.site.publish.versions import (
    FILES,
    NOTHING,
    Read,
    is_listed,
    list_site,
    read_published,
    read_site,
)

SCORES = "data/tables/submissions/"
"""Tables that follow from submitted files alone, so that every machine gives the same bytes."""


def compare_sites(read: Read, rebuilt: Path) -> Iterator[str]:
    """Yield a line for whatever is wrong with a published site, beside the one built from nothing.

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is wrong; return the exit code."""
    parser = argparse.ArgumentParser(prog="rebuild_check", description=__doc__.split("\n")[0])
    parser.add_argument("--published", required=True, help="Address or folder of the site.")
    parser.add_argument("--rebuilt", required=True, type=Path)
    options = parser.parse_args(arguments)
    where = options.published
    try:
        read = read_site(where)
        problems = list(compare_sites(read, options.rebuilt))
    except CosmosBoardError as error:
        problems = [str(error)]
    for problem in problems:
        print(problem)  # noqa: T201 - a command of its own
    print(f"{where}: {len(problems)} problems")  # noqa: T201
    return int(ExitCode.REFUSED if problems else ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
