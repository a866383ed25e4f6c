"""What a plan finds beside what the catalog expects of a complete copy of the dataset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cosmos_board.core.errors import InputError
from cosmos_board.core.expected import describe_found
from cosmos_board.core.modalities import get_modality
from cosmos_board.data.catalog.expected import ExpectedPart, load_expected
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.planning.plan import ImportPlan
from cosmos_board.data.imports.reading.job import ImageJob
from cosmos_board.data.imports.spec.models import ImageSpec

_EXAMPLES = 3
_WORD = re.compile(r"[^\W_]+")
_FIELD = re.compile(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")


@dataclass(frozen=True, slots=True)
class PartFound:
    """How much of one part of a dataset a plan finds."""

    part: ExpectedPart
    cases: int
    files: int
    """Pictures or volumes with a mask."""

    entries: tuple[ImageSpec, ...]
    """Those entries of the import file that read this part."""

    def describe(self, plan: ImportPlan) -> str:
        """Return it as one line, such as `Task09_Spleen: 41 of 41 cases`."""
        part = self.part
        numbers: dict[tuple[int, int], str] = {}
        for found, expected, unit in (
            (self.cases, part.cases, "cases"),
            (self.files, part.pictures, "pictures"),
            (self.files, part.volumes, "volumes"),
        ):
            if expected is not None:
                # Where a case is one volume, the second number says nothing new.
                numbers.setdefault((found, expected), describe_found(found, expected, unit))
        line = f"{part.part}: {', '.join(numbers.values())}"
        if self.files:
            return line
        wanted = " or ".join(dict.fromkeys(entry.shown for entry in self.entries[:_EXAMPLES]))
        return f"{line}: {_describe_names(plan, self.entries)}, the catalog expects {wanted}"


def compare_plan(plan: ImportPlan) -> tuple[PartFound, ...]:
    """Return what a plan finds of each part that the catalog knows; nothing for other datasets.

    References are not compared: masks are only opened by the import.
    """
    parts = load_expected().get(plan.spec.name, ())
    return tuple(
        _compare_part(plan, part) for part in parts if part.cases or part.pictures or part.volumes
    )


def describe_comparison(plan: ImportPlan) -> list[str]:
    """Return a comparison as lines, none where the catalog knows no number.

    Raises:
        InputError: If none of what the catalog expects was found.
    """
    found = compare_plan(plan)
    if not found:
        return []
    if not any(each.files for each in found):
        first = found[0].describe(plan)
        raise InputError(plan.root, "--source", f"nothing that is expected was found: {first}")
    lines = ["  what the catalog expects of a complete copy:"]
    return lines + [f"    {each.describe(plan)}" for each in found]


def explain_nothing(plan: ImportPlan) -> None:
    """Refuse a plan without an image (InputError) and say which files there are instead.

    Other reasons than names come first: `ImportPlan.refuse_nothing` tells them.
    """
    found = compare_plan(plan)
    if plan.jobs or not found or not plan.unmatched or plan.archives_beside:
        return
    if any(entry.images_without_mask or entry.undescribed for entry in plan.entries):
        return
    raise InputError(plan.root, "--source", f"holds nothing to read: {found[0].describe(plan)}")


def _compare_part(plan: ImportPlan, part: ExpectedPart) -> PartFound:
    jobs = [job for job in plan.jobs if _is_of(job, part)]
    entries = tuple(entry.spec for entry in plan.entries if _may_be_of(entry.spec, part))
    cases = {job.cluster_key for job in jobs}
    return PartFound(part, len(cases), len(jobs), entries)


def _is_of(job: ImageJob, part: ExpectedPart) -> bool:
    if part.modality not in ("", job.modality):
        return False
    return not part.object or any(part.object in mask.spec.all_objects for mask in job.masks)


def _may_be_of(spec: ImageSpec, part: ExpectedPart) -> bool:
    fixed = "" if "{" in spec.modality else get_modality(spec.modality).name
    if part.modality and fixed and part.modality != fixed:
        return False
    return not part.object or any(part.object in mask.all_objects for mask in spec.masks)


def _describe_names(plan: ImportPlan, entries: Sequence[ImageSpec]) -> str:
    """Return which files there are that resemble what the entries read."""
    every = [set(_find_words(entry.spec.patterns)) for entry in plan.entries]
    common = set[str].intersection(*every) if len(plan.entries) > len(entries) else set[str]()
    wanted = {word for entry in entries for word in _find_words(entry.patterns)} - common
    scored = [(len(wanted & _split(kind.example)), kind) for kind in plan.unmatched]
    best = max((score for score, _ in scored), default=0)
    shown = [kind for score, kind in scored if score == best and best > 0][:_EXAMPLES]
    if not shown and not any(entry.jobs for entry in plan.entries):
        shown = list(plan.unmatched[:_EXAMPLES])
    if not shown:
        return "no file is named alike"
    return f"files are named {', '.join(show_path(kind.example) for kind in shown)}"


def _find_words(patterns: Sequence[str]) -> Iterator[str]:
    """Yield the words that stand in patterns as they are, but for endings of files."""
    for pattern in patterns:
        folders, _, name = _FIELD.sub(" ", pattern).rpartition("/")
        yield from _split(folders)
        yield from _split(name.partition(".")[0])


def _split(path: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(path)}
