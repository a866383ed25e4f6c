"""Where the import files of the real data lie; they hold paths and meanings, no data."""

from __future__ import annotations

from pathlib import Path

from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.spec.load import read_spec
from tests.shared import SHARED

SPECS = Path(__file__).parent / "import_specs"


def plan_source(source: str) -> ImportPlan:
    """Return the plan of importing one source of the real data."""
    return plan_import(read_spec(SPECS / f"{source}.toml"), SHARED / "data" / source)
