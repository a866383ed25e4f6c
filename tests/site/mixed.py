"""A board of what must be kept apart: real and synthetic, open and withheld, three tracks."""

from __future__ import annotations

from pathlib import Path

from tests.site_board import EVERY, MODELS, Dataset, Model, make_board

SUBMITTED = (
    Model("sent-core", "Sent core", "sent", "promptable", 0.86, EVERY, track="core",
          tier="self-reported"),
    Model("sent-core-2", "Sent core 2", "sent", "promptable", 0.80, EVERY, track="core",
          tier="audited"),
    Model("sent-counts", "Sent counts", "sent", "promptable", 0.84, EVERY, track="counts",
          tier="audited"),
)  # fmt: skip
SETS = (
    Dataset("chest", "Chest CT", (("ct", "lung"), ("ct", "heart")), 12, 2),
    Dataset("brain", "Brain MR", (("mr-t1", "grey-matter"),), 11, 2),
    Dataset("drawn", "Drawn scans", (("ct", "lung"), ("ct", "disc"), ("synthetic", "disc")), 12, 2,
            synthetic=True),
    Dataset("private", "Own patients", (("ultrasound", "nerve"), ("ultrasound", "lesion")), 5, 2,
            permissions=()),
)  # fmt: skip
DRAWN = {"ct.disc", "synthetic.disc"}
"""Targets of synthetic images alone; `ct.lung` has real ones too."""


def make_mixed_board(path: Path) -> Path:
    """Write the board at `path` and return it."""
    return make_board(path, (*MODELS, *SUBMITTED), SETS, studies=True)
