# ruff: noqa: ANN401 (transformers is untyped)
"""Small models of `transformers` with seeded random weights, saved as a user would have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

SIDE = 128
_WIDTH = 32
_DECODER = {
    "hidden_size": _WIDTH,
    "mlp_dim": 64,
    "num_attention_heads": 4,
    "iou_head_hidden_dim": 32,
}
_PROMPT = {"hidden_size": _WIDTH, "image_size": SIDE, "patch_size": 16}
_VIT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": 16,
    "output_channels": _WIDTH,
    "num_pos_feats": _WIDTH // 2,
    "global_attn_indexes": [1],
    "window_size": 5,
}
_SIZES = [[32, 32], [16, 16], [8, 8]]
_MEMORY_WIDTH = 128
"""Twice the 64 channels of a memory, which the library fixes."""

_MEMORY = {
    "image_size": SIDE,
    "num_maskmem": 3,
    "max_object_pointers_in_encoder": 4,
    "memory_attention_hidden_size": _MEMORY_WIDTH,
    "memory_attention_feed_forward_hidden_size": 64,
    "memory_attention_num_layers": 2,
    "memory_encoder_hidden_size": _MEMORY_WIDTH,
    "memory_encoder_output_channels": 64,
    "mask_downsampler_embed_dim": _MEMORY_WIDTH,
    "memory_fuser_embed_dim": _MEMORY_WIDTH,
    "memory_fuser_intermediate_dim": 64,
}
_PERCEIVER = {
    "memory_attention_mlp_hidden_size": 64,
    "memory_attention_rope_k_sizes": [4, 4],
    "perceiver_resampler_hidden_size": 64,
    "perceiver_resampler_attention_head_dim": 64,
    "perceiver_resampler_mlp_intermediate_size": 64,
    "perceiver_resampler_num_latents": 16,
    "perceiver_resampler_num_latents_2d": 16,
}
_PAD = {"size": {"longest_edge": SIDE}, "pad_size": {"height": SIDE, "width": SIDE}}
_SQUASH = {"size": {"height": SIDE, "width": SIDE}}


def build_sam() -> Any:
    config = transformers.SamConfig(
        vision_config=_VIT, prompt_encoder_config=_PROMPT, mask_decoder_config=_DECODER
    )
    return transformers.SamModel(config)


def build_sam_hq() -> Any:
    config = transformers.SamHQConfig(
        vision_config=_VIT,
        prompt_encoder_config=_PROMPT,
        mask_decoder_config={**_DECODER, "vit_dim": _VIT["hidden_size"]},
    )
    return transformers.SamHQModel(config)


def _describe_sam2(width: int = _WIDTH) -> dict[str, Any]:
    hiera = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "image_size": [SIDE, SIDE],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 2, 4],
        "window_size_per_stage": [8, 4, 4, 2],
        "global_attention_blocks": [3],
        "num_attention_heads": 1,
    }
    vision = {
        "backbone_config": hiera,
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": _SIZES,
        "fpn_hidden_size": width,
    }
    return {
        "vision_config": vision,
        "prompt_encoder_config": {**_PROMPT, "hidden_size": width},
        "mask_decoder_config": {**_DECODER, "hidden_size": width},
    }


def build_sam2() -> Any:
    return transformers.Sam2Model(transformers.Sam2Config(**_describe_sam2()))


def build_sam2_video() -> Any:
    config = transformers.Sam2VideoConfig(
        **_describe_sam2(_MEMORY_WIDTH), **_MEMORY, memory_attention_rope_feat_sizes=_SIZES[-1]
    )
    return transformers.Sam2VideoModel(config)


def _describe_edgetam(width: int = _WIDTH) -> dict[str, Any]:
    backbone = {
        "model_type": "timm_wrapper",
        "architecture": "repvit_m1.dist_in1k",
        "do_pooling": False,
        "num_classes": 2,
        "label_names": ["a", "b"],
        "model_args": {
            "in_chans": 3,
            "features_only": True,
            "out_indices": [0, 1, 2, 3],
            "embed_dim": [8, 16, 24, 32],
            "depth": [1, 1, 1, 1],
        },
    }
    vision = {
        "model_type": "edgetam_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": [32, 24, 16, 8],
        "backbone_feature_sizes": _SIZES,
        "fpn_hidden_size": width,
    }
    return {
        "vision_config": vision,
        "prompt_encoder_config": {**_PROMPT, "hidden_size": width},
        "mask_decoder_config": {**_DECODER, "hidden_size": width},
    }


def build_edgetam() -> Any:
    return transformers.EdgeTamModel(transformers.EdgeTamConfig(**_describe_edgetam()))


def build_edgetam_video() -> Any:
    config = transformers.EdgeTamVideoConfig(
        **_describe_edgetam(_MEMORY_WIDTH),
        **_MEMORY,
        **_PERCEIVER,
        memory_attention_rope_feat_sizes=_SIZES[-1],
    )
    return transformers.EdgeTamVideoModel(config)


def build_sam3() -> Any:
    vit = {
        "model_type": "sam3_vit_model",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "patch_size": 16,
        "window_size": 4,
        "global_attn_indexes": [1],
        "pretrain_image_size": SIDE,
    }
    vision = {
        "model_type": "sam3_vision_model",
        "backbone_config": vit,
        "fpn_hidden_size": _WIDTH,
        "backbone_feature_sizes": _SIZES,
    }
    config = transformers.Sam3TrackerConfig(
        vision_config=vision, prompt_encoder_config=_PROMPT, mask_decoder_config=_DECODER
    )
    return transformers.Sam3TrackerModel(config)


def _pad_processor(kind: str) -> Any:
    processor = getattr(transformers, kind)
    return processor(transformers.SamImageProcessor(**_PAD))


FAMILIES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "sam": (build_sam, lambda: _pad_processor("SamProcessor")),
    "sam-hq": (build_sam_hq, lambda: _pad_processor("SamHQProcessor")),
    "sam2": (
        build_sam2,
        lambda: transformers.Sam2Processor(transformers.Sam2ImageProcessor(**_SQUASH)),
    ),
    "edgetam": (
        build_edgetam,
        lambda: transformers.Sam2Processor(transformers.Sam2ImageProcessor(**_SQUASH)),
    ),
    "sam3": (
        build_sam3,
        lambda: transformers.Sam3TrackerProcessor(transformers.Sam3ImageProcessor(**_SQUASH)),
    ),
}
"""How to make the model and the processor of each family."""


VIDEO_FAMILIES: dict[str, Callable[[], Any]] = {
    "sam2": build_sam2_video,
    "edgetam": build_edgetam_video,
}
"""How to make the video model of each family that has one; image processors are those above."""


def save_small(family: str, folder: Path) -> tuple[Any, Any]:
    """Write a model and its processor to `folder`; return both."""
    make_model, make_processor = FAMILIES[family]
    return _save(make_model, make_processor(), folder, gain=1.5)


def save_small_video(family: str, folder: Path) -> tuple[Any, Any]:
    """Write a video model and its processor to `folder`; return both."""
    images = transformers.Sam2ImageProcessor(**_SQUASH)
    videos = transformers.Sam2VideoVideoProcessor(**_SQUASH)
    processor = transformers.Sam2VideoProcessor(images, videos)
    # Less than for images: what rounds differently must not grow from slice to slice.
    return _save(VIDEO_FAMILIES[family], processor, folder, gain=1.0)


def _save(
    make_model: Callable[[], Any], processor: Any, folder: Path, *, gain: float
) -> tuple[Any, Any]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make_model().eval()
        _sharpen(model, gain)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return model, processor


def _sharpen(model: Any, gain: float) -> None:
    """Make answers depend on image and prompt, and logits leave the neighbourhood of zero."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(weight, std=0.1)
            elif weight.ndim > 1:
                torch.nn.init.normal_(weight, std=gain / weight[0].numel() ** 0.5)
        for name, weight in model.mask_decoder.named_parameters():
            if "hypernetworks" in name and "proj_out" in name:
                weight.mul_(20)
            if name == "pred_obj_score_head.proj_out.bias":
                weight.fill_(5)  # the object is on every slice
