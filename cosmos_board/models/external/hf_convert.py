"""SAM as `transformers` writes it, as the same model made of `segment_anything`'s classes.

One architecture, two spellings. In the official one our faster decoder, everything mode and
fine-tuning work as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import Tensor, nn

from cosmos_board.core.errors import InputError
from cosmos_board.models.sam.segmenter import SAM_MEAN, SAM_STD
from cosmos_board.models.weights.state_dicts import fill_module

_TIED = "prompt_encoder.shared_embedding.positional_embedding"
_HEADS = r"(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head)\.)"

_RENAMES: tuple[tuple[str, str], ...] = (
    (
        r"^shared_image_embedding\.positional_embedding$",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"^vision_encoder\.layers\.", "image_encoder.blocks."),
    (r"^vision_encoder\.patch_embed\.projection\.", "image_encoder.patch_embed.proj."),
    (r"^vision_encoder\.neck\.conv1\.", "image_encoder.neck.0."),
    (r"^vision_encoder\.neck\.layer_norm1\.", "image_encoder.neck.1."),
    (r"^vision_encoder\.neck\.conv2\.", "image_encoder.neck.2."),
    (r"^vision_encoder\.neck\.layer_norm2\.", "image_encoder.neck.3."),
    (r"^vision_encoder\.", "image_encoder."),
    (r"^prompt_encoder\.point_embed\.", "prompt_encoder.point_embeddings."),
    (r"^prompt_encoder\.mask_embed\.conv1\.", "prompt_encoder.mask_downscaling.0."),
    (r"^prompt_encoder\.mask_embed\.layer_norm1\.", "prompt_encoder.mask_downscaling.1."),
    (r"^prompt_encoder\.mask_embed\.conv2\.", "prompt_encoder.mask_downscaling.3."),
    (r"^prompt_encoder\.mask_embed\.layer_norm2\.", "prompt_encoder.mask_downscaling.4."),
    (r"^prompt_encoder\.mask_embed\.conv3\.", "prompt_encoder.mask_downscaling.6."),
    (r"^mask_decoder\.upscale_conv1\.", "mask_decoder.output_upscaling.0."),
    (r"^mask_decoder\.upscale_layer_norm\.", "mask_decoder.output_upscaling.1."),
    (r"^mask_decoder\.upscale_conv2\.", "mask_decoder.output_upscaling.3."),
    (r"\.layer_norm_final_attn\.", ".norm_final_attn."),
    (r"\.layer_norm(\d)\.", r".norm\1."),
)


def to_official(model: Any, where: Path) -> Sam:  # noqa: ANN401 (transformers is untyped)
    """Return the official model with the weights of a `transformers.SamModel`, not copied.

    Raises:
        InputError: If it has a shape that the official classes cannot take.
    """
    sam = _build(model.config, where)
    head_depth = model.config.mask_decoder_config.iou_head_depth
    depths = {"output_hypernetworks_mlps": 3, "iou_prediction_head": head_depth}
    fill_module(sam, rename(model.state_dict(), depths), where, "an official SAM")
    return sam


def rename(state: Mapping[str, Tensor], head_depths: Mapping[str, int]) -> dict[str, Tensor]:
    """Return a state dict of a `transformers.SamModel` under the official names.

    `head_depths` are the layers of each kind of head, numbered from its first to its last.
    """
    return {_rename(key, head_depths): value for key, value in state.items() if key != _TIED}


def _rename(key: str, head_depths: Mapping[str, int]) -> str:
    if head := re.match(_HEADS, key):
        start, rest = head[1], key[head.end() :]
        depth = next(depth for name, depth in head_depths.items() if name in start)
        rest = re.sub(r"^layers\.(\d+)\.", lambda layer: f"layers.{int(layer[1]) + 1}.", rest)
        rest = re.sub(r"^proj_in\.", "layers.0.", rest)
        return start + re.sub(r"^proj_out\.", f"layers.{depth - 1}.", rest)
    for pattern, new in _RENAMES:
        key = re.sub(pattern, new, key)
    return key


def _build(config: Any, where: Path) -> Sam:  # noqa: ANN401
    vision, prompt = config.vision_config, config.prompt_encoder_config
    decoder = config.mask_decoder_config
    _refuse_other_shapes(vision, prompt, decoder, where)
    grid = (prompt.image_embedding_size,) * 2
    with torch.device("meta"):
        sam = Sam(
            image_encoder=ImageEncoderViT(
                img_size=vision.image_size,
                patch_size=vision.patch_size,
                in_chans=vision.num_channels,
                embed_dim=vision.hidden_size,
                depth=vision.num_hidden_layers,
                num_heads=vision.num_attention_heads,
                mlp_ratio=vision.mlp_dim / vision.hidden_size,
                out_chans=vision.output_channels,
                qkv_bias=vision.qkv_bias,
                norm_layer=partial(nn.LayerNorm, eps=vision.layer_norm_eps),
                use_abs_pos=vision.use_abs_pos,
                use_rel_pos=vision.use_rel_pos,
                window_size=vision.window_size,
                global_attn_indexes=tuple(vision.global_attn_indexes),
            ),
            prompt_encoder=PromptEncoder(
                embed_dim=prompt.hidden_size,
                image_embedding_size=grid,
                input_image_size=(prompt.image_size, prompt.image_size),
                mask_in_chans=prompt.mask_input_channels,
            ),
            mask_decoder=MaskDecoder(
                num_multimask_outputs=decoder.num_multimask_outputs,
                transformer=TwoWayTransformer(
                    depth=decoder.num_hidden_layers,
                    embedding_dim=decoder.hidden_size,
                    num_heads=decoder.num_attention_heads,
                    mlp_dim=decoder.mlp_dim,
                    attention_downsample_rate=decoder.attention_downsample_rate,
                ),
                transformer_dim=decoder.hidden_size,
                iou_head_depth=decoder.iou_head_depth,
                iou_head_hidden_dim=decoder.iou_head_hidden_dim,
            ),
            pixel_mean=list(SAM_MEAN),
            pixel_std=list(SAM_STD),
        )
    # transformers reads this from the file; the official classes have their own constant.
    for layer in sam.mask_decoder.transformer.layers:
        for norm in (layer.norm1, layer.norm2, layer.norm3, layer.norm4):
            norm.eps = decoder.layer_norm_eps
    return sam


def _refuse_other_shapes(vision: Any, prompt: Any, decoder: Any, where: Path) -> None:  # noqa: ANN401
    fixed = {
        "vision_config.hidden_act": (vision.hidden_act, "gelu"),
        "vision_config.num_pos_feats": (vision.num_pos_feats, prompt.hidden_size // 2),
        "prompt_encoder_config.hidden_act": (prompt.hidden_act, "gelu"),
        "prompt_encoder_config.image_size": (prompt.image_size, vision.image_size),
        "prompt_encoder_config.num_point_embeddings": (prompt.num_point_embeddings, 4),
        "mask_decoder_config.hidden_act": (decoder.hidden_act, "relu"),
        "mask_decoder_config.num_multimask_outputs": (decoder.num_multimask_outputs, 3),
    }
    for name, (value, expected) in fixed.items():
        if value != expected:
            raise InputError(where, name, "is not as SAM has it", got=value, want=expected)
