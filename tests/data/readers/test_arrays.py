"""Bare arrays of every layout that NumPy writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.arrays import read_array
from tests.data.raw_files import draw_noise

VOLUME = draw_noise((3, 5, 7))


@pytest.mark.parametrize("kind", ["?", "u1", ">u2", "<i4", ">f2", "<f4", ">f8", "<u8"])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_values_and_axes_are_those_that_were_saved(
    tmp_path: Path,
    kind: str,
    layout: Any,  # noqa: ANN401
) -> None:
    array = np.asarray(VOLUME.astype(kind), order=layout)
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", one=array, other=array[0])

    assert np.array_equal(read_array(tmp_path / "a.npy").array, array)
    assert np.array_equal(read_array(tmp_path / "a.npz", "other").array, array[0])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (VOLUME.astype(np.complex64), "holds no numbers"),
        (np.zeros(3, [("a", "u1"), ("b", "f4")]), "holds no numbers"),
        (np.array("text"), "holds no numbers"),
        (np.float64(3), "size: is empty"),
        (np.zeros((0, 4)), "size: is empty"),
    ],
    ids=["complex", "records", "text", "one number", "nothing"],
)
def test_what_is_no_array_of_numbers_is_refused(
    tmp_path: Path, array: NDArray[Any], message: str
) -> None:
    np.save(tmp_path / "a.npy", array)

    with pytest.raises(InputError, match=message):
        read_array(tmp_path / "a.npy")


def test_one_of_several_arrays_has_to_be_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=VOLUME, labels=VOLUME)

    with pytest.raises(InputError, match=r"key: names no array .got '', want images or labels"):
        read_array(tmp_path / "a.npz")
