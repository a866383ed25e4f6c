# ruff: noqa: ANN401 (its package is untyped)
"""SAM 2.1 tiny with seeded random weights in its authors' package, where it is installed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosmos_board.core.volumes import SlicePrompt

MISSING = "the package sam2 is absent (pip install --no-deps sam2 hydra-core iopath omegaconf)"
_MEMORY_PARTS = (
    "maskmem_tpos_enc", "no_mem_embed", "no_mem_pos_enc", "no_obj_ptr", "no_obj_embed_spatial",
)  # fmt: skip
_LOGIT_GAIN = 2.0
"""Makes logits reach about ±12, as those of trained weights do."""


def build_official(side_px: int) -> Any:
    """Return the video predictor of the package, for squares of `side_px`."""
    pytest.importorskip("sam2", reason=MISSING)
    place = side_px // 16
    attention = "++model.memory_attention.layer"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sam2.build_sam import build_sam2_video_predictor

        model = build_sam2_video_predictor(
            "configs/sam2.1/sam2.1_hiera_t.yaml",
            device="cpu",
            hydra_overrides_extra=[
                f"++model.image_size={side_px}",
                f"{attention}.self_attention.feat_sizes=[{place},{place}]",
                f"{attention}.cross_attention.feat_sizes=[{place},{place}]",
                # A slice's mask is where logits are positive: no hole is filled.
                "++model.fill_hole_area=0",
            ],
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _make_random(model)
    return model


def _make_random(model: Any) -> None:
    """Make answers depend on image, prompt and memory; the object is on every slice."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(weight, std=0.1)
            elif name.endswith("gamma"):
                weight.fill_(0.1)
            elif weight.ndim > 1:
                torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
        for name in _MEMORY_PARTS:
            torch.nn.init.normal_(getattr(model, name), std=0.5)
        for mlp in model.sam_mask_decoder.output_hypernetworks_mlps:
            mlp.layers[2].weight.mul_(_LOGIT_GAIN)
        model.sam_mask_decoder.pred_obj_score_head.layers[2].bias.fill_(5)


def ask_official(
    model: Any,
    frames: Tensor,
    size: tuple[int, int],
    prompts: Sequence[SlicePrompt],
    monkeypatch: pytest.MonkeyPatch,
) -> NDArray[np.float32]:
    """Return its logits, axes (slice, row, column), of frames as they enter the network.

    It goes forward, then backward from a fresh state, each from the lowest slice with a prompt.
    """
    import sam2.sam2_video_predictor as package

    monkeypatch.setattr(package, "load_video_frames", lambda **_: (frames, *size))
    monkeypatch.setattr(package, "tqdm", lambda frames, **_: frames)
    logits: dict[int, NDArray[np.float32]] = {}
    for reverse in (False, True):
        state = model.init_state("")
        for part in prompts:
            if part.mask is not None:
                model.add_new_mask(state, part.slice_index, 1, part.mask.decode())
            elif part.prompt.box_xyxy is not None:
                box = np.array(part.prompt.box_xyxy, np.float32)
                model.add_new_points_or_box(state, part.slice_index, 1, box=box)
            else:
                points, labels = part.prompt.points_xy, part.prompt.labels
                model.add_new_points_or_box(
                    state, part.slice_index, 1, points=points.copy(), labels=labels.copy()
                )
        for index, _, found in model.propagate_in_video(state, reverse=reverse):
            logits.setdefault(index, found[0, 0].numpy())
    return np.stack([logits[index] for index in sorted(logits)])
