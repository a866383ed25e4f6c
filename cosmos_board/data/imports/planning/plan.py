"""Plans: which files make which images, found out before any of them is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.data.archives.names import find_kind
from cosmos_board.data.catalog.expected import load_expected
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.planning.conflicts import refuse_two_sources
from cosmos_board.data.imports.planning.expected_parts import is_of_part
from cosmos_board.data.imports.planning.match import Matches, match_images
from cosmos_board.data.imports.planning.problems import describe_problems
from cosmos_board.data.imports.planning.unmatched import (
    Kind,
    describe_unmatched,
    find_unmatched,
)
from cosmos_board.data.imports.planning.walk import list_files
from cosmos_board.data.imports.reading.job import ImageJob
from cosmos_board.data.imports.spec.models import ImportSpec
from cosmos_board.data.source import SourceUnit

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do."""

    spec: ImportSpec
    root: Path
    entries: tuple[Matches, ...]
    """What was found for each entry of images, in the order of the import file."""

    problems: tuple[tuple[str, str], ...]
    """(path, reason) of files that cannot be used, sorted."""

    unmatched: tuple[Kind, ...] = ()
    """Files that may be images or masks and fit no pattern, the most frequent kind first."""

    archives_beside: tuple[str, ...] = ()
    """Archives in the source folder that the import file does not name."""

    @property
    def jobs(self) -> tuple[ImageJob, ...]:
        """Every image that has a mask."""
        return tuple(job for entry in self.entries for job in entry.jobs)

    @property
    def images_without_mask(self) -> tuple[str, ...]:
        """Images that no mask belongs to."""
        return tuple(path for entry in self.entries for path in entry.images_without_mask)

    @property
    def masks_without_image(self) -> tuple[str, ...]:
        """Masks that belong to no image, those in a COCO file by its path and their picture."""
        files = [path for entry in self.entries for path in entry.masks_without_image]
        unclaimed: dict[str, frozenset[str]] = {}
        for entry in self.entries:
            for path, names in entry.unused_pictures.items():
                unclaimed[path] = unclaimed.get(path, names) & names
        inside = [f"{path}: {name}" for path, names in unclaimed.items() for name in sorted(names)]
        return (*files, *inside)

    def units(self) -> tuple[SourceUnit, ...]:
        """Return the work, one unit an image or volume; InputError where there is none."""
        self.refuse_nothing()
        from cosmos_board.data.imports.reading.read import read_job

        texts = {id(entry.spec): repr(entry.spec) for entry in self.entries}
        every = [part for part in load_expected().get(self.spec.name, ()) if part.exclude]
        units = []
        for job in self.jobs:
            parts = tuple(part.part for part in every if is_of_part(job, part))
            key = job.key(f"{texts[id(job.spec)]}{parts or ''}")
            units.append(SourceUnit(key, show_path(job.origin), partial(read_job, job), parts))
        return tuple(units)

    def refuse_nothing(self) -> None:
        """Refuse a plan that reads no image (InputError), with the first reason."""
        if self.jobs:
            return
        problem = "holds no image with a mask"
        reasons = [f"{show_path(path)}: {reason}" for path, reason in self.problems]
        for entry in self.entries:
            reasons += [reason for _, reason in entry.undescribed]
            reasons += _find_mismatch(entry)
        if reasons:
            problem += f": {reasons[0]}"
        if self.archives_beside:
            named = "unpack it" if self.spec.archives else "it is read if archives names it"
            problem += f"; {show_path(self.archives_beside[0])} is an archive: {named}"
        wanted = " or ".join(entry.spec.shown for entry in self.entries[:_EXAMPLES])
        raise InputError(self.root, "--source", problem, want=wanted)

    def describe(self) -> str:
        """Return the plan as text: what would be read, and what cannot be used."""
        lines = [f"{self.spec.label or self.spec.name}: {self.root}"]
        for entry in self.entries:
            lines += _describe_entry(entry)
        for title, paths in (
            ("images without a mask", self.images_without_mask),
            ("masks without an image", self.masks_without_image),
        ):
            if paths:
                lines.append(f"  {len(paths)} {title}: {_show_some(paths)}")
        reasons = [reason for entry in self.entries for _, reason in entry.undescribed]
        lines += [f"  not used: {show_path(reason)}" for reason in reasons[:_EXAMPLES]]
        if len(reasons) > _EXAMPLES:
            lines.append(f"  and {len(reasons) - _EXAMPLES} more like these")
        lines += describe_problems(self.problems)
        excluded = set[str]().union(*(entry.excluded for entry in self.entries))
        if excluded:
            lines.append(f"  {_count(len(excluded), 'file')} excluded: {_show_some(excluded)}")
        passed_over = {path for entry in self.entries for path in entry.passed_over}
        if passed_over:
            lines.append(
                f"  {_count(len(passed_over), 'file')} passed over, as an earlier pattern finds"
                f" others: {_show_some(passed_over)}"
            )
        lines += describe_unmatched(self.unmatched)
        # An entry of which nothing is there is another layout or part that was not downloaded.
        seen = [entry for entry in self.entries if entry.matched or not self.jobs]
        remarks = dict.fromkeys(remark for entry in seen for remark in entry.remarks)
        lines += [f"  look at this: {remark}" for remark in remarks]
        return "\n".join(lines)


