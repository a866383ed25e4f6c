"""One volume with one model: every prompt by every propagation, scored in 3-D."""

from cosmos_board.runner.evaluation.volumes.session import VolumeSession, predict_volume

__all__ = ["VolumeSession", "predict_volume"]
