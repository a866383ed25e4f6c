"""Where the import files of the real data lie; they hold paths and meanings, no data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.spec.load import read_spec
from cosmos_board.data.source import SourceImage
from tests.shared import SHARED

SPECS = Path(__file__).parent / "import_specs"


def plan_source(source: str) -> ImportPlan:
    """Return the plan of importing one source of the real data."""
    return plan_import(read_spec(SPECS / f"{source}.toml"), SHARED / "data" / source)


def iter_source_images(plan: ImportPlan) -> Iterator[SourceImage]:
    """Yield every image of a plan, one at a time, in the order of the plan."""
    for unit in plan.units():
        yield from unit.read()
