"""Properties of a reference and its image that make segmentation hard, without any model."""

from cosmos_board.factors.table import FACTORS, Factor, compute_factors

__all__ = ["FACTORS", "Factor", "compute_factors"]
