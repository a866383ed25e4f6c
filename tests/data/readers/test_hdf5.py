from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from cosmos_board.data.readers.hdf5 import read_hdf5
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, draw_square
from tests.import_files import iter_source_images

h5py = pytest.importorskip("h5py")


def test_image_and_mask_may_be_two_arrays_of_one_file(tmp_path: Path) -> None:
    """The public copy of the ISBI 2012 stack: `volumes/raw` and `volumes/labels`."""
    with h5py.File(tmp_path / "stack.h5", "w") as file:
        file.create_dataset("volumes/raw", data=draw_noise((3, 32, 32)), compression="gzip")
        file["volumes/labels/drawn"] = np.broadcast_to(draw_square() * 255, (3, 32, 32))
    spec = write_spec("stack.h5", "stack.h5", "object = 'cell'\nkey = 'volumes/labels/drawn'",
                      "key = '/volumes/raw'\nnormalisation = 'none'")  # fmt: skip

    images = list(iter_source_images(plan_import(parse_spec(spec, "s.toml"), tmp_path)))

    assert np.array_equal(np.stack([image.pixels for image in images]), draw_noise((3, 32, 32)))
    assert [int(image.masks["cell"][0].sum()) for image in images] == [144] * 3


def test_an_only_array_needs_no_key_and_one_of_several_does(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x/y"] = draw_noise()
    assert np.array_equal(read_hdf5(tmp_path / "a.h5").array, draw_noise())

    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["z"] = draw_noise()
    with pytest.raises(InputError, match=r"key: names no array.*want x/y or z"):
        read_hdf5(tmp_path / "a.h5")


def test_an_array_that_lies_in_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(64))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = draw_noise()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["linked"] = h5py.ExternalLink("other.h5", "x")
        file.create_dataset(
            "external", (64,), np.uint8, external=[(str(tmp_path / "secret"), 0, 64)]
        )
        layout = h5py.VirtualLayout((32, 32), np.uint8)
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (32, 32))
        file.create_virtual_dataset("virtual", layout)

    with pytest.raises(InputError, match="names no array"):
        read_hdf5(tmp_path / "a.h5", "linked")
    for key in ("external", "virtual"):
        with pytest.raises(InputError, match=f"{key}: lies in another file"):
            read_hdf5(tmp_path / "a.h5", key)


def test_what_is_no_array_of_numbers_too_large_or_damaged_is_one_line(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["text"] = "words"
        file.create_dataset("huge", (1 << 20, 1 << 20), np.uint8, chunks=(64, 64))
    (tmp_path / "cut.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:100])

    for name, key, problem in (
        ("a.h5", "text", "holds no numbers"),
        ("a.h5", "huge", "is too large"),
        ("cut.h5", "", "."),
    ):
        with pytest.raises(InputError, match=problem) as error:
            read_hdf5(tmp_path / name, key)
        assert "\n" not in str(error.value)
