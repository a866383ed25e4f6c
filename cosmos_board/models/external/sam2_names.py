"""The weights of SAM 2 under the names of its authors' package, as `transformers` names them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

_POINTS = "sam_prompt_encoder.point_embeddings."
"""Before a number: a row each of one table in the other spelling."""

_MATRIX = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
_MATRIX_NAMES = (
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.shared_embedding.positional_embedding",
)

_RENAMES: tuple[tuple[str, str], ...] = (
    (r"^maskmem_tpos_enc$", "memory_temporal_positional_encoding"),
    (r"^no_mem_embed$", "no_memory_embedding"),
    (r"^no_mem_pos_enc$", "no_memory_positional_encoding"),
    (r"^no_obj_ptr$", "no_object_pointer"),
    (r"^no_obj_embed_spatial$", "occlusion_spatial_embedding_parameter"),
    (r"^obj_ptr_proj\.", "object_pointer_proj."),
    (r"^obj_ptr_tpos_proj\.", "temporal_positional_encoding_projection_layer."),
    (
        r"^image_encoder\.trunk\.patch_embed\.proj\.",
        "vision_encoder.backbone.patch_embed.projection.",
    ),
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.convs\.(\d+)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (
        r"^memory_encoder\.mask_downsampler\.encoder\.12\.",
        "memory_encoder.mask_downsampler.final_conv.",
    ),
    (r"^memory_encoder\.pix_feat_proj\.", "memory_encoder.feature_projection."),
    (r"^memory_encoder\.out_proj\.", "memory_encoder.projection."),
    (r"^memory_encoder\.fuser\.", "memory_encoder.memory_fuser."),
    (r"\.gamma$", ".scale"),
    (r"\.dwconv\.", ".depthwise_conv."),
    (r"\.pwconv(\d)\.", r".pointwise_conv\1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"^sam_prompt_encoder\.", "prompt_encoder."),
    (r"^sam_mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"^sam_mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"^sam_mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"^sam_mask_decoder\.", "mask_decoder."),
    (r"\.out_proj\.", ".o_proj."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"\.norm(\d?)\.", r".layer_norm\1."),
)
"""Pattern and replacement, applied in order."""

_DOWNSAMPLER = r"^memory_encoder\.mask_downsampler\.encoder\.(\d+)\."
"""Three layers for each halving: convolution, norm, activation."""

_TWO_LAYERS = r"(\.blocks\.\d+\.mlp|\.transformer\.layers\.\d+\.mlp)\.layers\.([01])\."
_THREE_LAYERS = r"(_head|_mlps\.\d+|object_pointer_proj)\.layers\.([012])\."


def rename_sam2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict of SAM 2 or 2.1 with the names of `transformers.Sam2VideoModel`.

    A name that SAM 2 has not stays as it is, to be refused where the model is filled. Only two
    kinds of tensors are not taken one to one: the embeddings of point labels become the rows of
    one table, and the matrix of the positional encoding stands under both of its names.
    """
    renamed = {
        _rename(name): tensor
        for name, tensor in state.items()
        if name != _MATRIX and not name.startswith(_POINTS)
    }
    if _MATRIX in state:
        renamed |= dict.fromkeys(_MATRIX_NAMES, state[_MATRIX])
    rows = [name for name in state if name.startswith(_POINTS)]
    if rows:
        rows.sort(key=lambda name: int(name.removeprefix(_POINTS).partition(".")[0]))
        renamed["prompt_encoder.point_embed.weight"] = torch.cat([state[name] for name in rows])
    return renamed


def _rename(name: str) -> str:
    for pattern, new in _RENAMES:
        name = re.sub(pattern, new, name)
    name = re.sub(_DOWNSAMPLER, _name_downsampling, name)
    name = re.sub(_TWO_LAYERS, partial(_name_layer, ("proj_in", "proj_out")), name)
    return re.sub(_THREE_LAYERS, partial(_name_layer, ("proj_in", "layers.0", "proj_out")), name)


def _name_layer(names: Sequence[str], found: re.Match[str]) -> str:
    return f"{found[1]}.{names[int(found[2])]}."


def _name_downsampling(found: re.Match[str]) -> str:
    halving, part = divmod(int(found[1]), 3)
    kind = ("conv", "layer_norm", "activation")[part]
    return f"memory_encoder.mask_downsampler.layers.{halving}.{kind}."
