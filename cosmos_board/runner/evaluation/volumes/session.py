"""One volume with one model: asks every prompt of every reference, by every propagation."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from cosmos_board.core.masks import encode_mask
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.volumes import (
    EACH_BOX,
    Effort,
    Propagation,
    SlicePrompt,
    VolumeMask,
    VolumePredictionRow,
    VolumePrompt,
    VolumeReference,
    VolumeScoreRow,
)
from cosmos_board.data.pack.volumes import VolumeItem
from cosmos_board.metrics.volume_reference import (
    PreparedVolumeReference,
    prepare_volume_reference,
)
from cosmos_board.metrics.volume_score import penalise_volume, score_volume
from cosmos_board.models.segmenter import MemorySegmenter, Segmenter, VolumeSegmenter
from cosmos_board.runner.evaluation.model_calls import BatchSizeBackoff, ModelFailureError
from cosmos_board.runner.evaluation.scoring import ImageResult
from cosmos_board.runner.evaluation.volumes.answer import VolumeAnswer
from cosmos_board.runner.evaluation.volumes.chain import NEEDS, Chain, SliceEmbeddings
from cosmos_board.runner.evaluation.volumes.whole import OpenedVolume

Ask: TypeAlias = Callable[[Sequence[SlicePrompt]], VolumeAnswer]
"""Answers one prompt on a volume; raises ModelFailureError where the model fails."""


@dataclass(frozen=True, slots=True)
class VolumeSession:
    """A model, one volume, and what a run asks about it."""

    segmenter: Segmenter
    item: VolumeItem
    settings: RunSettings
    backoff: BatchSizeBackoff = field(default_factory=BatchSizeBackoff)

    def ways(self) -> Iterator[tuple[Propagation, tuple[str, ...], Ask]]:
        """Yield each propagation that the model can do: its name, its prompts, how to ask.

        `each-box` is not among the prompts: its scores come from the 2-D study.
        """
        wanted = [name for name in self.settings.prompts if name != EACH_BOX]
        model = self.segmenter
        if isinstance(model, VolumeSegmenter):
            answered = tuple(name for name in wanted if name in model.volume_prompts)
            name: Propagation = "memory" if isinstance(model, MemorySegmenter) else "native"
            yield name, answered, OpenedVolume(model, self.item.volume).ask
        known = set(model.card.prompts)
        chained = tuple(name for name in wanted if name in NEEDS and NEEDS[name] <= known)
        if chained:
            embeddings = SliceEmbeddings(model, self.item.volume.voxels)
            yield "chain", chained, lambda parts: Chain(embeddings, parts).follow()


def predict_volume(session: VolumeSession) -> Iterator[Callable[[], ImageResult]]:
    """Ask every prompt about one volume; yield what comes of each, already scored.

    A failed answer is scored as an empty mask, with status `failed`; the run continues. Masks are
    scored at once: kept until later, they would take the memory of several volumes.

    Raises:
        DeviceError: If the device is broken.
    """
    item = session.item
    for propagation, prompts, ask in session.ways():
        for reference in item.references:
            given = item.prompts[reference.volume_reference_id]
            asked = [given[name] for name in prompts if name in given]
            if not asked:
                continue
            prepared = prepare_volume_reference(reference.mask(), item.volume.spacing_mm)
            for prompt in asked:
                result = _answer(session, propagation, ask, reference, prompt, prepared)
                yield partial(_return, result)


def _return(result: ImageResult) -> ImageResult:
    return result


def _answer(
    session: VolumeSession,
    propagation: Propagation,
    ask: Ask,
    reference: VolumeReference,
    prompt: VolumePrompt,
    prepared: PreparedVolumeReference,
) -> ImageResult:
    """Ask one prompt and score the answer."""
    result = ImageResult()
    first_slice_s = volume_s = None
    try:
        answer = ask(prompt.slices)
        scores = score_volume(answer.mask, prepared)
        first_slice_s, volume_s = answer.first_slice_s, answer.volume_s
        if session.settings.save_masks:
            key = (reference.volume_reference_id, prompt.name, propagation)
            result.volume_predictions += _keep_slices(answer.mask, *key)
    except ModelFailureError as failure:
        session.backoff.note_failures([failure])
        scores = penalise_volume(prepared, f"failed: {failure}")
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result.volume_rows.append(
        VolumeScoreRow(
            volume_reference_id=reference.volume_reference_id,
            prompt=prompt.name,
            propagation=propagation,
            scores=scores,
            effort=Effort(first_slice_s=first_slice_s, volume_s=volume_s, peak_bytes=peak_bytes),
        )
    )
    return result


def _keep_slices(
    mask: VolumeMask, reference_id: str, prompt: str, propagation: Propagation
) -> Iterator[VolumePredictionRow]:
    """Yield the slices of a mask that are not empty, as run lengths."""
    for index, drawn in enumerate(mask):
        if drawn.any():
            yield VolumePredictionRow(
                volume_reference_id=reference_id,
                prompt=prompt,
                propagation=propagation,
                slice_index=index,
                rle=encode_mask(drawn),
            )
