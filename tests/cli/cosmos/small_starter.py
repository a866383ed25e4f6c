"""The command line with a smaller starter board: fewer pictures, volumes and slices of each set.

Usage: python -m tests.cli.cosmos.small_starter AMOUNT MODELS cosmos --starter …
AMOUNT is `enough` for ranks and verdicts, or `few`. MODELS is `shipped`, or `drawn`, which has a
made-up segmenter in the place of the learned one.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from cosmos_board.cli.cosmos import command
from cosmos_board.cli.main import main
from cosmos_board.data.catalog import starter

UNITS: dict[str, Mapping[str, int]] = {
    "enough": defaultdict(lambda: 12, {"chaos": 36, "montgomery-cxr": 26}),
    "few": defaultdict(lambda: 2, chaos=4),
}
"""Pictures or volumes of each set. Chaos has three series of a patient; one finding wants 200
references in all."""

MODELS = {
    "shipped": command.MODELS,
    "drawn": (
        "box-prior",
        "grabcut",
        f"{Path(__file__).parents[2] / 'runner' / 'segmenters.py'}:Squares",
    ),
}


def make_smaller(units: Mapping[str, int]) -> None:
    """Take so many pictures or volumes of each set, and one slice of each volume."""
    rows = {
        name: row.model_copy(update={"units": units[name], "slices": 1})
        for name, row in starter.load_starter().items()
    }
    starter.load_starter = lambda: rows  # type: ignore[assignment]


if __name__ == "__main__":
    make_smaller(UNITS[sys.argv.pop(1)])
    command.MODELS = MODELS[sys.argv.pop(1)]
    main()
