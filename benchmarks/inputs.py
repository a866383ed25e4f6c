"""What the engine is measured on: one image each of many packs of real data, else phantoms."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.import_folders import import_folder
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.data.pack import PackItem, open_pack

REAL = Path(os.environ.get("COSMOS_BOARD_SHARED", "../shared")) / "data"
"""Folders of raw files, one for each import file of `tests/import_specs`, of the same name."""

BUILD = Path("build/bench")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Packs of which the first image each is used."""

    packs: tuple[Path, ...]
    kind: str
    """`real` or `phantoms`."""

    def read(self) -> list[PackItem]:
        """Return the first image of every pack."""
        return [next(open_pack(path).iter_items(0, 1)) for path in self.packs]

    def describe(self) -> dict[str, object]:
        """Return what a reader must know of the images."""
        items = self.read()
        return {
            "kind": self.kind,
            "images": len(items),
            "references": sum(len(item.references) for item in items),
            "packs": [path.name for path in self.packs],
        }


def find_inputs(count: int) -> Inputs:
    """Return packs of `count` sources of real data, imported where they are not yet; or phantoms.

    `COSMOS_BOARD_PACKS` may name a folder of packs that were imported before.
    """
    given = os.environ.get("COSMOS_BOARD_PACKS")
    folder = Path(given) if given else BUILD / "packs"
    if REAL.is_dir() and not given:
        options = argparse.Namespace(sources=REAL, out=folder, workers=2, shuffle=None)
        for spec in sorted(Path("tests/import_specs").glob("*.toml"))[:count]:
            if (REAL / spec.stem).is_dir() and not (folder / spec.stem / "pack.json").is_file():
                import_folder(spec, options)
    packs = sorted(path.parent for path in folder.glob("*/pack.json"))[:count]
    if packs:
        return Inputs(tuple(packs), "real")
    packs = [BUILD / "phantoms" / f"{number:02d}" for number in range(count)]
    for number, path in enumerate(packs):
        build_phantom_pack(path, 1, seed=number, side=512, name=f"phantoms-{number:02d}", workers=1)
    return Inputs(tuple(packs), "phantoms")
