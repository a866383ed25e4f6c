"""SAM's prompt encoder without waiting for the device."""

from __future__ import annotations

from copy import copy
from typing import Any

import torch
from segment_anything.modeling import PromptEncoder
from torch import Tensor
from torch.nn import functional


class AsyncPromptEncoder(PromptEncoder):  # type: ignore[misc] # segment_anything ships no types
    """The official prompt encoder, whose answers it gives bit for bit.

    The official one picks tokens by bool indices, and to know how many there are the host waits for
    a GPU, up to four times for each group of prompts.
    """

    def _embed_points(self, points: Tensor, labels: Tensor, pad: bool) -> Tensor:
        """Return tokens (P, N, C) of points (P, N, 2) and labels (P, N); `pad` adds one of none."""
        points = points + 0.5  # from the corner of a pixel to its centre
        if pad:
            points = functional.pad(points, (0, 0, 0, 1))
            labels = functional.pad(labels, (0, 1), value=-1)
        tokens: Tensor = self.pe_layer.forward_with_coords(points, self.input_image_size)
        labels = labels[..., None]
        tokens = torch.where(labels == -1, self.not_a_point_embed.weight, tokens)
        for label in (0, 1):
            moved = tokens + self.point_embeddings[label].weight
            tokens = torch.where(labels == label, moved, tokens)
        return tokens


def fold_prompt_encoder(encoder: Any) -> Any:  # noqa: ANN401 (one of the protocol `SamModules`)
    """Return the same encoder, an official one as `AsyncPromptEncoder`; all weights are shared."""
    if type(encoder) is not PromptEncoder:
        return encoder
    twin: Any = copy(encoder)
    twin.__class__ = AsyncPromptEncoder
    return twin
