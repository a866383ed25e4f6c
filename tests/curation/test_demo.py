from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.curation.demo import DEMO_PACKS, build_demo_packs
from cosmos_board.data.catalog.load import get_dataset
from cosmos_board.data.demo.wheels import WHEELS, find_cache
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.pack.info import read_info

CACHED = all(list(find_cache().glob(f"{wheel.package}-{wheel.version}-*.whl")) for wheel in WHEELS)

# On any machine: whoever builds these packs has the images and references that we have.
HASHES = {
    "demo-nuclei": "b3c5869cb39a8412",
    "demo-brain": "3ff42a1adcf46e45",
    "demo-chest-ct": "0dcc1bfc00620940",
}


def test_every_demo_pack_says_where_it_is_from_and_what_is_permitted() -> None:
    for pack in DEMO_PACKS.values():
        info = pack.make_info()

        assert info.licence
        assert info.citation
        assert info.source
        assert set(info.permissions) == {
            name for name, given in get_dataset(pack.name).permissions.items() if given
        }
    assert "commercial" not in DEMO_PACKS["demo-chest-ct"].make_info().permissions
    assert [pack.name for pack in DEMO_PACKS.values() if pack.synthetic] == ["demo-phantoms"]


@pytest.mark.skipif(not CACHED, reason="the demo's wheels are not in the cache; run the demo once")
def test_the_demo_packs_are_whole_real_and_small(tmp_path: Path) -> None:
    lines: list[str] = []

    paths = build_demo_packs(tmp_path, progress=lines.append)

    assert [path.name for path in paths] == list(DEMO_PACKS)
    assert [check_pack(path) for path in paths] == [[]] * len(paths)
    counts = {path.name: read_info(path).counts for path in paths}
    assert {name: (c.images, c.references, c.clusters) for name, c in counts.items()} == {
        "demo-nuclei": (1, 12, 1),
        "demo-brain": (5, 15, 1),
        "demo-chest-ct": (16, 16, 4),
        "demo-phantoms": (24, 72, 24),
    }
    for name, found in counts.items():
        targets = {(target.modality, target.object) for target in found.targets}
        assert targets == {(t.modality, t.object) for t in get_dataset(name).targets}
    assert {name: read_info(tmp_path / name).content_sha256[:16] for name in HASHES} == HASHES
    assert build_demo_packs(tmp_path) == paths
