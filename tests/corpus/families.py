"""The cases of the corpus by family of formats."""

from __future__ import annotations

from tests.corpus import (
    arrays,
    cocos,
    enhanced,
    itks,
    jpegs,
    labelmes,
    levels,
    meanings,
    nifti_values,
    niftis,
    pairings,
    pictures,
    run_lengths,
    segs,
    series,
    structures,
    tiff_layouts,
    tiffs,
    xrays,
)

FAMILIES = {
    "picture": (*pictures.CASES, *jpegs.CASES),
    "tiff": (*tiffs.CASES, *tiff_layouts.CASES),
    "series": series.CASES,
    "enhanced": enhanced.CASES,
    "x-ray": xrays.CASES,
    "seg": segs.CASES,
    "structures": structures.CASES,
    "nifti": (*niftis.CASES, *nifti_values.CASES),
    "itk": itks.CASES,
    "array": arrays.ARRAYS,
    "stack": arrays.STACKS,
    "coco": cocos.CASES,
    "labelme": labelmes.CASES,
    "runs": run_lengths.CASES,
    "meaning": meanings.MEANINGS,
    "names": meanings.NAMES,
    "pairing": pairings.CASES,
    "levels": levels.CASES,
}
