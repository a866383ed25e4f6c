"""Assembling packs out of source units."""
