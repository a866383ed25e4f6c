"""Which images of a plan are of a part of a dataset whose numbers the catalog knows."""

from __future__ import annotations

from functools import cache

from cosmos_board.data.catalog.expected import ExpectedPart
from cosmos_board.data.imports.names import compose
from cosmos_board.data.imports.reading.job import ImageJob
from cosmos_board.data.imports.spec.patterns import Pattern, fits_any


def is_of_part(job: ImageJob, part: ExpectedPart) -> bool:
    """Return whether an image counts for a part: by its target and by its path."""
    if not has_target_of(job, part):
        return False
    return not fits_any(compose(job.paths[0]), _compile(part.exclude))


def has_target_of(job: ImageJob, part: ExpectedPart) -> bool:
    """Return whether an image has the modality of a part and may show its object."""
    if part.modality not in ("", job.modality):
        return False
    return not part.object or any(part.object in mask.spec.all_objects for mask in job.masks)


@cache
def _compile(patterns: tuple[str, ...]) -> tuple[Pattern, ...]:
    return tuple(Pattern(text, ignore_case=True) for text in patterns)
