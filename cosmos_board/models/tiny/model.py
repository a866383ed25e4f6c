"""The architecture of `cosmos-tiny`: a SAM small enough to be learnt on two CPU cores.

The prompt encoder, two-way transformer, mask tokens, hypernetworks and IoU head are those of
`segment-anything` at width 128. Ours are the image encoder (residual convolutions, attention at the
coarsest scale) and three paths past the 16 × 16 bottleneck, since a small net learns where an edge
lies far faster when it need not squeeze it through 256 tokens: features of stride 2 and 4 join the
decoder's upscaling, so do maps of the prompt drawn at stride 4, and so does a close-up of the box.
"""

from __future__ import annotations

from segment_anything.modeling import Sam

from cosmos_board.models.tiny.decoder import TinyMaskDecoder
from cosmos_board.models.tiny.encoder import TinyEncoder
from cosmos_board.models.tiny.prompt import TinyPromptEncoder


def build_tiny() -> Sam:
    """Return an untrained `cosmos-tiny`, whose encoder takes (pixel − 127.5) / 64.

    Before it has learnt anything its masks are about the ellipse of the box, a disc around the
    points, or the mask that was fed back: it starts from the prior that it has to beat.
    """
    return Sam(
        image_encoder=TinyEncoder(),
        prompt_encoder=TinyPromptEncoder(),
        mask_decoder=TinyMaskDecoder(),
        pixel_mean=[127.5] * 3,
        pixel_std=[64.0] * 3,
    )
