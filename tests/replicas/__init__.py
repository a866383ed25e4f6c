"""Miniatures of the real folders of published datasets: right names and codes, tiny arrays."""
