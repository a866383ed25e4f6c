"""The counts of `metrics.definitions`, on a torch device; the rest of `metrics` needs no torch."""
