"""Assembling packs out of source units."""

from cosmos_board.curation.curate import curate
from cosmos_board.curation.report import ImportReport

__all__ = ["ImportReport", "curate"]
