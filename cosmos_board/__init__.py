"""A living, reproducible, prompt-aware leaderboard of promptable segmentation models."""

__version__ = "0.1.0"
