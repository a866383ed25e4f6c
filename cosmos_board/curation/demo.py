"""The demo packs: real images out of published wheels, and one pack of phantoms."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.cards import ClusterUnit
from cosmos_board.core.errors import InputError
from cosmos_board.curation.curate import curate
from cosmos_board.data.catalog.load import get_dataset
from cosmos_board.data.demo import raw
from cosmos_board.data.demo.wheels import (
    NILEARN,
    PYCERR,
    STARDIST,
    DemoWheel,
    find_cache,
    hold_cache,
    unpacked,
)
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.pack.info import PackInfo, dump_info
from cosmos_board.data.source import SourceImage, SourceUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPack:
    """One demo pack: where it comes from and what is taken."""

    name: str
    """As in the catalog, which knows its licence and what it permits."""

    wheel: DemoWheel | None
    normalisation: str
    cluster_unit: ClusterUnit
    subsample: str
    source: str
    citation: str = ""
    """As the wheel asks for it; empty where the catalog's will do."""

    readers: Mapping[str, Callable[[Path], Iterator[SourceImage]]]
    """By what is read in one go, how it is read from the unpacked wheel."""

    synthetic: bool = False

    def make_info(self) -> PackInfo:
        """Return the facts of the pack, with licence and permissions as the catalog has them."""
        dataset = get_dataset(self.name)
        return PackInfo(
            name=self.name,
            label=dataset.label,
            version=dataset.version,
            licence=dataset.licence,
            source=self.source,
            citation=self.citation or dataset.citation,
            normalisation=self.normalisation,
            cluster_unit=self.cluster_unit,
            permissions=tuple(name for name, given in dataset.permissions.items() if given),
            synthetic=self.synthetic,
            subsample=self.subsample,
        )


DEMO_PACKS: dict[str, DemoPack] = {
    pack.name: pack
    for pack in (
        DemoPack(
            name="demo-nuclei",
            wheel=STARDIST,
            normalisation="percentile",
            cluster_unit="image",
            subsample="one image; 12 of its nuclei above 50 pixels, evenly over their labels",
            source="stardist 0.9.2 (wheel): stardist/data/images/img2d.tif, mask2d.tif",
            readers={"img2d.tif": raw.read_nuclei},
        ),
        DemoPack(
            name="demo-brain",
            wheel=NILEARN,
            normalisation="percentile",
            cluster_unit="volume",
            subsample="5 axial slices, evenly over those that show both tissues",
            source="nilearn 0.14.1 (wheel): ICBM 152 2009a template with tissue maps",
            readers={"ICBM 152 template": raw.read_brain},
        ),
        DemoPack(
            name="demo-chest-ct",
            wheel=PYCERR,
            normalisation="percentile",
            cluster_unit="patient",
            subsample="4 axial slices a patient, evenly over those that show the tumour",
            source="pycerr 2.5.1 (wheel): cerr/datasets/radiomics_phantom_dicom",
            citation=(
                "Lambin, Radiomics Digital Phantom, CancerData 2016, doi:10.17195/candat.2016.08.1;"
                " Lambin et al., Radiomics: the bridge between medical imaging and personalized"
                " medicine, Nature Reviews Clinical Oncology 2017"
            ),
            readers={
                f"patient {patient}": partial(raw.read_chest, patient=patient)
                for patient in (1, 2, 3, 4)
            },
        ),
        DemoPack(
            name="demo-phantoms",
            wheel=None,
            normalisation="none",
            cluster_unit="image",
            subsample="",
            source="drawn by cosmos_board.phantoms",
            readers={"phantoms": raw.read_phantoms},
            synthetic=True,
        ),
    )
}
"""Every demo pack by name, in the order in which they are built."""


def build_demo_packs(
    out: Path, *, progress: Callable[[str], None] | None = None, cache: Path | None = None
) -> list[Path]:
    """Fetch what is needed and build every demo pack in folder `out`; return where they are.

    What is in `cache` is not fetched again; a pack that is there already stays as it is.

    Args:
        out: Folder of the packs, one folder each.
        progress: Called with a line of text before each step.
        cache: Folder for downloads; None for `find_cache()`.

    Raises:
        InputError: If a download fails, or holds other bytes than those we know.
        StorageError: If the disk is full, read-only or gone.
    """
    say = progress or (lambda line: None)
    return [
        build_demo_pack(pack, out / pack.name, say=say, cache=cache or find_cache())
        for pack in DEMO_PACKS.values()
    ]


def build_demo_pack(pack: DemoPack, out: Path, *, say: Callable[[str], None], cache: Path) -> Path:
    """Build one demo pack at `out`; arguments and errors as in `build_demo_packs`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="cosmos-board-")))
        if pack.wheel is not None:
            say(f"fetching {pack.wheel.requirement}")
            stack.enter_context(unpacked(pack.wheel, cache, folder))
        say(f"curating {pack.name}")
        units = [
            SourceUnit(f"{pack.name} {origin}", origin, partial(read, folder))
            for origin, read in pack.readers.items()
        ]
        curate(units, pack.make_info(), out, workers=1)
    return out


_MAKERS = ("core", "curation", "data", "factors", "phantoms", "prompts", "store")
"""Packages whose code decides what a pack holds."""


def find_demo_pack(pack: DemoPack, cache: Path, *, say: Callable[[str], None]) -> Path:
    """Return where `pack` lies below `cache`; it is built there unless it is there and whole.

    Two processes do not build one pack at once: the second waits and uses what the first made.

    Raises:
        InputError: If a download fails, or holds other bytes than those we know.
        InUseError: If another process has been building for minutes.
        StorageError: If the disk is full, read-only or gone.
    """
    folder = cache / "packs"
    out = folder / f"{pack.name}-{hash_recipe(pack)[:16]}"
    with hold_cache(folder):
        if out.exists() and not check_pack(out):
            return out
        shutil.rmtree(out, ignore_errors=True)
        build_demo_pack(pack, out, say=say, cache=cache)
        for problem in check_pack(out):
            raise InputError.plain(problem)
    return out


def hash_recipe(pack: DemoPack) -> str:
    """Return the sha256 of all that decides what the pack holds: its facts, and our own code.

    So a change of the code that makes packs is a new place in the cache.
    """
    digest = hashlib.sha256(dump_info(pack.make_info()))
    for name in _MAKERS:
        for part in _iter_sources(files("cosmos_board") / name, name):
            digest.update(part)
    return digest.hexdigest()


def _iter_sources(folder: Traversable, path: str) -> Iterator[bytes]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _iter_sources(entry, f"{path}/{entry.name}")
        elif not entry.name.endswith(".pyc"):
            data = entry.read_bytes()
            yield f"{path}/{entry.name} {len(data)}\n".encode()
            yield data
