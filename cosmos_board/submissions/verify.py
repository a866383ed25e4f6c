"""`python -m cosmos_board.submissions.verify FOLDER`: is everything as it was accepted?"""

from __future__ import annotations

import sys
from pathlib import Path

from cosmos_board.core.errors import ExitCode
from cosmos_board.submissions.ledger import find_current, read_ledger, verify_ledger


def main(root: Path) -> int:
    """Print a line for whatever differs and return the exit code."""
    problems = verify_ledger(root)
    for problem in problems:
        print(problem)  # noqa: T201 - a command of its own
    entries, _ = read_ledger(root)
    count = len(find_current(entries))
    print(f"{root}: {count} entries in force, {len(problems)} problems")  # noqa: T201
    return int(ExitCode.REFUSED if problems else ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "submissions")))
