"""What makes a reference hard, measured from image and reference alone."""

from cosmos_board.factors.compute import compute_factors
from cosmos_board.factors.table import FACTORS, Factor, get_factor

__all__ = ["FACTORS", "Factor", "compute_factors", "get_factor"]
