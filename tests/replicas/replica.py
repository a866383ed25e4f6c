"""Replicas as the tables of this folder (TOML) describe them, and what they have to import to.

[[acdc]]
variant = "…"                        # which download, release or mirror, or what lies beside it
images = 2                           # pictures, and slices with something drawn on them
clusters = 1
references = { "ct/liver" = 2 }      # those that are not empty; "ct/liver by OBSERVER" for others
without_mask = 0                     # files of images that no mask belongs to
without_image = 0                    # files of masks that belong to no image
problems = []                        # files or folders that cannot be used
archives = { "a.zip" = "a1" }        # what is published in which archive: a folder, with "a1/"
                                     # only what is in it, or with "" everything
[acdc.files]                         # paths in braces (`names.expand`) and what stands in them:
"a{1,2}/image.nii.gz" = {}                       # noise (the fields of `contents.Image`)
"a{1,2}/mask.nii.gz" = { codes = [1, 2] }        # blocks of codes (the fields of `Codes`)
"a{1,2}/mask.png" = { colours = [[255, 0, 0]] }  # blocks of colours
"a.h5:labels/b" = { codes = [1] }                # one array of an HDF5 file
"table.csv" = "text"
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import load_spec
from cosmos_board.data.source import SourceImage
from tests.replicas.archives import move_into
from tests.replicas.contents import Content, make_content
from tests.replicas.files import write_tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What comes out of an import; see above."""

    images: int
    clusters: int
    references: Mapping[str, int]
    without_mask: int = 0
    without_image: int = 0
    problems: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replica:
    """The files of one download of one dataset, and what they import to."""

    dataset: str
    variant: str
    files: Mapping[str, Content] = field(repr=False)
    counts: Counts = field(repr=False)
    archives: Mapping[str, str] = field(repr=False, default_factory=dict)

    def write(self, root: Path) -> None:
        """Write its files below a folder."""
        write_tree(root, self.files)

    def write_packed(self, root: Path) -> None:
        """Write its archives below a folder, and the files that are in none of them."""
        self.write(root)
        for archive, folder in self.archives.items():
            move_into(root / archive, root, folder)


def load_replicas() -> list[Replica]:
    """Return every replica of the tables in this folder."""
    tables = sorted(Path(__file__).parent.glob("*.toml"))
    return [replica for table in tables for replica in _read_table(table)]


def _read_table(table: Path) -> Iterator[Replica]:
    rows: dict[str, list[dict[str, Any]]] = tomllib.loads(table.read_text("utf-8"))
    for dataset, entry in ((name, entry) for name, entries in rows.items() for entry in entries):
        files = {path: make_content(value) for path, value in entry.pop("files").items()}
        variant = entry.pop("variant")
        lists: dict[str, Any] = {
            name: tuple(entry.pop(name, ())) for name in ("problems", "refused")
        }
        archives = entry.pop("archives", {})
        yield Replica(dataset, variant, files, Counts(**entry, **lists), archives)


def count_import(dataset: str, root: Path) -> Counts:
    """Import a folder by the catalog's import file and count what comes out."""
    plan = plan_import(load_spec(dataset), root)
    images, clusters, refused = 0, set[str](), list[str]()
    references = Counter[str]()
    for unit in plan.units():
        try:
            read = [image for image in unit.read() if not image.serves_volume_only]
        except InputError:
            refused.append(unit.origin)
            continue
        images += len(read)
        clusters.update(image.cluster_key for image in read)
        references.update(target for image in read for target in _list_targets(image))
    return Counts(
        images=images,
        clusters=len(clusters),
        references=dict(references),
        without_mask=len(plan.images_without_mask),
        without_image=len(plan.masks_without_image),
        problems=tuple(path for path, _ in plan.problems),
        refused=tuple(refused),
    )


def _list_targets(image: SourceImage) -> Iterator[str]:
    """Yield the target of every reference of an image that is not empty."""
    for observer, drawn in {"": image.masks, **image.observers}.items():
        for name, masks in drawn.items():
            target = f"{image.modality}/{name}" + (f" by {observer}" if observer else "")
            yield from (target for mask in masks if mask.any())
