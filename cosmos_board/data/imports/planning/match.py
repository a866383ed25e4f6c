"""The images of one entry of an import file, each with the files of its masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cosmos_board.core.modalities import get_modality
from cosmos_board.data.imports.names import compose
from cosmos_board.data.imports.planning.described import Problem, find_described
from cosmos_board.data.imports.planning.mask_finders import (
    PathFinder,
    TableFinder,
    UnpairedError,
    find_in_table,
    is_dicom,
    is_series,
)
from cosmos_board.data.imports.planning.walk import Listing
from cosmos_board.data.imports.reading.job import ImageJob
from cosmos_board.data.imports.reading.slice_names import find_unpaired, read_slice_names
from cosmos_board.data.imports.spec.models import ImageSpec
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
    """(path, reason) of images that no table or JSON file of masks describes."""

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
        jobs = [job for job in _group(spec, listing) if _is_one(job, problems)]
        by_path = [PathFinder(mask, listing.paths, spec) for mask in spec.masks]
        for position, finder in enumerate(by_path if len(jobs) > 1 else ()):
            finder.refuse_unshared(origin, f"{field}.masks[{position}]")
        finders = by_path
    jobs, used = _find_masks(jobs, finders, problems)
    seen = {path for finder in finders for path in finder.every_path}
    described = find_described(listing.root, jobs, problems)
    matches = Matches(
        spec,
        tuple(_fill_facts(job) for job in described.jobs if job.masks),
        tuple(job.paths[0] for job in described.jobs if not job.masks),
        tuple(sorted(seen - used - {path for path, _ in problems})),
        tuple(described.undescribed),
        described.unused_pictures,
    )
    return matches, problems


def _fill_facts(job: ImageJob) -> ImageJob:
    """Return an image with its modality and what it is independent of others by."""
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
                _refuse_gap(job.paths)
            masks = tuple(files for finder in finders for files in finder.find(job, problems))
        except UnpairedError as error:
            problems.append((job.paths[0].rpartition("/")[0] or job.paths[0], error.reason))
            used.update(error.paths)
            continue
        used.update(path for files in masks for path in files.paths)
        paired.append(replace(job, masks=masks))
    return paired, used


def _refuse_gap(paths: Sequence[str]) -> None:
    if reason := find_unpaired(read_slice_names(paths), None, by_order=False, placed=False):
        raise UnpairedError(reason, ())


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


def _is_one(job: ImageJob, problems: list[Problem]) -> bool:
    if len(job.paths) == 1 or is_series(job.spec, job.paths[0]):
        return True
    reason = (
        f"cannot be told from {len(job.paths) - 1} others: name in files what differs, or where"
        " they are the slices of a volume, say reader = 'dicom' or stack"
    )
    problems += [(path, reason) for path in job.paths]
    return False
