"""Procedural images with references, for tests, training, planted effects and large packs."""
