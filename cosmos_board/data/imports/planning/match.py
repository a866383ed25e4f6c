"""The images of one entry of an import file, each with the masks that files really describe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from cosmos_board.core.modalities import get_modality
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.planning.archived import Problem
from cosmos_board.data.imports.planning.described import (
    find_described,
    list_described,
    list_unused_pictures,
)
from cosmos_board.data.imports.planning.mask_finders import (
    SECOND_COPY,
    PathFinder,
    TableFinder,
    TwinsError,
    UnpairedError,
    find_in_table,
    is_dicom,
    is_series,
)
from cosmos_board.data.imports.planning.parts import add_parts
from cosmos_board.data.imports.planning.remarks import remark_on
from cosmos_board.data.imports.planning.selection import Key, Selected, Selection, find_twins
from cosmos_board.data.imports.planning.walk import Listing
from cosmos_board.data.imports.reading.job import ImageJob, MaskFiles
from cosmos_board.data.imports.reading.slice_names import find_unpaired, read_slice_names
from cosmos_board.data.imports.spec.models import ImageSpec
from cosmos_board.data.imports.spec.patterns import fill_template

_UNNAMED_DIFFERENCE = (
    "name in files what differs, or where they are the slices of a volume, say reader = 'dicom' or"
    " stack"
)


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

    passed_over: tuple[str, ...]
    """Files for whose image an earlier alternative finds some, sorted."""

    excluded: frozenset[str]
    """Files that would be used if they were not excluded."""

    matched: frozenset[str]
    """Every file that fits a pattern of it or is named by its table, whatever became of it."""

    remarks: tuple[str, ...]
    """What in its patterns finds nothing, or is not sure to be meant."""


def match_images(
    spec: ImageSpec, listing: Listing, origin: str, field: str = "images"
) -> tuple[Matches, list[Problem]]:
    """Return the images of one entry with their masks, and what cannot be used.

    `origin` and `field` say in messages where the entry stands.

    Raises:
        InputError: If a table is not what it should be, a path names no modality, the paths of
            masks share nothing with those of several images, or all images lie there twice.
    """
    problems: list[Problem] = []
    finders: Sequence[PathFinder | TableFinder]
    selections: list[Selection] = []
    passed_over: set[str] = set()
    if spec.table:
        jobs, finders = find_in_table(spec, listing, problems)
    else:
        images = Selection(spec, listing.paths)
        jobs, passed_over, twins = _group(images, str(listing.root))
        _tell_twins(twins, problems, jobs, (origin, f"{field}.files"))
        jobs = [job for job in jobs if _has_one_file(job, problems)]
        by_path = [PathFinder(mask, listing.paths, spec) for mask in spec.masks]
        for position, finder in enumerate(by_path if len(jobs) > 1 else ()):
            finder.refuse_unshared(origin, f"{field}.masks[{position}]")
        finders = by_path
        selections = [images, *(finder.selection for finder in by_path)]
    matched = {path for job in jobs for path in job.paths}
    matched.update(file.path for selection in selections for file in selection.files)
    jobs = add_parts(spec, jobs, listing, problems)
    jobs, used = _find_masks(jobs, finders, problems, (origin, field))
    passed_over = passed_over.union(*(finder.passed_over for finder in finders)) - used
    claimed = used.union(*(finder.claimed for finder in finders))
    unclaimed = {path for finder in finders for path in finder.every_path} - claimed
    names, reasons = find_described(listing, jobs, problems)
    jobs = [replace(job, masks=tuple(list_described(job, names))) for job in jobs]
    bare = [job.paths[0] for job in jobs if not job.masks]
    matches = Matches(
        spec,
        tuple(_fill_facts(job, listing) for job in jobs if job.masks),
        tuple(bare),
        tuple(sorted(unclaimed - passed_over - {path for path, _ in problems})),
        tuple((path, reasons[path]) for path in bare if path in reasons),
        list_unused_pictures(listing, names),
        tuple(sorted(passed_over)),
        frozenset(path for selection in selections for path in selection.excluded),
        frozenset(matched | used),
        tuple(remark for selection in selections for remark in remark_on(selection)),
    )
    return matches, problems


def _fill_facts(job: ImageJob, listing: Listing) -> ImageJob:
    """Return an image with its modality, its cluster key and where archives hold its files."""
    modality = get_modality(fill_template(job.spec.modality, job.parts)).name
    cluster = fill_template(job.spec.cluster, job.parts) or job.origin
    if job.spec.ignore_case:
        cluster = cluster.casefold()
    archived = listing.archived
    if archived.members:
        members = archived.find_needed(job.every_path)
        taken_out = {path: archived.taken_out[path] for path in members.keys() & archived.taken_out}
        job = replace(job, members=members, taken_out=taken_out)
    return replace(job, modality=modality, cluster_key=cluster)


def _find_masks(
    jobs: list[ImageJob],
    finders: Sequence[PathFinder | TableFinder],
    problems: list[Problem],
    place: tuple[str, str],
) -> tuple[list[ImageJob], set[str]]:
    """Return each image with its masks, and the paths of all masks that belong to one.

    `place` is the import file and the field of the entry, for messages.
    """
    paired: list[ImageJob] = []
    used: set[str] = set()
    origin, field = place
    twins: dict[str, list[TwinsError]] = defaultdict(list)
    for job in jobs:
        try:
            if job.spec.stack == "name" and not is_dicom(job.spec, job.paths[0]):
                names = read_slice_names(job.paths)
                if reason := find_unpaired(names, None, by_order=False, placed=False):
                    raise UnpairedError(reason, ())
            masks: list[MaskFiles] = []
            for position, finder in enumerate(finders):
                where = f"{field}.masks[{position}].files"
                masks += finder.find(job, problems)
        except TwinsError as error:
            twins[where].append(error)
            continue
        except UnpairedError as error:
            problems.append((job.paths[0].rpartition("/")[0] or job.paths[0], error.reason))
            used.update(error.paths)
            continue
        used.update(path for files in masks for path in files.paths)
        paired.append(replace(job, masks=tuple(masks)))
    for where, errors in twins.items():
        _tell_twins(errors, problems, [job for job in paired if job.masks], (origin, where))
    return paired, used


def _tell_twins(
    twins: Sequence[TwinsError],
    problems: list[Problem],
    jobs: Sequence[ImageJob],
    place: tuple[str, str],
) -> None:
    """Add images whose files lie twice to `problems`; where no other is left, refuse the entry."""
    if twins and not jobs:
        raise twins[0].describe(*place) from twins[0]
    problems += [error.problem for error in twins]


def _group(selection: Selection, root: str) -> tuple[list[ImageJob], set[str], list[TwinsError]]:
    """Return the images of an entry, with what is left aside.

    That is files for which an earlier alternative finds some, and series of which two slices
    differ only in folders that are not named.
    """
    spec = cast("ImageSpec", selection.spec)
    groups: dict[tuple[int, Key], list[Selected]] = defaultdict(list)
    common = set.intersection(*(set(pattern.fields) for pattern in selection.patterns))
    first: dict[Key, int] = {}
    passed_over: set[str] = set()
    for file in sorted(selection.files, key=lambda file: file.position):
        shared = selection.make_key(file.parts[name] for name in sorted(common))
        if first.setdefault(shared, file.position) != file.position:
            passed_over.add(file.path)
        else:
            groups[file.position, selection.make_key(file.parts.values())].append(file)
    jobs = []
    twins = []
    for files in groups.values():
        if is_series(spec, files[0].path) and (pair := find_twins(files)):
            twins.append(TwinsError("slices of one series", pair))
            continue
        paths = tuple(file.path for file in files)
        if len(paths) > 1:
            paths = read_slice_names(paths).paths
        jobs.append(ImageJob(root, spec, paths, files[0].parts))
    return jobs, passed_over, twins


def _has_one_file(job: ImageJob, problems: list[Problem]) -> bool:
    if len(job.paths) == 1 or is_series(job.spec, job.paths[0]):
        return True
    copies = len({path.rpartition("/")[2] for path in job.paths}) == 1
    advice = SECOND_COPY if copies else _UNNAMED_DIFFERENCE
    for path in job.paths:
        other = show_path(job.paths[0 if path != job.paths[0] else 1])
        count = len(job.paths) - 1
        problems.append((path, f"cannot be told from {count} others, such as {other}: {advice}"))
    return False
