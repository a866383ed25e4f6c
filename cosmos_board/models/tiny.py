"""The architecture of `cosmos-tiny`: a SAM small enough to be learnt on two CPU cores.

The prompt encoder, two-way transformer, mask tokens, hypernetworks and IoU head are those of
`segment-anything` at width 128. Ours are the image encoder (residual convolutions, attention at the
coarsest scale) and two fine paths past the 16 × 16 bottleneck, since a small net learns where an
edge lies far faster when it need not squeeze it through 256 tokens: features of stride 2 and 4 join
the decoder's upscaling, and so do maps of the prompt drawn at stride 4.

Fine features travel inside the tensors that official code passes around: an image embedding has the
128 channels of SAM, then the fine ones folded to 16 × 16 (`pixel_unshuffle`); a dense prompt
embedding likewise. Code written for SAM's interface therefore runs unchanged.
"""

from __future__ import annotations

import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from segment_anything.modeling.common import LayerNorm2d
from segment_anything.modeling.mask_decoder import MLP
from torch import Tensor, nn
from torch.nn import functional

SIDE_PX = 256
WIDTH = 128
GRID = 16
MASK_SIDE = 128
"""Side of the low-resolution logits."""

_QUARTER, _HALF, _MAPS = 16, 4, 5
"""Channels of the fine features at stride 4 and 2, and of the drawn prompt."""

_FINE = 16
_PRIOR = (4.0, 0.0, 4.0, -4.0, 2.0)
"""What the drawn prompt adds to the logits at first, by channel of `draw_prompt`."""

_FAR = 0.3
"""Taken from the closeness to a point, so that what is far from it counts against."""
_QUARTER_FOLD, _HALF_FOLD = SIDE_PX // 4 // GRID, SIDE_PX // 2 // GRID
_QUARTER_CHANNELS = _QUARTER * _QUARTER_FOLD**2
_MAP_CHANNELS = _MAPS * _QUARTER_FOLD**2
_HALF_CHANNELS = _HALF * _HALF_FOLD**2
CHANNELS = WIDTH + _QUARTER_CHANNELS + _MAP_CHANNELS + _HALF_CHANNELS
"""Channels of an image embedding and of a dense prompt embedding, which are added."""


