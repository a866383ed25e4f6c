"""The integers of `metrics.integers`, counted on a torch device; nothing else here needs torch."""
