"""Warnings of a plan: what is allowed and likely a mistake; each has a key that accepts it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.data.catalog.objects import load_objects
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.reading.files import find_reader
from cosmos_board.data.imports.reading.job import ImageJob
from cosmos_board.data.imports.spec.fields import WARNINGS
from cosmos_board.data.imports.spec.models import MaskSpec
from cosmos_board.data.imports.spec.patterns import find_fields

if TYPE_CHECKING:
    from cosmos_board.data.imports.planning.plan import ImportPlan

_LOOKED_AT = 12
_LOOKED_AT_BYTES = 32 << 20
_SLICES = 8
_MISTAKES = ("swapped", "crossed")
_NEEDS_HALF = ("swapped", "inverted", "borders")
"""Warnings to which single images may give rise with good reason: half of all must do so."""

_VOLUMETRIC = re.compile(r"ct|mr|mr-.*|cmr|pet")
_TOKEN = re.compile(r"[0-9]+|[^\W\d_]+")
_SPELLINGS = {
    "tumor": "tumour", "hemorrhage": "haemorrhage", "oesophagus": "esophagus", "gray": "grey",
    "bowels": "bowel", "tumors": "tumour", "urinary-bladder": "bladder", "disk": "disc",
}  # fmt: skip
_ALIKE = ("tumour", "cancer", "carcinoma", "lesion", "nodule", "mass")


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """One likely mistake."""

    word: str
    """Key of `WARNINGS`, by which it is accepted."""

    text: str

    def __str__(self) -> str:
        """Return it as one line that says how to accept it."""
        return f"warning: {self.text} (if this is meant: --accept {self.word})"


@dataclass(frozen=True, slots=True)
class SampleWarnings:
    """What a small sample of the images of a plan shows."""

    counts: Mapping[str, int]
    """Images by the warnings to which they give rise, and all of them under `images`."""

    units: int
    unread: tuple[str, ...]
    """Why a unit could not be read, for each such."""


def read_sample(plan: ImportPlan) -> SampleWarnings:
    """Read a few units of a plan, evenly taken, and say what they show.

    Of a volume only the first slices are looked at; the sample ends after 32 MiB of files.

    Raises:
        StorageError: If the disk fails.
    """
    from cosmos_board.data.imports.reading.read import read_job

    counts: Counter[str] = Counter()
    unread = []
    sample = _take_sample(plan.jobs)
    for job in sample:
        try:
            drawn = (image for image in read_job(job) if not image.serves_volume_only)
            for image in islice(drawn, _SLICES):
                counts.update(("images", *image.warnings))
        except StorageError:
            raise
        except Exception as error:  # The import itself tells what went wrong.
            unread.append(str(error))
    return SampleWarnings(counts, len(sample), tuple(unread))


def find_warnings(plan: ImportPlan, look: SampleWarnings) -> tuple[PlanWarning, ...]:
    """Return the warnings of a plan that its import file does not accept, each word once."""
    due = [
        *judge_counts(look.counts, "of the images looked at"),
        *_warn_of_sharing(plan),
        *_warn_of_clusters(plan.jobs),
        *_warn_of_objects(plan),
    ]
    first: dict[str, PlanWarning] = {}
    for warning in due:
        first.setdefault(warning.word, warning)
    return tuple(warning for word, warning in first.items() if word not in plan.spec.accept)


def judge_counts(counts: Mapping[str, int], of_what: str) -> list[PlanWarning]:
    """Return the warnings that are due where so many images give rise to them.

    Of `counts`, the images by word, all of them are under `images`.
    """
    images = counts.get("images", 0)
    due = []
    for word, number in sorted(counts.items()):
        if word in WARNINGS and (word not in _NEEDS_HALF or 2 * number >= images):
            due.append(PlanWarning(word, f"{WARNINGS[word]}: {number} of {images} {of_what}"))
    return due


def _take_sample(jobs: Sequence[ImageJob]) -> list[ImageJob]:
    """Return up to twelve jobs, evenly taken, at least one, none after 32 MiB of files."""
    count = min(_LOOKED_AT, len(jobs))
    sample: list[ImageJob] = []
    size_bytes = 0
    for position in range(count):
        job = jobs[(2 * position + 1) * len(jobs) // (2 * count)]
        try:
            size_bytes += sum(map(job.measure_bytes, job.paths))
        except OSError:
            continue
        if sample and size_bytes > _LOOKED_AT_BYTES:
            break
        sample.append(job)
    return sample


def _warn_of_sharing(plan: ImportPlan) -> Iterable[PlanWarning]:
    """Warn of masks that belong to several images of an entry, as those of mistyped parts do."""
    for entry in plan.entries:
        if entry.spec.table:
            continue
        users: dict[tuple[MaskSpec, tuple[str, ...]], list[ImageJob]] = defaultdict(list)
        for job in entry.jobs:
            for files in job.masks:
                if files.spec.kind not in ("coco", "runs"):
                    users[files.spec, files.paths].append(job)
        for (mask, paths), jobs in users.items():
            rest = set(entry.spec.parts_of_paths) - set(mask.parts_of_paths)
            if len(jobs) < 2 or rest <= set(find_fields(entry.spec.modality)):
                continue
            others = [
                files
                for files in jobs[0].masks
                if files.spec == mask and len(users[mask, files.paths]) > 1
            ]
            names = [files.name for files in others]
            word = "crossed" if len(set(names)) < len(names) else "shared"
            parts = ", ".join(f"{{{part}}}" for part in sorted(rest))
            yield PlanWarning(
                word,
                f"{WARNINGS[word]}: {show_path(paths[0])} to {len(jobs)} images, as"
                f" {mask.shown} lacks {parts}",
            )
            break


def _warn_of_clusters(jobs: Iterable[ImageJob]) -> Iterable[PlanWarning]:
    """Warn where each file counts as a patient, and names say that several are of one."""
    by_entry: dict[int, list[ImageJob]] = defaultdict(list)
    for job in jobs:
        if not job.spec.cluster:
            by_entry[id(job.spec)].append(job)
    for alone in by_entry.values():
        groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for job in alone:
            path = job.paths[0] if len(job.paths) == 1 else job.paths[0].rpartition("/")[0]
            groups[_find_patient(path)].append(job.origin)
        first = alone[0]
        slices = (
            _VOLUMETRIC.fullmatch(first.modality) is not None
            and len(first.paths) == 1
            and find_reader(first.spec, first.paths[0]) == "picture"
        )
        if not _are_patients(groups, slices=slices):
            continue
        most = max(groups.values(), key=len)
        yield PlanWarning(
            "clusters",
            f"each of {len(alone)} files counts as a patient of its own, while their names look"
            f" like those of {len(groups)} (such as {show_path(most[0])} and"
            f" {show_path(most[1])}): say cluster",
        )
        return


def _find_patient(path: str) -> tuple[str, ...]:
    """Return what stands before the last number or word of a file's name, and its folder."""
    folder, _, name = path.rpartition("/")
    tokens = _TOKEN.findall(name.partition(".")[0])
    return (folder, *tokens[:-1])