def plan_import(spec: ImportSpec, source: Path) -> ImportPlan:
    """Return what importing `source` by `spec` would do; no file is opened but tables.

    Raises:
        InputError: If `source` is no folder, a table is not what it should be, or two entries are
            sources of one object of one image.
    """
    listing = list_files(source, spec.archives)
    matched = [
        match_images(entry, listing, spec.origin, f"images[{position}]")
        for position, entry in enumerate(spec.images)
    ]
    refuse_two_sources([matches for matches, _ in matched], spec.origin)
    known = {path for matches, _ in matched for path in (*matches.matched, *matches.excluded)}
    return ImportPlan(
        spec=spec,
        root=listing.root,
        entries=tuple(matches for matches, _ in matched),
        unmatched=find_unmatched(listing.paths, known),
        archives_beside=tuple(path for path in listing.paths if find_kind(path)),
        problems=tuple(sorted({*listing.refused, *(row for _, rows in matched for row in rows)})),
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _show_some(paths: Collection[str]) -> str:
    shown = sorted(paths)[:_EXAMPLES] if isinstance(paths, set) else list(paths)[:_EXAMPLES]
    return ", ".join(map(show_path, shown)) + (", …" if len(paths) > _EXAMPLES else "")


def _find_mismatch(entry: Matches) -> list[str]:
    """Return why an entry without a job found none, where that can be told."""
    if entry.spec.table:
        return []
    if not entry.images_without_mask:
        return [f"no file fits {entry.spec.shown}"]
    masks = " or ".join(mask.shown for mask in entry.spec.masks)
    if not entry.masks_without_image:
        return [f"no file fits {masks}"]
    image, mask = show_path(entry.images_without_mask[0]), show_path(entry.masks_without_image[0])
    return [f"no image and mask have the same parts, such as {image} and {mask}"]


def _describe_entry(entry: Matches) -> list[str]:
    spec = entry.spec
    jobs = entry.jobs
    lines = [f"  {spec.shown} ({spec.modality}): {len(jobs)} with masks"]
    clusters = len({job.cluster_key for job in jobs})
    how = f"{spec.normalisation}, {spec.plane} plane, {clusters} clusters"
    lines.append(f"    {how}{', masks resampled' if spec.resample else ''}")
    counts = Counter(mask.spec for job in jobs for mask in job.masks)
    for mask in spec.masks:
        who = f" by {mask.observer}" if mask.observer else ""
        lines.append(f"    {mask.shown}: {counts[mask]}{who}: {', '.join(mask.all_objects)}")
    if jobs:
        lines.append(f"    such as {show_path(jobs[0].origin)} in {show_path(jobs[0].cluster_key)}")
    return lines
