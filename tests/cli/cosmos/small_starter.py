"""The command line with a smaller starter board: fewer pictures, volumes and slices of each set.

Usage: python -m tests.cli.cosmos.small_starter SLOW|FAST cosmos --starter …
FAST takes a made-up segmenter in the place of the learned one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cosmos_board.cli.cosmos import command
from cosmos_board.cli.main import main
from cosmos_board.data.catalog import starter

UNITS = {"chaos": 36, "montgomery-cxr": 26}
"""Chaos has three series of a patient; one finding wants 200 references in all."""

SLOW = ("box-prior", "grabcut", "cosmos-tiny")
FAST = ("box-prior", "grabcut", f"{Path(__file__).parents[2] / 'runner' / 'segmenters.py'}:Squares")


def make_smaller() -> None:
    """Take 12 pictures or volumes of most targets, and one slice of each volume."""
    rows = {
        name: row.model_copy(update={"units": UNITS.get(name, 12), "slices": 1})
        for name, row in starter.load_starter().items()
    }
    starter.load_starter = lambda: rows  # type: ignore[assignment]


if __name__ == "__main__":
    command.MODELS = {"SLOW": SLOW, "FAST": FAST}[sys.argv.pop(1)]
    make_smaller()
    main()
