"""The cases of the corpus by family of formats."""

from __future__ import annotations

from tests.corpus import (
    arrays,
    described,
    enhanced,
    itks,
    levels,
    niftis,
    pictures,
    segs,
    series,
    sources,
    structures,
    tiffs,
    xrays,
)

FAMILIES = {
    "picture": pictures.CASES,
    "tiff": tiffs.CASES,
    "series": series.CASES,
    "enhanced": enhanced.CASES,
    "x-ray": xrays.CASES,
    "seg": segs.CASES,
    "structures": structures.CASES,
    "nifti": niftis.CASES,
    "itk": itks.CASES,
    "array": arrays.ARRAYS,
    "stack": arrays.STACKS,
    "coco": described.COCOS,
    "labelme": described.LABELMES,
    "runs": described.RUNS,
    "meaning": sources.MEANINGS,
    "names": sources.NAMES,
    "pairing": sources.PAIRINGS,
    "levels": levels.CASES,
}
