"""The cases of the corpus by family of formats."""

from __future__ import annotations

from tests.corpus import pictures, tiffs

FAMILIES = {
    "picture": pictures.CASES,
    "tiff": tiffs.CASES,
}
