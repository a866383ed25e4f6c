from __future__ import annotations

from functools import cache

import pytest
import torch
from segment_anything.modeling import Sam

from cosmos_board.models.sam.decoder import decode
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.tiny.encoder import CHANNELS, GRID
from cosmos_board.models.tiny.model import build_tiny
from cosmos_board.models.tiny.prompt_encoder import draw_prompt

BOXES = torch.tensor([[40.0, 60, 139, 119], [10, 10, 29, 49]])


@cache
def tiny() -> Sam:
    torch.manual_seed(0)
    sam: Sam = build_tiny()
    return sam.eval()


@cache
def features() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        found: torch.Tensor = tiny().image_encoder(torch.randn(2, 3, 256, 256, generator=generator))
    return found


def test_it_is_small() -> None:
    assert sum(p.numel() for p in tiny().parameters()) <= 2_000_000


def test_the_embedding_has_the_channels_it_declares() -> None:
    assert features().shape == (2, CHANNELS, GRID, GRID)


@torch.no_grad()
def test_official_decoder_code_gives_the_same_answers() -> None:
    """Fine features lie in what SAM's own code passes from the encoders to the decoder."""
    sam = tiny()
    sparse, dense = sam.prompt_encoder(points=None, boxes=BOXES, masks=None)
    official, iou = sam.mask_decoder(
        image_embeddings=features()[:1],
        image_pe=sam.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=True,
    )

    ours, our_iou = decode(sam, features(), PromptBatch(torch.tensor([0, 0]), boxes_xyxy=BOXES))

    torch.testing.assert_close(ours, official, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(our_iou, iou, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_each_prompt_looks_at_its_own_image() -> None:
    sam = tiny()
    both, _ = decode(sam, features(), PromptBatch(torch.tensor([0, 1]), boxes_xyxy=BOXES))
    second, _ = decode(sam, features()[1:], PromptBatch(torch.tensor([0]), boxes_xyxy=BOXES[1:]))

    torch.testing.assert_close(both[1:], second, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_before_learning_it_draws_about_the_ellipse_of_the_box() -> None:
    logits, _ = decode(tiny(), features(), PromptBatch(torch.tensor([0, 0]), boxes_xyxy=BOXES))
    y, x = torch.meshgrid(torch.arange(128.0) * 2 + 1, torch.arange(128.0) * 2 + 1, indexing="ij")
    inside = ((x - 90) / 50) ** 2 + ((y - 90) / 30) ** 2 <= 1

    mask = logits[0, 0] > 0
    shared = 2 * (mask & inside).sum() / (mask.sum() + inside.sum())
    assert shared > 0.8


@torch.no_grad()
def test_a_mask_can_be_fed_back() -> None:
    batch = PromptBatch(torch.tensor([0, 0]), boxes_xyxy=BOXES)
    first, _ = decode(tiny(), features(), batch)
    again = PromptBatch(torch.tensor([0, 0]), boxes_xyxy=BOXES, mask_logits=first[:, :1])

    second, _ = decode(tiny(), features(), again)

    assert second.shape == (2, 3, 128, 128)
    assert not torch.equal(first, second)


def test_a_box_is_drawn_positive_inside_and_negative_outside() -> None:
    maps = draw_prompt(None, BOXES, None)

    assert maps.shape == (2, 5, 64, 64)
    assert maps[0, 0, 22, 22] > 0.9
    assert maps[0, 0, 60, 60] == pytest.approx(-1)
    assert not maps[:, 2:].any()


def test_points_are_drawn_by_label_and_missing_ones_not_at_all() -> None:
    at = torch.tensor([[[80.0, 80.0], [200.0, 200.0], [0.0, 0.0]]])
    maps = draw_prompt((at, torch.tensor([[1, 0, -1]])), None, None)

    assert maps[0, 2, 20, 20] > 1
    assert maps[0, 2, 50, 50] < 0
    assert maps[0, 3, 50, 50] > 1
    assert maps[0, 3, 0, 0] < 0


@torch.no_grad()
def test_a_single_point_has_a_calibration_of_its_own() -> None:
    torch.manual_seed(0)
    sam = build_tiny().eval()
    point = PromptBatch(torch.tensor([0]), torch.tensor([[[80.0, 80]]]), torch.tensor([[1]]))
    two = PromptBatch(
        torch.tensor([0]), torch.tensor([[[80.0, 80], [90, 90]]]), torch.tensor([[1, 1]])
    )
    box = PromptBatch(torch.tensor([0]), boxes_xyxy=BOXES[:1])
    before = [decode(sam, features(), batch)[1] for batch in (point, two, box)]

    sam.mask_decoder.calibration.copy_(torch.tensor([[2.0, 0.5], [3.0, -1.0]]))
    after = [decode(sam, features(), batch)[1] for batch in (point, two, box)]

    torch.testing.assert_close(after[0], 2 * before[0] + 0.5)
    torch.testing.assert_close(after[1], 3 * before[1] - 1)
    torch.testing.assert_close(after[2], 3 * before[2] - 1)
