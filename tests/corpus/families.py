"""The cases of the corpus by family of formats."""

from __future__ import annotations

from tests.corpus import enhanced, itks, niftis, pictures, segs, series, structures, tiffs, xrays

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
}
