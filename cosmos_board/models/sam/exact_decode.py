"""Masks that rounding could change are drawn again, exactly as the official classes draw them.

A shorter way through a decoder adds the same numbers up in another order. Its logits are no less
exact, but where one lies closer to the threshold than either way's rounding error, the two ways
may put that pixel on different sides. Of such a prompt the official answer is taken.
"""

from __future__ import annotations

from torch import Tensor

from cosmos_board.models.sam.decoder import SamModules
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.native_masks import draw_with_doubt
from cosmos_board.models.sam.prompt_batch import PromptBatch


def answer_twice(
    sam: SamModules,
    features: Tensor,
    frame: Frame,
    batch: PromptBatch,
    first: tuple[Tensor, Tensor],
    *,
    threshold: float,
    doubt: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return masks, bool (P, 3, Y, X), predicted IoU (P, 3) and logits (P, 3, y, x).

    They are those of `first`, but for the prompts that it leaves in doubt.

    Args:
        sam: The official classes, not folded; their decoder answers with mask tokens 1 to 3.
        features: Of one image, axes (1, C, y, x).
        frame: How the image lies in the input square.
        batch: P prompts.
        first: Logits, axes (P, 3, y, x), and predicted IoU, (P, 3), of the shorter way.
        threshold: Logit above which a pixel belongs to a mask.
        doubt: Native logits as near to the threshold as this leave a prompt in doubt.
    """
    low, iou = first
    masks, doubtful = draw_with_doubt(frame, low, threshold, doubt)
    for row in doubtful.any(dim=1).nonzero().flatten().tolist():
        low[row], iou[row] = decode_officially(sam, features, batch.pick(row))
        # One image of three channels, as the predictor has it: three of one would round otherwise.
        masks[row] = frame.to_native(low[row : row + 1])[0] > threshold
    return masks, iou, low


def decode_officially(
    sam: SamModules, features: Tensor, prompt: PromptBatch
) -> tuple[Tensor, Tensor]:
    """Return logits, axes (3, y, x), and predicted IoU, shape (3,), as `SamPredictor` has them.

    Args:
        sam: The official classes.
        features: Of one image, axes (1, C, y, x).
        prompt: One.
    """
    encoder = sam.prompt_encoder
    points = None if prompt.points_xy is None else (prompt.points_xy, prompt.labels)
    sparse, dense = encoder(points=points, boxes=prompt.boxes_xyxy, masks=prompt.mask_logits)
    low, iou = sam.mask_decoder(
        image_embeddings=features,
        image_pe=encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=True,
    )
    return low[0], iou[0]