class Residual(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(width, width),
            nn.GELU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return functional.gelu(x + self.body(x))


class Attention(nn.Module):
    """Self-attention over all positions, then a perceptron; both with a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens, shape (B, N, C), as they came."""
        b, n, c = tokens.shape
        qkv = self.qkv(self.norm1(tokens)).view(b, n, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, c)
        tokens = tokens + self.proj(mixed)
        answered: Tensor = tokens + self.mlp(self.norm2(tokens))
        return answered


class TinyEncoder(nn.Module):
    """Image encoder: (B, 3, 256, 256) → (B, CHANNELS, 16, 16)."""

    img_size = SIDE_PX

    def __init__(self) -> None:
        super().__init__()
        self.stride2 = nn.Sequential(*_conv(3, 16, stride=2), nn.GELU())
        self.stride4 = nn.Sequential(*_conv(16, 32, stride=2), nn.GELU(), Residual(32))
        self.stride8 = nn.Sequential(*_conv(32, 64, stride=2), nn.GELU(), Residual(64))
        self.stride16 = nn.Sequential(
            *_conv(64, WIDTH, stride=2), nn.GELU(), Residual(WIDTH), Residual(WIDTH)
        )
        self.position = nn.Parameter(torch.zeros(1, GRID * GRID, WIDTH))
        self.attention = nn.Sequential(Attention(WIDTH, 4), Attention(WIDTH, 4))
        self.neck = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1, bias=False), LayerNorm2d(WIDTH))
        self.keep_half = nn.Conv2d(16, _HALF - 1, 1)
        self.lift_eighth = nn.Conv2d(64, 32, 1)
        self.keep_quarter = nn.Conv2d(32, _QUARTER - 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the packed embedding; every image is first brought to mean 0 and deviation 1."""
        mean = x.mean((1, 2, 3), keepdim=True)
        x = (x - mean) / (x.std((1, 2, 3), keepdim=True) + 0.02)
        half = self.stride2(x)
        quarter = self.stride4(half)
        eighth = self.stride8(quarter)
        coarse = self.stride16(eighth)
        tokens = self.attention(coarse.flatten(2).transpose(1, 2) + self.position)
        coarse = self.neck(tokens.transpose(1, 2).reshape(coarse.shape))
        above = functional.interpolate(self.lift_eighth(eighth), scale_factor=2.0, mode="nearest")
        # A few channels are the image itself: what is alike in grey level need not be learnt.
        fine = torch.cat([functional.avg_pool2d(x, 4), self.keep_quarter(quarter + above)], 1)
        grey = functional.avg_pool2d(x.mean(1, keepdim=True), 2)
        room = coarse.new_zeros((len(coarse), _MAP_CHANNELS, *coarse.shape[-2:]))
        folded_half = functional.pixel_unshuffle(
            torch.cat([grey, self.keep_half(half)], 1), _HALF_FOLD
        )
        return torch.cat(
            [coarse, functional.pixel_unshuffle(fine, _QUARTER_FOLD), room, folded_half], 1
        )


class TinyPromptEncoder(PromptEncoder):  # type: ignore[misc]
    """SAM's prompt encoder, whose dense embedding also holds the prompt drawn at stride 4."""

    dense_follows_prompt = True
    """The dense embedding differs from prompt to prompt even without a mask."""

    def __init__(self) -> None:
        super().__init__(
            embed_dim=WIDTH,
            image_embedding_size=(GRID, GRID),
            input_image_size=(SIDE_PX, SIDE_PX),
            mask_in_chans=16,
        )
        self.map_proj = nn.Conv2d(_MAP_CHANNELS, WIDTH, 1)

    def forward(
        self, points: tuple[Tensor, Tensor] | None, boxes: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return sparse (B, N, 128) and dense (B, 128 + 80, 16, 16) embeddings.

        Args:
            points: Coordinates (B, N, 2) as (x, y) in the 256 px frame, and labels (B, N):
                1 inside, 0 outside, −1 no point.
            boxes: (B, 4) as min x, min y, max x, max y.
            masks: Low-resolution logits (B, 1, 128, 128).
        """
        small = None if masks is None else functional.avg_pool2d(masks.clamp(-12, 12), 2)
        sparse, dense = super().forward(points, boxes, small)
        maps = functional.pixel_unshuffle(
            draw_prompt(points, boxes, small, self.input_image_size[0]), _QUARTER_FOLD
        )
        packed = maps.new_zeros((len(maps), CHANNELS, *maps.shape[-2:]))
        packed[:, :WIDTH] = dense + self.map_proj(maps)
        packed[:, WIDTH + _QUARTER_CHANNELS : -_HALF_CHANNELS] = maps
        return sparse, packed


def draw_prompt(
    points: tuple[Tensor, Tensor] | None,
    boxes: Tensor | None,
    masks: Tensor | None,
    side_px: int = SIDE_PX,
) -> Tensor:
    """Return the prompt as pictures, shape (B, 5, 64, 64) at side 256; arguments as the encoder's.

    Channels: how deep inside the ellipse of the box, and inside the box itself (both near 1 in the
    middle, 0 at the edge, −1 far out; 0 everywhere without a box); closeness to the nearest point
    inside, and outside (negative beyond 25 px or so); the mask's logits over 4.
    """
    at_points = None if points is None else points[0]
    given = next(t for t in (boxes, masks, at_points) if t is not None)
    side = side_px // 4
    centres = torch.arange(side, device=given.device, dtype=torch.float32) * 4 + 2
    x, y = centres.view(1, 1, side), centres.view(1, side, 1)
    maps = given.new_zeros((len(given), _MAPS, side, side), dtype=torch.float32)
    if boxes is not None:
        low_x, low_y, high_x, high_y = (v.view(-1, 1, 1) for v in boxes.float().unbind(1))
        across = (x - (low_x + high_x + 1) / 2) / ((high_x - low_x + 1) / 2)
        down = (y - (low_y + high_y + 1) / 2) / ((high_y - low_y + 1) / 2)
        maps[:, 0] = (1 - across**2 - down**2).clamp(-1, 1)
        maps[:, 1] = (1 - torch.maximum(across.abs(), down.abs())).clamp(-1, 1)
    if points is not None:
        at, labels = points
        gap = (x[..., None, :, :] - at[..., 0, None, None] - 0.5) ** 2
        gap = gap + (y[..., None, :, :] - at[..., 1, None, None] - 0.5) ** 2
        close = torch.exp(-gap / (2 * 6.0**2)) + 0.5 * torch.exp(-gap / (2 * 24.0**2))
        for channel, label in ((2, 1), (3, 0)):
            chosen = (labels == label)[..., None, None]
            there = (labels == label).any(1).view(-1, 1, 1)
            maps[:, channel] = (close * chosen).amax(1) - _FAR * there
    if masks is not None:
        maps[:, 4] = masks[:, 0] / 4
    return maps


class PassingTransformer(nn.Module):
    """SAM's two-way transformer on the first 128 channels; the fine ones pass by untouched."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = TwoWayTransformer(depth=2, embedding_dim=WIDTH, mlp_dim=256, num_heads=4)

    def forward(self, image: Tensor, image_pe: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens (B, N, 128) and pixels (B, 256, CHANNELS).

        Args:
            image: (B, CHANNELS, 16, 16).
            image_pe: (B or 1, 128, 16, 16).
            tokens: (B, N, 128).
        """
        coarse, fine = torch.split(image, [WIDTH, CHANNELS - WIDTH], 1)
        answered, pixels = self.inner(coarse, image_pe.expand(len(image), -1, -1, -1), tokens)
        return answered, torch.cat([pixels, fine.flatten(2).transpose(1, 2)], 2)


class Likeness(nn.Module):
    """Compares every place with what the prompt points at and with what surrounds it.

    Features are averaged under the drawn prompt, inside and outside; squared differences to both
    averages, channel by channel, tell which of the two a place is more like. The idea is GrabCut's,
    with features that learn.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(_QUARTER, width, 1)
        self.judge = nn.Conv2d(2 * width, _FINE, 1)

    def forward(self, fine: Tensor, maps: Tensor) -> Tensor:
        """Return (B, 16, y, x).

        Args:
            fine: Image features at stride 4, (B, 16, y, x).
            maps: The drawn prompt, (B, 5, y, x).
        """
        ellipse, box, near, far, mask = (maps[:, i : i + 1] for i in range(_MAPS))
        inside = ellipse.relu() + near.relu() + mask.sigmoid() * (mask != 0)
        outside = (-box).relu() * (box > -1) + far.relu() + 1e-3
        features = torch.cat([fine[:, :3], self.embed(fine)[:, 3:]], 1)
        gaps = []
        for weight in (inside, outside):
            total = weight.sum((2, 3), keepdim=True) + 1e-6
            typical = (features * weight).sum((2, 3), keepdim=True) / total
            gap = (features - typical).square()
            gaps.append(gap / (1 + gap))
        judged: Tensor = self.judge(torch.cat(gaps, 1))
        return judged


class FineUpscaling(nn.Module):
    """From packed 16 × 16 features to 13 channels at 128 × 128."""

    def __init__(self) -> None:
        super().__init__()
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(WIDTH, 32, 2, stride=2),
            LayerNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, _FINE, 2, stride=2),
        )
        self.join_quarter = nn.Conv2d(_QUARTER + _MAPS, _FINE, 1)
        self.likeness = Likeness(_FINE)
        self.refine = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(_FINE, _FINE, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_FINE, _FINE, 3, padding=3, dilation=3),
            nn.ReLU(),
        )
        self.last = nn.ConvTranspose2d(_FINE, _FINE // 2, 2, stride=2)
        self.join_half = nn.Conv2d(_HALF, _FINE // 2, 1)

    def forward(self, packed: Tensor) -> Tensor:
        """Return (B, 13, 128, 128) from (B, CHANNELS, 16, 16); the last five draw the prompt."""
        coarse, quarter, half = torch.split(
            packed, [WIDTH, _QUARTER_CHANNELS + _MAP_CHANNELS, _HALF_CHANNELS], 1
        )
        joined = functional.pixel_shuffle(quarter, _QUARTER_FOLD)
        fine, maps = torch.split(joined, [_QUARTER, _MAPS], 1)
        grown = self.grow(coarse) + self.join_quarter(joined) + self.likeness(fine, maps)
        folded = functional.pixel_shuffle(half, _HALF_FOLD)
        grown = functional.relu(self.last(self.refine(grown)) + self.join_half(folded))
        drawn = functional.interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)
        return torch.cat([grown, drawn], 1)


def build_tiny() -> Sam:
    """Return an untrained `cosmos-tiny`, whose encoder takes (pixel − 127.5) / 64.

    Before it has learnt anything its masks are about the ellipse of the box, a disc around the
    points, or the mask that was fed back: it starts from the prior that it has to beat.
    """
    decoder = MaskDecoder(
        transformer_dim=WIDTH,
        transformer=PassingTransformer(),
        num_multimask_outputs=3,
        iou_head_depth=3,
        iou_head_hidden_dim=128,
    )
    decoder.output_upscaling = FineUpscaling()
    decoder.output_hypernetworks_mlps = nn.ModuleList(
        MLP(WIDTH, WIDTH, _FINE // 2 + _MAPS, 3) for _ in range(decoder.num_mask_tokens)
    )
    for head in decoder.output_hypernetworks_mlps:
        with torch.no_grad():
            head.layers[-1].bias[-_MAPS:] = torch.tensor(_PRIOR)
    return Sam(
        image_encoder=TinyEncoder(),
        prompt_encoder=TinyPromptEncoder(),
        mask_decoder=decoder,
        pixel_mean=[127.5] * 3,
        pixel_std=[64.0] * 3,
    )


def _conv(wide_in: int, wide_out: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    return (
        nn.Conv2d(wide_in, wide_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(wide_out),
    )
