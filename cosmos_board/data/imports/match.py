"""Which masks belong to which image: by the parts of their paths, or by a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cosmos_board.core.errors import InputError
from cosmos_board.core.modalities import get_modality
from cosmos_board.data.imports.job import ImageJob, MaskFiles
from cosmos_board.data.imports.meanings import find_name, is_skipped
from cosmos_board.data.imports.patterns import Pattern, fill_template
from cosmos_board.data.imports.spec import FileSpec, ImageSpec, MaskSpec
from cosmos_board.data.imports.table import read_table
from cosmos_board.data.imports.walk import Listing

Parts = Mapping[str, str]
Problem = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found for one entry of images."""

    spec: ImageSpec
    jobs: tuple[ImageJob, ...]
    bare: tuple[str, ...]
    """Images without a mask."""

    orphans: tuple[str, ...]
    """Masks without an image."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Files that answer to the same parts."""

    parts: Parts
    paths: tuple[str, ...]
    key: str = ""
    """Array of the file, where one file holds image and mask."""


def match_images(spec: ImageSpec, listing: Listing, origin: str) -> tuple[Matches, list[Problem]]:
    """Return the images of one entry with their masks, and what cannot be used.

    Raises:
        InputError: If a table is not what it should be, or a path names no modality.
    """
    problems: list[Problem] = []
    finders: Sequence[_Finder | _TableFinder]
    if spec.table:
        groups, finders = _from_table(spec, listing, problems)
    else:
        groups = _group(spec, listing.paths)
        known = Pattern(spec.files)
        finders = [_Finder(mask, listing.paths, known.expressions) for mask in spec.masks]
        groups = [group for group in groups if _is_one(spec, group, problems)]
    jobs, bare = [], []
    used: set[str] = set()
    for group in groups:
        masks = tuple(files for finder in finders for files in finder.find(group, problems))
        used.update(path for files in masks for path in files.paths)
        if not masks:
            bare.append(group.paths[0])
            continue
        modality = fill_template(spec.modality, group.parts)
        job = ImageJob(str(listing.root), spec, group.paths, get_modality(modality).name, "", masks)
        cluster = fill_template(spec.cluster, group.parts) or job.origin
        jobs.append(ImageJob(job.root, spec, job.paths, job.modality, cluster, masks))
    seen = {path for finder in finders for path in finder.every_path}
    orphans = tuple(sorted(seen - used - {path for path, _ in problems}))
    return Matches(spec, tuple(jobs), tuple(bare), orphans), problems


def _group(spec: FileSpec, paths: tuple[str, ...]) -> list[_Group]:
    pattern = Pattern(spec.files)
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in paths:
        if (parts := pattern.match(path)) is not None:
            groups[tuple(parts[field] or "" for field in pattern.fields)].append(path)
    return [
        _Group(dict(zip(pattern.fields, key, strict=True)), tuple(found), spec.key)
        for key, found in groups.items()
    ]


def _is_series(spec: FileSpec, path: str) -> bool:
    return bool(spec.stack) or spec.reader == "dicom" or path.lower().endswith(".dcm")


def _is_one(spec: ImageSpec, group: _Group, problems: list[Problem]) -> bool:
    if len(group.paths) == 1 or _is_series(spec, group.paths[0]):
        return True
    reason = f"cannot be told from {len(group.paths) - 1} others: name in files what differs"
    problems += [(path, reason) for path in group.paths]
    return False


class _Finder:
    """Finds the files of one entry of masks by the parts that they share with an image."""

    def __init__(self, spec: MaskSpec, paths: tuple[str, ...], known: Mapping[str, str]) -> None:
        self.spec = spec
        self._pattern = Pattern(spec.files, known)
        self._shared = tuple(field for field in self._pattern.fields if field in known)
        self._groups: dict[tuple[str, ...], list[tuple[Parts, str]]] = defaultdict(list)
        for path in paths:
            if (parts := self._pattern.match(path)) is not None:
                key = tuple(parts[field] or "" for field in self._shared)
                self._groups[key].append((parts, path))

    @property
    def every_path(self) -> Iterable[str]:
        return (path for group in self._groups.values() for _, path in group)

    def find(self, image: _Group, problems: list[Problem]) -> Iterator[MaskFiles]:
        found = self._groups.get(tuple(image.parts[field] for field in self._shared), [])
        if self.spec.key == image.key:
            found = [(parts, path) for parts, path in found if path not in image.paths]
        if self.spec.stack or (
            self.spec.kind == "raster" and found and _is_dicom(self.spec, found)
        ):
            for parts, paths in self._split_series(image, found):
                yield from _name_files(self.spec, parts, paths, problems)
            return
        for parts, path in found:
            yield from _name_files(self.spec, {**image.parts, **parts}, (path,), problems)

    def _split_series(
        self, image: _Group, found: list[tuple[Parts, str]]
    ) -> Iterator[tuple[Parts, tuple[str, ...]]]:
        """Yield the slices of each series: one a name, such as that of an organ's folder."""
        series: dict[str, list[tuple[Parts, str]]] = defaultdict(list)
        for parts, path in found:
            parts = {**image.parts, **parts}
            series[fill_template(self.spec.name, parts)].append((parts, path))
        for files in series.values():
            yield files[0][0], tuple(path for _, path in files)


class _TableFinder:
    """Finds the files of one entry of masks in the rows of a table."""

    def __init__(
        self, spec: MaskSpec, rows: Mapping[str, list[Parts]], known: frozenset[str]
    ) -> None:
        self.spec = spec
        self._rows = rows
        self._known = known
        self.every_path: Iterable[str] = ()

    def find(self, image: _Group, problems: list[Problem]) -> Iterator[MaskFiles]:
        for parts in self._rows[image.paths[0]]:
            path = _fill(self.spec, parts)
            if not path:
                continue
            if path not in self._known:
                problems.append((path, "is in the table and not in the source folder"))
                continue
            yield from _name_files(self.spec, parts, (path,), problems)


def _from_table(
    spec: ImageSpec, listing: Listing, problems: list[Problem]
) -> tuple[list[_Group], list[_TableFinder]]:
    known = frozenset(listing.paths)
    rows: dict[str, list[Parts]] = defaultdict(list)
    for parts in read_table(listing.root, spec.table, listing.paths):
        path = _fill(spec, parts)
        if path in known:
            rows[path].append(parts)
        else:
            problems.append((path, "is in the table and not in the source folder"))
    groups = [_Group(found[0], (path,)) for path, found in rows.items()]
    return groups, [_TableFinder(mask, rows, known) for mask in spec.masks]


def _fill(spec: FileSpec, parts: Parts) -> str:
    pattern = Pattern(spec.files)
    if missing := [field for field in pattern.fields if field not in parts]:
        raise InputError(spec.files, "table", f"has no column {missing[0]}")
    if any(not parts[field] for field in pattern.fields):
        return ""
    return pattern.fill(parts)


def _is_dicom(spec: MaskSpec, found: list[tuple[Parts, str]]) -> bool:
    return all(_is_series(spec, path) for _, path in found)


def _name_files(
    spec: MaskSpec, parts: Parts, paths: tuple[str, ...], problems: list[Problem]
) -> Iterator[MaskFiles]:
    name = fill_template(spec.name, parts)
    if spec.names and spec.name and find_name(name, spec.names) is None:
        if not is_skipped(name, spec.skip):
            problems.append(
                (paths[0], f"has the name {name!r}, which means nothing: add it or skip it")
            )
        return
    yield MaskFiles(spec, paths, name)
