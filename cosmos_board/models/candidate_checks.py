"""What a model returns, checked in one place before anything is scored.

An answer of another form is a failed answer: it is never cast, cropped or cut at a threshold, since
nobody can know what its author meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Rle
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.rle import check_runs
from cosmos_board.models.segmenter import DeviceCandidates, Embedding

Size = tuple[int, int]
"""Height and width of an image, in pixels."""


_LONGEST = 160


class CandidatesError(Exception):
    """A model returned something of another form; its text says what is wrong."""

    def __init__(self, text: str, trace: str = "") -> None:
        super().__init__(text)
        self.trace = trace
        """Where the model raised in a process of its own, as Python prints it: several lines."""


def describe_raised(kind: str, text: str) -> str:
    """Return the type and the first line of what a model raised, at most 160 characters.

    Example:
        >>> describe_raised("ValueError", "no such axis")
        'ValueError: no such axis'
    """
    return ": ".join((kind, *text.strip().splitlines()[:1]))[:_LONGEST]


def copy_prompts(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Return prompts that a model may write into without changing what is asked later."""
    return [
        replace(prompt, points_xy=prompt.points_xy.copy(), labels=prompt.labels.copy())
        for prompt in prompts
    ]


def check_embedding(embedding: object, size: Size) -> Embedding:
    """Return what `embed` gave for an image of `size`.

    Raises:
        CandidatesError: If it is no `Embedding` of an image of that size.
    """
    if not isinstance(embedding, Embedding):
        raise CandidatesError(f"embed returned {_name(embedding)}, expected Embedding")
    if (embedding.height, embedding.width) != size:
        raise CandidatesError(
            f"the embedding is of {embedding.height} x {embedding.width} pixels, "
            f"expected {size[0]} x {size[1]}"
        )
    return embedding


def list_predictions(answers: object, prompts: int) -> list[object]:
    """Return what `predict` gave for so many prompts, one answer each.

    Raises:
        CandidatesError: If it is no list, or of another length.
    """
    if not isinstance(answers, Iterable):
        raise CandidatesError(f"predict returned {_name(answers)}, expected a list of Candidates")
    listed = list(answers)
    if len(listed) != prompts:
        raise CandidatesError(f"{len(listed)} answers to {prompts} prompts")
    return listed


def check_candidates(
    answer: Any,  # noqa: ANN401 - whatever the model returned
    size: Size,
    *,
    keeps_logits: bool,
) -> Any:  # noqa: ANN401
    """Return the answer to one prompt: `Candidates`, or `DeviceCandidates`.

    Arrays are copied where they are in the memory of the host: a model may use its own again.
    Logits are dropped where they are not fed back.

    Raises:
        CandidatesError: If it is of another form.
    """
    if isinstance(answer, DeviceCandidates):
        count = _check_masks(answer.masks, size)
        return replace(answer, predicted_iou=_check_estimates(answer.predicted_iou, count))
    if not isinstance(answer, Candidates):
        raise CandidatesError(f"the answer is {_name(answer)}, expected Candidates")
    if not isinstance(answer.masks, np.ndarray):
        raise CandidatesError(f"masks are {_name(answer.masks)}, expected a numpy array")
    count = _check_masks(answer.masks, size)
    return Candidates(
        answer.masks.copy(order="C"),
        _check_estimates(answer.predicted_iou, count),
        _check_logits(answer.logits, count) if keeps_logits else None,
    )


def _check_masks(masks: Any, size: Size) -> int:  # noqa: ANN401 - of numpy or torch
    """Return how many masks there are."""
    kind = str(masks.dtype).removeprefix("torch.")
    if kind != "bool":
        raise CandidatesError(f"masks are {kind}, expected bool")
    shape: tuple[int, ...] = tuple(masks.shape)
    if len(shape) != 3 or shape[0] < 1 or shape[1:] != size:
        raise CandidatesError(
            f"masks have shape {_show(shape)}, expected (K, {size[0]}, {size[1]}) with K of 1 or "
            "more"
        )
    return shape[0]


def _check_estimates(estimates: object, count: int) -> NDArray[np.float32]:
    """Return one number per mask; one that is not finite is allowed beside one that is."""
    if not isinstance(estimates, np.ndarray):
        raise CandidatesError(f"predicted_iou is {_name(estimates)}, expected a numpy array")
    if estimates.shape != (count,):
        raise CandidatesError(
            f"predicted_iou has shape {_show(estimates.shape)}, expected ({count},)"
        )
    if estimates.dtype.kind not in "fiu":
        raise CandidatesError(f"predicted_iou is {estimates.dtype}, expected float32")
    if count > 1 and not np.isfinite(estimates).any():
        raise CandidatesError("predicted_iou is NaN or infinite for every mask")
    return estimates.copy()


def _check_logits(logits: object, count: int) -> NDArray[np.float32] | None:
    if logits is None:
        return None
    if not isinstance(logits, np.ndarray) or logits.dtype.kind != "f":
        kind = logits.dtype if isinstance(logits, np.ndarray) else _name(logits)
        raise CandidatesError(f"logits are {kind}, expected float32")
    if logits.ndim != 3 or len(logits) != count:
        raise CandidatesError(f"logits have shape {_show(logits.shape)}, expected ({count}, y, x)")
    if not np.isfinite(logits).all():
        raise CandidatesError("logits are not finite")
    return logits.copy()


def check_everything(answer: object, size: Size) -> EverythingCandidates:
    """Return the checked masks of everything mode in an image of `size`; there may be none.

    Raises:
        CandidatesError: If it is of another form.
    """
    if not isinstance(answer, EverythingCandidates):
        raise CandidatesError(
            f"segment_everything returned {_name(answer)}, expected EverythingCandidates"
        )
    rles, estimates = tuple(answer.rles), tuple(answer.predicted_iou)
    if len(rles) != len(estimates):
        raise CandidatesError(f"{len(estimates)} predicted_iou of {len(rles)} masks")
    for rle in rles:
        _check_rle(rle, size)
    for estimate in estimates:
        if not isinstance(estimate, int | float | np.floating):
            raise CandidatesError(f"a predicted_iou is {_name(estimate)}, expected float")
    return EverythingCandidates(rles, tuple(float(estimate) for estimate in estimates))


def _check_rle(rle: object, size: Size) -> None:
    if not isinstance(rle, Rle):
        raise CandidatesError(f"a mask is {_name(rle)}, expected Rle")
    if (rle.height, rle.width) != size:
        raise CandidatesError(
            f"a mask has {rle.height} x {rle.width} pixels, expected {size[0]} x {size[1]}"
        )
    if not isinstance(rle.counts, bytes):
        raise CandidatesError(f"the counts of a mask are {_name(rle.counts)}, expected bytes")
    try:
        check_runs(rle.counts, rle.height, rle.width)
    except InputError as error:
        raise CandidatesError(str(error)) from error


def _name(thing: object) -> str:
    return "None" if thing is None else type(thing).__name__


def _show(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
