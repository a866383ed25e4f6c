from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.masks import Pixels
from cosmos_board.curation.curate import curate
from cosmos_board.data.pack import Pack, open_pack
from cosmos_board.data.pack import items as items_module
from cosmos_board.data.pack.png import decode_png, encode_png
from cosmos_board.factors import compute_factors
from cosmos_board.prompts import freeze_prompts
from cosmos_board.store.parquet import iter_rows, write_rows
from cosmos_board.store.schema import PACK_IMAGES, PACK_PROMPTS, PACK_REFERENCES
from tests.curation.units import INFO, build_discs, make_image, yield_images

OTHER = encode_png(np.zeros((40, 40), np.uint8))


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return open_pack(build_discs(tmp_path / "pack"))


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    """A pack of three parts, each of two blocks of two images."""
    monkeypatch.setattr("cosmos_board.curation.assemble._BLOCK_IMAGES", 2)
    monkeypatch.setattr("cosmos_board.curation.assemble._PART_PX", 4 * 40 * 40)
    return open_pack(build_discs(tmp_path / "blocks", range(12)))


def rewrite(pack: Pack, folder: str, schema: Any, change: dict[str, object]) -> None:  # noqa: ANN401
    path = pack.path / folder / "part-00000.parquet"
    first, *others = iter_rows(path, schema)
    write_rows(path, schema, [{**first, **change}, *others])


def test_images_come_back_as_they_were_curated(pack: Pack) -> None:
    sources = [make_image(seed) for seed in range(6)]

    items = list(pack.iter_items())

    assert sorted(item.image.pixels.tobytes() for item in items) == sorted(
        source.pixels.tobytes() for source in sources
    )
    for item in items:
        for reference in item.references:
            mask = reference.mask()
            rows, columns = np.nonzero(mask)
            assert reference.box_xyxy == (columns.min(), rows.min(), columns.max(), rows.max())
            assert item.prompts[reference.reference_id] == freeze_prompts(mask)
            assert item.factors[reference.reference_id] == compute_factors(item.image.pixels, mask)


def test_colour_images_come_back(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    unit = yield_images(replace(make_image(1), pixels=pixels))
    curate([unit], INFO, tmp_path / "p", workers=1)

    (item,) = open_pack(tmp_path / "p").iter_items()
    assert np.array_equal(item.image.pixels, pixels)


def test_a_part_of_a_pack_is_read_alone(blocks: Pack) -> None:
    ids = [item.image.image_id for item in blocks.iter_items()]

    assert len(blocks.blocks) == 6
    assert [len(list((blocks.path / "images").iterdir()))] == [3]
    assert [row["image_id"] for row in blocks.iter_image_rows()] == ids
    for start, stop in ((0, 1), (3, 8), (11, 12), (12, 20), (5, 5)):
        part = [item.image.image_id for item in blocks.iter_items(start, stop)]
        assert part == ids[start:stop]


def test_only_wanted_images_are_decoded(blocks: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [row["image_id"] for row in blocks.iter_image_rows()]
    decoded: list[str] = []

    def decode(image_id: str, data: bytes, height: int, width: int) -> Pixels:
        decoded.append(image_id)
        return decode_png(image_id, data, height, width)

    monkeypatch.setattr(items_module, "decode_png", decode)

    items = list(blocks.iter_items(wanted={ids[4], ids[9]}))

    assert [item.image.image_id for item in items] == decoded == [ids[4], ids[9]]


def test_rows_list_images_and_references_without_pictures_and_masks(pack: Pack) -> None:
    images, references = list(pack.iter_image_rows()), list(pack.iter_reference_rows())

    assert {(row["height"], row["width"], row["modality"]) for row in images} == {
        (40, 40, "synthetic")
    }
    assert [row["image_id"] for row in references] == [
        row["image_id"] for row in images for _ in range(3)
    ]
    assert "rle" not in references[0]
    assert "png" not in images[0]


def test_a_second_observer_is_read_by_name(pack: Pack) -> None:
    masks = pack.read_observer("second")

    assert len(masks) == 6
    assert all(name.endswith(".organ.0") for name in masks)
    with pytest.raises(UnknownNameError, match="second"):
        pack.read_observer("third")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"png": b"GIF89a" + bytes(40)}, "is no PNG file", id="other magic"),
        pytest.param({"png": b"\x89PNG"}, "is cut off", id="cut off"),
        pytest.param({"height": 41}, r"has another size \(got 40 x 40, want 41 x 40\)", id="size"),
        pytest.param({"sha256": "0" * 64}, "is not the id of its pixels", id="other hash"),
        pytest.param({"png": OTHER}, "has other pixels", id="other pixels"),
    ],
)
def test_an_image_that_cannot_be_used_is_named(
    pack: Pack, change: dict[str, object], words: str
) -> None:
    rewrite(pack, "images", PACK_IMAGES, change)
    bad: list[tuple[str, str]] = []

    items = list(pack.iter_items(on_bad=lambda image_id, error: bad.append((image_id, str(error)))))

    first = next(pack.iter_image_rows())["image_id"]
    assert [image_id for image_id, _ in bad] == [first]
    assert first in bad[0][1]
    assert len(items) == 5
    with pytest.raises(InputError, match=words):
        list(pack.iter_items())


