"""Small models of the official classes with seeded random weights."""

from __future__ import annotations

import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)

from cosmos_board.core.cards import ModelCard
from cosmos_board.models.sam.segmenter import SAM_MEAN, SAM_STD

INPUT_SIZE_PX = 128

CARD = ModelCard(
    name="small",
    label="Small",
    family="sam",
    kind="promptable",
    prompts=("everything", "point", "points-5", "points-5-5", "box", "box-point"),
    clicks=True,
    mask_input=True,
    input_size_px=INPUT_SIZE_PX,
)


def build_small_sam(seed: int = 0) -> Sam:
    """Return an official SAM that sees 128 px through a ViT of width 32 and depth 2.

    Random weights answer every prompt with the same faint noise. Here attention is sharpened,
    so that answers depend on the prompt, logits are stretched beyond everything mode's
    offset of 1, and lowered, so that masks are small and their boxes differ.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sam = _build(width=64, patch=8)
    with torch.no_grad():
        for name, module in sam.mask_decoder.transformer.named_modules():
            if name.endswith(("q_proj", "k_proj")):
                module.weight.mul_(6)
        constant_channel = sam.mask_decoder.output_upscaling[3]
        constant_channel.weight[:, 0] = 0
        constant_channel.bias[0] = 1
        for head in sam.mask_decoder.output_hypernetworks_mlps:
            head.layers[-1].weight.mul_(200)
            head.layers[-1].weight[0] = 0
            head.layers[-1].bias[0] = -16
    return sam.eval()


def _build(width: int, patch: int) -> Sam:
    grid = (INPUT_SIZE_PX // patch, INPUT_SIZE_PX // patch)
    return Sam(
        image_encoder=ImageEncoderViT(
            img_size=INPUT_SIZE_PX,
            patch_size=patch,
            embed_dim=32,
            depth=2,
            num_heads=2,
            out_chans=width,
            use_rel_pos=True,
            window_size=5,
            global_attn_indexes=(1,),
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=width,
            image_embedding_size=grid,
            input_image_size=(INPUT_SIZE_PX, INPUT_SIZE_PX),
            mask_in_chans=16,
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=width, mlp_dim=128, num_heads=4),
            transformer_dim=width,
            iou_head_depth=3,
            iou_head_hidden_dim=64,
        ),
        pixel_mean=list(SAM_MEAN),
        pixel_std=list(SAM_STD),
    )
