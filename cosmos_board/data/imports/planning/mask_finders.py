"""The files of masks that belong to one image: by the parts of their paths, or by a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.names import compose, show_path
from cosmos_board.data.imports.planning.archived import Problem
from cosmos_board.data.imports.planning.parts import name_column
from cosmos_board.data.imports.planning.selection import Key, Selected, Selection, find_twins
from cosmos_board.data.imports.planning.walk import Listing
from cosmos_board.data.imports.reading.job import ImageJob, MaskFiles
from cosmos_board.data.imports.reading.slice_names import find_unpaired, read_slice_names
from cosmos_board.data.imports.spec.models import FileSpec, ImageSpec, MaskSpec
from cosmos_board.data.imports.spec.patterns import Pattern, fill_template, find_fields
from cosmos_board.data.imports.spec.rules import find_name, is_skipped
from cosmos_board.data.readers.regions.text_files import read_csv_table

Parts = Mapping[str, str]

SECOND_COPY = (
    "remove one of the two copies, or name the folders in which they differ as a {part}, or exclude"
)
"""What to do about files that differ only in folders that no part names."""


class PathFinder:
    """Finds the files of one entry of masks by the parts that they share with an image."""

    def __init__(self, spec: MaskSpec, paths: tuple[str, ...], image: ImageSpec) -> None:
        """Look for masks of `spec` among all `paths` of the source folder."""
        self.spec = spec
        self.passed_over: set[str] = set()
        """Masks of an image for which an earlier alternative finds some."""

        self.claimed: set[str] = set()
        """Masks that belong to an image, also those that are skipped."""

        self._image = image
        known: dict[str, str] = {}
        for text in reversed(image.patterns):
            known |= Pattern(text).expressions
        self.selection = Selection(spec, paths, known)
        self._shared = [
            tuple(field for field in pattern.fields if field in known)
            for pattern in self.selection.patterns
        ]
        self._groups: dict[tuple[int, Key], list[Selected]] = defaultdict(list)
        for file in self.selection.files:
            self._groups[file.position, self._make_key(file.position, file.parts)].append(file)

    def _make_key(self, position: int, parts: Parts) -> Key:
        fields = self._shared[position]
        return self.selection.make_key(parts.get(field, "") for field in fields)

    @property
    def every_path(self) -> Iterable[str]:
        """The paths of all masks, also of those that belong to no image."""
        return (file.path for file in self.selection.files)

    def find(self, image: ImageJob, problems: list[Problem]) -> Iterator[MaskFiles]:
        """Yield the masks of an image; what cannot be used is added to `problems`.

        Raises:
            TwinsError: If two of its masks differ only in folders that are not named.
        """
        candidates = self._take_first(image, problems)
        self.claimed.update(file.path for file in candidates)
        if self.spec.kind not in ("coco", "runs") and (twins := find_twins(candidates)):
            raise TwinsError("masks of one image", twins)
        raster = self.spec.kind == "raster" and bool(candidates)
        if self.spec.stack or (raster and all(is_series(self.spec, f.path) for f in candidates)):
            for parts, paths in self._split_series(image, candidates):
                for files in _name_files(self.spec, parts, paths, problems):
                    yield replace(files, paths=self._order_slices(image, files.paths))
            return
        for file in candidates:
            yield from _name_files(self.spec, {**image.parts, **file.parts}, (file.path,), problems)

    def _take_first(self, image: ImageJob, problems: list[Problem]) -> list[Selected]:
        """Return what the first alternative finds that finds something for an image."""
        chosen: list[Selected] = []
        for position in range(len(self._shared)):
            key = self._make_key(position, image.parts)
            candidates = self._groups.get((position, key), [])
            if self.spec.key == image.spec.key:
                others = [file for file in candidates if file.path not in image.paths]
                if candidates and not others and len(image.paths) > 1:
                    reason = (
                        "belongs to the images as well: say in their files what tells it from them"
                    )
                    problems.append((candidates[0].path, reason))
                candidates = others
            if chosen:
                self.passed_over.update(file.path for file in candidates)
            chosen = chosen or candidates
        return chosen

    def _split_series(
        self, image: ImageJob, candidates: list[Selected]
    ) -> Iterator[tuple[Parts, tuple[str, ...]]]:
        """Yield the slices of each series: one a name, such as that of an organ's folder."""
        series: dict[str, list[tuple[Parts, str]]] = defaultdict(list)
        for file in candidates:
            parts = {**image.parts, **file.parts}
            series[fill_template(self.spec.name, parts)].append((parts, file.path))
        for files in series.values():
            yield files[0][0], tuple(path for _, path in files)

    def _order_slices(self, image: ImageJob, paths: Sequence[str]) -> tuple[str, ...]:
        """Return the files of a stack or series in the order of the slices of the image."""
        mask = read_slice_names(paths)
        placed = is_dicom(self._image, image.paths[0])
        if placed and self._image.geometry == "check" and is_dicom(self.spec, paths[0]):
            return mask.paths
        one_file = len(image.paths) == 1 and not self._image.stack
        reason = find_unpaired(
            None if one_file else read_slice_names(image.paths),
            mask,
            by_order="order" in (self._image.stack, self.spec.stack),
            placed=placed and not one_file,
        )
        if reason:
            raise UnpairedError(reason, mask.paths)
        return mask.paths

    def refuse_unshared(self, origin: str, field: str) -> None:
        """Refuse masks of which every one would belong to every image (InputError)."""
        known = self._image.parts_of_paths
        wanted = ", ".join(f"{{{name}}}" for name in known) or "a {part} in the paths of images"
        telling = {*known, *self.spec.parts_of_paths}
        if self.spec.kind == "runs" and not telling & set(find_fields(self.spec.name)):
            problem = "is the same for every image"
            raise InputError(
                origin, f"{field}.name", problem, got=repr(self.spec.name), want=wanted
            )
        used = {position for position, _ in self._groups}
        if all(self._shared[position] for position in used) or self.spec.kind in ("coco", "runs"):
            return
        if known and set(known) <= set(find_fields(self._image.modality)):
            return
        raise InputError(
            origin, f"{field}.files", "shares no part with several images, so that every mask would"
            " belong to every image", got=repr(self.spec.shown), want=wanted,
        )  # fmt: skip


