"""The images of one entry of an import file, each with the masks that files really describe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cosmos_board.core.errors import InputError
from cosmos_board.core.modalities import get_modality
from cosmos_board.data.imports.names import compose
from cosmos_board.data.imports.planning.mask_finders import (
    PathFinder,
    TableFinder,
    UnpairedError,
    find_in_table,
    is_dicom,
    is_series,
)
from cosmos_board.data.imports.planning.walk import Listing, Problem
from cosmos_board.data.imports.reading.job import ImageJob, MaskFiles
from cosmos_board.data.imports.reading.slice_names import find_unpaired, read_slice_names
from cosmos_board.data.imports.spec.models import ImageSpec, MaskSpec
from cosmos_board.data.imports.spec.patterns import Pattern, fill_template


@dataclass(frozen=True, slots=True)
class Matches:
    """The images of one entry and their masks."""

    spec: ImageSpec
    jobs: tuple[ImageJob, ...]
    images_without_mask: tuple[str, ...]
    """Images without a mask."""

    masks_without_image: tuple[str, ...]
    """Masks without an image."""

    undescribed: tuple[Problem, ...]
    """Images that no table or JSON file of masks describes."""

    unused_pictures: Mapping[str, frozenset[str]]
    """By path of a COCO file: its pictures that are no image of this entry."""


def match_images(
    spec: ImageSpec, listing: Listing, origin: str, field: str = "images"
) -> tuple[Matches, list[Problem]]:
    """Return the images of one entry with their masks, and what cannot be used.

    `origin` and `field` say in messages where the entry stands.

    Raises:
        InputError: If a table is not what it should be, a path names no modality, or the paths of
            masks share nothing with those of several images.
    """
    problems: list[Problem] = []
    finders: Sequence[PathFinder | TableFinder]
    if spec.table:
        jobs, finders = find_in_table(spec, listing, problems)
    else:
        jobs = [job for job in _group(spec, listing) if _has_one_file(job, problems)]
        by_path = [PathFinder(mask, listing.paths, spec) for mask in spec.masks]
        for position, finder in enumerate(by_path if len(jobs) > 1 else ()):
            finder.refuse_unshared(origin, f"{field}.masks[{position}]")
        finders = by_path
    jobs, used = _find_masks(jobs, finders, problems)
    seen = {path for finder in finders for path in finder.every_path}
    names, reasons = _find_described(listing.root, jobs, problems)
    jobs = [replace(job, masks=tuple(_list_described(job, names))) for job in jobs]
    bare = [job.paths[0] for job in jobs if not job.masks]
    matches = Matches(
        spec,
        tuple(_fill_facts(job) for job in jobs if job.masks),
        tuple(bare),
        tuple(sorted(seen - used - {path for path, _ in problems})),
        tuple((path, reasons[path]) for path in bare if path in reasons),
        _list_unused_pictures(listing.root, names),
    )
    return matches, problems


def _fill_facts(job: ImageJob) -> ImageJob:
    """Return an image with its modality and its cluster key."""
    modality = get_modality(fill_template(job.spec.modality, job.parts)).name
    cluster = fill_template(job.spec.cluster, job.parts) or job.origin
    return replace(job, modality=modality, cluster_key=cluster)


def _find_masks(
    jobs: list[ImageJob], finders: Sequence[PathFinder | TableFinder], problems: list[Problem]
) -> tuple[list[ImageJob], set[str]]:
    """Return each image with its masks, and the paths of all masks that belong to one."""
    paired: list[ImageJob] = []
    used: set[str] = set()
    for job in jobs:
        try:
            if job.spec.stack == "name" and not is_dicom(job.spec, job.paths[0]):
                names = read_slice_names(job.paths)
                if reason := find_unpaired(names, None, by_order=False, placed=False):
                    raise UnpairedError(reason, ())
            masks = tuple(files for finder in finders for files in finder.find(job, problems))
        except UnpairedError as error:
            problems.append((job.paths[0].rpartition("/")[0] or job.paths[0], error.reason))
            used.update(error.paths)
            continue
        used.update(path for files in masks for path in files.paths)
        paired.append(replace(job, masks=masks))
    return paired, used


def _group(spec: ImageSpec, listing: Listing) -> list[ImageJob]:
    pattern = Pattern(spec.files)
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in listing.paths:
        if (parts := pattern.match(compose(path))) is not None:
            groups[tuple(parts[field] or "" for field in pattern.fields)].append(path)
    return [
        ImageJob(
            str(listing.root),
            spec,
            read_slice_names(paths).paths,
            dict(zip(pattern.fields, values, strict=True)),
        )
        for values, paths in groups.items()
    ]


def _has_one_file(job: ImageJob, problems: list[Problem]) -> bool:
    if len(job.paths) == 1 or is_series(job.spec, job.paths[0]):
        return True
    reason = (
        f"cannot be told from {len(job.paths) - 1} others: name in files what differs, or where"
        " they are the slices of a volume, say reader = 'dicom' or stack"
    )
    problems += [(path, reason) for path in job.paths]
    return False


_Names = dict[tuple[MaskSpec, str], dict[str, str]]
"""By file of masks: what it calls each picture."""


def _find_described(
    root: Path, jobs: Sequence[ImageJob], problems: list[Problem]
) -> tuple[_Names, dict[str, str]]:
    """Return what JSON files and tables call each image, and why they do not describe others.

    What cannot be used is added to `problems`.
    """
    wanted: _Names = defaultdict(dict)
    for job in jobs:
        for files in job.masks:
            if files.spec.kind in ("coco", "runs"):
                wanted[files.spec, files.paths[0]][job.paths[0]] = files.name
    names: _Names = {}
    reasons: dict[str, str] = {}
    for (spec, path), pictures in wanted.items():
        try:
            names[spec, path] = _find_names(root, spec, path, pictures, reasons)
        except InputError as error:
            names[spec, path] = {}
            reason = str(error).replace(f"{root / path}: ", "")
            problems.append((path, reason))
            reasons.update(dict.fromkeys(pictures, f"{path}: {reason}"))
    return names, reasons


def _list_unused_pictures(root: Path, names: _Names) -> dict[str, frozenset[str]]:
    from cosmos_board.data.readers.regions.coco import list_coco_pictures

    return {
        path: frozenset(list_coco_pictures(root / path)) - {*pictures.values()}
        for (spec, path), pictures in names.items()
        if spec.kind == "coco" and pictures
    }


def _list_described(job: ImageJob, names: _Names) -> Iterator[MaskFiles]:
    for files in job.masks:
        pictures = names.get((files.spec, files.paths[0]))
        if pictures is None:
            yield files
        elif job.paths[0] in pictures:
            yield replace(files, name=pictures[job.paths[0]])


def _find_names(
    root: Path, spec: MaskSpec, path: str, pictures: Mapping[str, str], reasons: dict[str, str]
) -> dict[str, str]:
    """Return what a file of masks calls each picture; those it does not know get a reason."""
    if spec.kind == "runs":
        from cosmos_board.data.readers.regions.run_tables import list_pictures

        rows = list_pictures(root / path, spec.columns)
        absent = {picture: name for picture, name in pictures.items() if name not in rows}
        for picture, name in absent.items():
            reasons[picture] = f"no row of {path} is called {name}"
        return {picture: name for picture, name in pictures.items() if picture not in absent}
    from cosmos_board.data.readers.regions.coco import list_coco_pictures

    names = match_pictures(list(pictures), list_coco_pictures(root / path), path)
    reasons.update({picture: reason for picture, (name, reason) in names.items() if not name})
    return {picture: name for picture, (name, _) in names.items() if name}


def match_pictures(
    paths: Sequence[str], names: Sequence[str], where: str
) -> dict[str, tuple[str, str]]:
    r"""Return for each path the name of its picture, or "" and the reason why there is none.

    A name fits a path if one is the end of the other, folder by folder; `\\` counts as `/`, and
    of an address only the path counts. Equal paths win; what stays ambiguous is refused.

    Args:
        paths: Of the pictures, below the source folder.
        names: What the file calls its pictures.
        where: The file, for messages.

    Example:
        >>> match_pictures(["x/a.png", "b.png"], ["a.png"], "ann.json")
        {'x/a.png': ('a.png', ''), 'b.png': ('', 'no picture of ann.json is called b.png')}
    """
    rows: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for name in names:
        steps = _split(name)
        rows[steps[-1]].append((steps, name))
    chosen: dict[str, tuple[str, str]] = {}
    owners: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        steps = tuple(compose(path).split("/"))
        fitting = _choose(steps, rows.get(steps[-1], []))
        if len(fitting) == 1:
            chosen[path] = (fitting[0], "")
            owners[fitting[0]].append(path)
        elif fitting:
            same = ", ".join(fitting[:3])
            chosen[path] = ("", f"{len(fitting)} pictures of {where} may be {path}: {same}")
        else:
            other = next((f", only {name}" for _, name in rows.get(steps[-1], [])), "")
            chosen[path] = ("", f"no picture of {where} is called {path}{other}")
    for name, several in owners.items():
        exact = [path for path in several if tuple(compose(path).split("/")) == _split(name)]
        for path in several if len(several) > 1 else ():
            if path not in exact:
                same = " and ".join(several[:3])
                chosen[path] = ("", f"{where} calls {len(several)} pictures {name}: {same}")
    return chosen


def _choose(steps: tuple[str, ...], rows: Sequence[tuple[tuple[str, ...], str]]) -> list[str]:
    """Return the names that fit a path, the closest only."""
    inner = [row for row in rows if steps[-len(row[0]) :] == row[0]]
    longest = max((len(row[0]) for row in inner), default=0)
    outer = [name for row, name in rows if row[-len(steps) :] == steps]
    return [name for row, name in inner if len(row) == longest] or outer


def _split(name: str) -> tuple[str, ...]:
    if "://" in name:
        name = unquote(urlsplit(name).path)
    steps = compose(name).replace("\\", "/").split("/")
    return tuple(step for step in steps if step not in ("", ".")) or ("",)
