"""The seed of simulations: fixed, so that a red run can be repeated, and free to be another."""

from __future__ import annotations

import os

SEED = int(os.environ.get("COSMOS_BOARD_SEED", "0"))
"""`COSMOS_BOARD_SEED=7 python -m pytest -m slow tests/stats` tries others."""
