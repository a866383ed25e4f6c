"""The counts of `metrics.definitions`, taken on a torch device; nothing else here needs torch."""
