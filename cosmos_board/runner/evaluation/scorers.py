"""Where candidates are chosen and scored: on the host, or on the device that drew them.

A GPU answers prompts by the batch; one thread on the host would then have to copy every mask and
score it alone. A segmenter that can leave its masks on a device has them scored there, and a few
integers are copied in place of masks. The integers, and so the rows, are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.scores import Selection
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.models.candidate_checks import copy_prompts
from cosmos_board.models.device_candidates import DeviceSegmenter
from cosmos_board.models.segmenter import Embedding, Segmenter
from cosmos_board.runner.evaluation.answers import Choice, choose
from cosmos_board.runner.settings import Place

References: TypeAlias = Callable[[], Mapping[str, PreparedReference]]
"""Returns the references of one image by id; called by the thread that grades, so that the one
that asks does not prepare them."""

_Answer = TypeVar("_Answer")


class Grader(Protocol[_Answer]):
    """Puts the prompts of one image, and grades what is answered."""

    def ask(self, embedding: Embedding, prompts: Sequence[Prompt]) -> Sequence[_Answer]:
        """Return an answer to each prompt, in order, as it comes from the segmenter."""
        ...

    def grade(
        self, answers: Sequence[_Answer], reference_ids: Sequence[str]
    ) -> list[dict[Selection, Choice]]:
        """Return what each selection takes of each answer, with its scores."""
        ...

    def to_host(self, answer: _Answer) -> Candidates:
        """Return an answer as it can be written down."""
        ...


@dataclass(frozen=True, slots=True)
class HostGrader:
    """Grades masks in the memory of the host; every segmenter can be asked for those."""

    segmenter: Segmenter
    references: References

    def ask(self, embedding: Embedding, prompts: Sequence[Prompt]) -> list[Candidates]:
        """Return what the segmenter answers to each prompt."""
        return self.segmenter.predict(embedding, copy_prompts(prompts))

    def grade(
        self, answers: Sequence[Candidates], reference_ids: Sequence[str]
    ) -> list[dict[Selection, Choice]]:
        """Return what each selection takes of each answer, with its scores."""
        references = self.references()
        return [
            choose(answer, references[reference_id])
            for answer, reference_id in zip(answers, reference_ids, strict=True)
        ]

    def to_host(self, answer: Candidates) -> Candidates:
        """Return the answer itself."""
        return answer


def make_grader(
    segmenter: Segmenter, references: References, size: tuple[int, int], place: Place | None
) -> Grader[Any]:
    """Return what grades the answers of a segmenter to the prompts of one image.

    Args:
        segmenter: It is graded on its device only if it can leave masks there.
        references: Of the image.
        size: Height and width of the image.
        place: Where candidates are graded; where None, on the device unless that is a CPU.
    """
    if place is None and isinstance(segmenter, DeviceSegmenter):
        place = "host" if segmenter.device.startswith("cpu") else "device"
    if place == "device" and isinstance(segmenter, DeviceSegmenter):
        from cosmos_board.runner.evaluation.device_scorer import DeviceGrader, can_grade

        if can_grade(size):
            return DeviceGrader(segmenter, references)
    return HostGrader(segmenter, references)