class TableFinder:
    """Finds the files of one entry of masks in the rows of a table."""

    def __init__(
        self, spec: MaskSpec, rows: Mapping[str, list[Parts]], known: Mapping[str, str]
    ) -> None:
        """Take the rows of each image by its path, and the paths of the source folder by name."""
        self.spec = spec
        self._rows = rows
        self._known = known
        self.every_path: Iterable[str] = ()
        self.claimed: set[str] = set()
        self.passed_over: set[str] = set()

    def find(self, image: ImageJob, problems: list[Problem]) -> Iterator[MaskFiles]:
        """Yield the masks of an image; what cannot be used is added to `problems`."""
        for parts in self._rows[image.paths[0]]:
            name = _fill(self.spec, parts)
            if not name:
                continue
            path = _look_up(self._known, name)
            if not path:
                problems.append((name, "is in the table and not in the source folder"))
                continue
            yield from _name_files(self.spec, parts, (path,), problems)


def find_in_table(
    spec: ImageSpec, listing: Listing, problems: list[Problem]
) -> tuple[list[ImageJob], list[TableFinder]]:
    """Return the images in the rows of a table, and what finds their masks in the same rows."""
    known = {compose(path): path for path in listing.paths}
    rows: dict[str, list[Parts]] = defaultdict(list)
    if spec.table not in listing.paths:
        raise InputError(spec.table, "table", "is not in the source folder")
    for cells in read_csv_table(listing.locate(spec.table), spec.table):
        parts = {**{name_column(heading): cell for heading, cell in cells.items()}, **cells}
        name = _fill(spec, parts)
        if path := _look_up(known, name):
            rows[path].append(parts)
        else:
            problems.append((name, "is in the table and not in the source folder"))
    root = str(listing.root)
    jobs = [ImageJob(root, spec, (path,), every[0]) for path, every in rows.items()]
    return jobs, [TableFinder(mask, rows, known) for mask in spec.masks]


class TwinsError(Exception):
    """Two files of one image or series differ only in folders that no part names."""

    def __init__(self, what: str, twins: tuple[Selected, Selected]) -> None:
        """Say what both are taken for, and which they are."""
        self.what = what
        self.twins = twins

    @property
    def problem(self) -> Problem:
        """The refusal of the one image."""
        first, second = (file.path for file in self.twins)
        return first, f"and {show_path(second)} are both taken for {self.what}: {SECOND_COPY}"

    def describe(self, origin: str, field: str) -> InputError:
        """Return the refusal of the import file."""
        first, second = (show_path(file.path) for file in self.twins)
        problem = f"takes two files for {self.what}: {first} and {second}"
        return InputError(origin, field, f"{problem}: {SECOND_COPY}")


class UnpairedError(Exception):
    """The slices of an image and a mask do not belong together."""

    def __init__(self, reason: str, paths: tuple[str, ...]) -> None:
        """Say why, and which masks these are."""
        self.reason = reason
        self.paths = paths


def _name_files(
    spec: MaskSpec, parts: Parts, paths: tuple[str, ...], problems: list[Problem]
) -> Iterator[MaskFiles]:
    name = fill_template(spec.name, parts)
    fold = spec.ignore_case
    by_name = spec.kind == "raster" and spec.names
    if by_name and find_name(name, spec.names, ignore_case=fold) is None:
        if not is_skipped(name, spec.skip, ignore_case=fold):
            problems.append(
                (paths[0], f"has the name {name!r}, which means nothing: add it or skip it")
            )
        return
    yield MaskFiles(spec, paths, name)


def is_series(spec: FileSpec, path: str) -> bool:
    """Return whether several files like this one may be the slices of one volume."""
    return bool(spec.stack) or spec.reader == "dicom" or path.lower().endswith(".dcm")


def is_dicom(spec: FileSpec, path: str) -> bool:
    """Return whether a file is read as DICOM."""
    return spec.reader == "dicom" or (not spec.reader and path.lower().endswith(".dcm"))


def _look_up(known: Mapping[str, str], name: str) -> str:
    """Return the path that a table names, also with backslashes; "" where there is none."""
    name = compose(name)
    return known.get(name) or known.get(name.replace("\\", "/").removeprefix("./"), "")


def _fill(spec: FileSpec, parts: Parts) -> str:
    pattern = Pattern(spec.files)
    if missing := [field for field in pattern.fields if field not in parts]:
        raise InputError(spec.files, "table", f"has no column {missing[0]}")
    if any(not parts[field] for field in pattern.fields):
        return ""
    return fill_template(pattern.text, parts)