def _are_patients(groups: Mapping[tuple[str, ...], list[str]], *, slices: bool) -> bool:
    files = sum(map(len, groups.values()))
    several = [group for group, paths in groups.items() if len(paths) > 1]
    if 2 * sum(len(groups[group]) for group in several) < files or not several:
        return False
    counted = any(re.search("[0-9]", "".join(_describe_group(group))) for group in several)
    if slices:
        return any(len(group) > 1 for group in several) or len(several) > 1
    return len(groups) > 1 and (counted or len(groups) >= 5) and len(groups) * 100 >= files


def _describe_group(group: tuple[str, ...]) -> tuple[str, ...]:
    """Return what tells a group: its words, or the folder where it has none."""
    return group[1:] or (group[0].rpartition("/")[2],)


def _warn_of_objects(plan: ImportPlan) -> Iterable[PlanWarning]:
    known = load_objects()
    meanings = {
        name for entry in plan.spec.images for mask in entry.masks for name in mask.all_objects
    }
    near = {name: find_near_objects(name) for name in sorted(meanings - known.keys())}
    words = [f"{name} (known: {', '.join(others)})" for name, others in near.items() if others]
    if words:
        yield PlanWarning("objects", f"{WARNINGS['objects']}: {', '.join(words)}")


def find_near_objects(name: str) -> list[str]:
    """Return objects of the catalog that a name which is not in it may stand for.

    Example:
        >>> find_near_objects("lung-tumor"), find_near_objects("kidneys"), find_near_objects("toe")
        (['lung-cancer'], ['kidney'], [])
    """
    known = load_objects()
    words = [_SPELLINGS.get(word, word) for word in name.split("-")]
    tries = ["-".join(words), "-".join(words).removesuffix("s"), "-".join(reversed(words))]
    alike = [
        "-".join([*words[:-1], other]) for other in _ALIKE if len(words) > 1 and words[-1] in _ALIKE
    ]
    near = [candidate for candidate in (*tries, *alike) if candidate in known]
    return list(dict.fromkeys(near or get_close_matches(name, known, 2, 0.85)))


def refuse_mistakes(warnings: Iterable[PlanWarning]) -> None:
    """Refuse a plan with a warning that is a mistake nearly always (InputError)."""
    for warning in warnings:
        if warning.word in _MISTAKES:
            raise InputError("--source", "", str(warning).removeprefix("warning: "))
