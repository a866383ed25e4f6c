"""How values become 8 bit; held against the protocol's rule written out with numpy."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from tests.corpus.case import Case, Made, Reading, write_spec
from tests.corpus.drawing import SHAPE, cut_slices, draw_letter, draw_letters, draw_noise, one_slice
from tests.corpus.niftis import make_image, read_lps
from tests.corpus.pictures import save, save_mask, seen_by_opencv

MASK = draw_letter()
DRAWN = draw_letters()
LABELS = 'labels = { 1 = "lesion" }'


def spread(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Return values with `low` at 0 and `high` at 255, rounded half up."""
    shares = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    return np.floor(shares * 255 + 0.5).astype(np.uint8)


def span_percentiles(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values between the 0.5th and 99.5th percentile of those above the least."""
    above = np.sort(values[values > values.min()].astype(np.float64), axis=None)
    places = [share * (len(above) - 1) for share in (0.005, 0.995)]
    low, high = (float(np.interp(place, np.arange(len(above)), above)) for place in places)
    return spread(values, low, high)


def _picture(
    stored: NDArray[Any], rule: str, wanted: NDArray[np.uint8] | None, folder: Path
) -> Made:
    """A picture of 16 bits."""
    save(folder / "a.png", stored)
    save_mask(folder / "m.png")
    more = f'normalisation = "{rule}"' if rule else ""
    spec = write_spec("a.png", "m.png", more=more, modality="microscopy")
    reading = seen_by_opencv(folder / "a.png", stored)
    if wanted is None:
        return Made(spec=spec, refusal="normalisation|8 bit", readings=(reading,))
    return Made(spec=spec, slices=one_slice(wanted), readings=(reading,))


def _blank(dtype: str, folder: Path) -> Made:
    """A picture of one value holds nothing to be seen: left out with a word, or black."""
    stored = np.full(SHAPE[1:], 77, dtype)
    save(folder / "a.png", stored)
    save_mask(folder / "m.png")
    reading = seen_by_opencv(folder / "a.png", stored)
    wanted = stored if dtype == "uint8" else np.zeros(SHAPE[1:], np.uint8)
    return Made(
        spec=write_spec("a.png", "m.png", modality="microscopy"),
        slices=one_slice(np.asarray(wanted)), refusal="none is left", readings=(reading,),
        said="blank|one value|constant",
    )  # fmt: skip


def _volume(stored: NDArray[Any], rule: str, wanted: NDArray[np.uint8], folder: Path) -> Made:
    nib.save(make_image(stored), folder / "a.nii.gz")
    nib.save(make_image(DRAWN.astype(np.uint8)), folder / "m.nii.gz")
    spec = write_spec("a.nii.gz", "m.nii.gz", LABELS, f'normalisation = "{rule}"')
    reading = Reading("nibabel", partial(read_lps, folder / "a.nii.gz"), stored)
    return Made(spec=spec, slices=cut_slices(wanted, DRAWN), readings=(reading,))


def _not_finite(value: float, folder: Path) -> Made:
    """Infinity is no brightness."""
    stored = draw_noise(SHAPE).astype(np.float32)
    stored[0, 3, 4] = value
    nib.save(make_image(stored), folder / "a.nii.gz")
    nib.save(make_image(DRAWN.astype(np.uint8)), folder / "m.nii.gz")
    return Made(spec=write_spec("a.nii.gz", "m.nii.gz", LABELS), refusal="finite|infinit")


def _make_two_values() -> NDArray[np.uint16]:
    return np.where(draw_noise() > 150, 40000, 300).astype(np.uint16)


def _make_saturated() -> NDArray[np.uint16]:
    """Nine pixels below the brightest, all else at the brightest."""
    stored = np.full(SHAPE[1:], 60000, np.uint16)
    stored[3, 4:12], stored[20, 7] = np.arange(100, 900, 100), 0
    return stored


def _make_sparse() -> NDArray[np.uint16]:
    """Black but for a few equal pixels."""
    stored = np.zeros(SHAPE[1:], np.uint16)
    stored[5:9, 11:30] = 900
    return stored


DEEP = (np.random.default_rng(3).gamma(2.0, 900.0, SHAPE[1:])).astype(np.uint16)
TWO, SATURATED, SPARSE = _make_two_values(), _make_saturated(), _make_sparse()
HU = np.random.default_rng(4).normal(-200.0, 400.0, SHAPE).astype(np.float32)
TWO_LEVELS = np.where(draw_noise(SHAPE) > 150, 1400, -1000).astype(np.int16)

CASES = (
    Case("percentile", partial(_picture, DEEP, "", span_percentiles(DEEP))),
    Case("minmax", partial(_picture, DEEP, "minmax", spread(DEEP, DEEP.min(), DEEP.max()))),
    Case("window", partial(_picture, DEEP, "window 1500/2000", spread(DEEP, 500, 2500))),
    Case("none", partial(_picture, DEEP, "none", None)),
    Case("two-values", partial(_picture, TWO, "", spread(TWO, 300, 40000))),
    Case("two-values-minmax", partial(_picture, TWO, "minmax", spread(TWO, 300, 40000))),
    Case("saturated", partial(_picture, SATURATED, "", spread(SATURATED, 0, 60000))),
    Case("sparse", partial(_picture, SPARSE, "", spread(SPARSE, 0, 900))),
    *(Case(f"constant-{dtype}", partial(_blank, dtype)) for dtype in ("uint8", "uint16")),
    Case("volume-percentile", partial(_volume, HU, "percentile", span_percentiles(HU))),
    Case("volume-window", partial(_volume, HU, "window -40/400", spread(HU, -240, 160))),
    Case("volume-minmax", partial(_volume, HU, "minmax", spread(HU, HU.min(), HU.max()))),
    Case("volume-two-values", partial(
        _volume, TWO_LEVELS, "percentile", spread(TWO_LEVELS, -1000, 1400))),
    Case("infinite", partial(_not_finite, np.inf)),
    Case("minus-infinite", partial(_not_finite, -np.inf)),
)  # fmt: skip