def test_a_picture_with_a_damaged_middle_is_named(pack: Pack) -> None:
    path = pack.path / "images" / "part-00000.parquet"
    png = bytearray(next(iter_rows(path, PACK_IMAGES))["png"])
    png[len(png) // 2] ^= 255
    rewrite(pack, "images", PACK_IMAGES, {"png": bytes(png)})

    with pytest.raises(InputError, match=r"png: is damaged|has other pixels"):
        list(pack.iter_items())


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        pytest.param(b"", "counts length 0 outside", id="empty"),
        pytest.param(b"\x00\x01", "counts byte outside", id="other characters"),
        pytest.param(b"11", "runs sum to 2, image has 1600 pixels", id="too short"),
        pytest.param(b"ooooo0", "longer than the image", id="huge run"),
        pytest.param(b"ooooooooo0", "number longer than", id="endless number"),
    ],
)
def test_hostile_run_lengths_reach_no_decoder(pack: Pack, counts: bytes, words: str) -> None:
    rewrite(pack, "references", PACK_REFERENCES, {"rle": counts})

    with pytest.raises(InputError, match=words):
        list(pack.iter_items())


@pytest.mark.parametrize(
    "change", [{"points": [1, 2, 3]}, {"box": [1, 2]}, {"points": [1, 2], "labels": []}]
)
def test_a_malformed_prompt_is_refused(pack: Pack, change: dict[str, object]) -> None:
    rewrite(pack, "prompts", PACK_PROMPTS, change)

    with pytest.raises(InputError):
        list(pack.iter_items())


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        open_pack(tmp_path / "none")
    with pytest.raises(InputError, match=r"pack\.json: does not exist"):
        open_pack(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(b"{", "is no JSON", id="no JSON"),
        pytest.param(b"[]", "schema_version: is missing", id="no object"),
        pytest.param(b"[" * 100_000, "is no JSON", id="deep"),
        pytest.param(b'{"schema_version": 3}', "is newer than this program", id="newer"),
        pytest.param(b'{"schema_version": 1}', "pack.json: name: ", id="incomplete"),
        pytest.param(b"\xff\xfe", "is no JSON", id="no text"),
    ],
)
def test_a_pack_json_that_is_none_is_refused(tmp_path: Path, text: bytes, words: str) -> None:
    (tmp_path / "pack.json").write_bytes(text)

    with pytest.raises(InputError, match=words) as caught:
        open_pack(tmp_path)
    assert "\n" not in str(caught.value)
