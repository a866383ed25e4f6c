"""Repairs of models in `transformers` that do not compute what their authors published."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def mend_sam_hq(model: Any) -> None:  # noqa: ANN401 (transformers is untyped)
    """Let SAM-HQ's decoder draw its masks from what the transformer made of the image.

    `transformers` 5.24 drops that half of the transformer's answer and upscales the features from
    before it, where Ke et al. 2023 (`mask_decoder_hq.py`) upscale those from after it. Where the
    library does as they do, this changes nothing.
    """
    decoder = model.mask_decoder
    kept: list[Tensor] = []

    def keep(_module: object, _given: object, answer: tuple[Tensor, Tensor]) -> None:
        kept.append(answer[1])  # axes (P, 1, place, channel)

    def give(_module: object, given: tuple[Tensor]) -> tuple[Tensor]:
        return (kept.pop().transpose(2, 3).reshape(given[0].shape),)

    decoder.transformer.register_forward_hook(keep)
    decoder.upscale_conv1.register_forward_pre_hook(give)
