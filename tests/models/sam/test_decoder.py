from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cosmos_board.models.sam.decoder import decode, fold, precompute
from cosmos_board.models.sam.prompt_batch import PromptBatch
from tests.models.tiny_sam import INPUT_SIZE_PX, build_small_sam


def _features(images: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn((images, 64, 16, 16), generator=generator)


def _prompts(image_index: list[int], kind: str) -> PromptBatch:
    count = len(image_index)
    generator = torch.Generator().manual_seed(2)
    points = torch.rand((count, 3, 2), generator=generator) * INPUT_SIZE_PX
    labels = torch.tensor([[1, 1, 0]]).expand(count, -1)
    corners = (torch.rand((count, 2, 2), generator=generator) * INPUT_SIZE_PX).sort(dim=1).values
    masks = torch.randn((count, 1, 64, 64), generator=generator)
    return PromptBatch(
        torch.tensor(image_index),
        points if "points" in kind else None,
        labels if "points" in kind else None,
        corners.flatten(1) if "box" in kind else None,
        masks if "mask" in kind else None,
    )


KINDS = ["points", "box", "points and box", "points and mask"]


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_of_several_images_get_what_the_official_decoder_gives_each(kind: str) -> None:
    sam, features, index = build_small_sam(), _features(3), [2, 0, 0, 1]
    prompts = _prompts(index, kind)
    points = None if prompts.points_xy is None else (prompts.points_xy, prompts.labels)

    with torch.inference_mode():
        masks, iou = decode(sam, features, prompts)
        sparse, dense = sam.prompt_encoder(points, prompts.boxes_xyxy, prompts.mask_logits)
        for row, image in enumerate(index):
            expected_masks, expected_iou = sam.mask_decoder(
                image_embeddings=features[image : image + 1],
                image_pe=sam.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse[row : row + 1],
                dense_prompt_embeddings=dense[row : row + 1],
                multimask_output=True,
            )
            torch.testing.assert_close(masks[row], expected_masks[0], rtol=1e-4, atol=1e-3)
            torch.testing.assert_close(iou[row], expected_iou[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_shorter_way_gives_the_same(kind: str) -> None:
    sam, features = build_small_sam(), _features(1)
    folded, prompts = fold(sam), _prompts([0, 0, 0, 0], kind)

    with torch.inference_mode():
        expected = decode(sam, features, prompts)
        plain = decode(folded, features, prompts)
        seen = decode(folded, features, prompts, precompute(folded, features))

    for found in (plain, seen):
        torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(found[1], expected[1], rtol=1e-4, atol=1e-5)


def test_the_shorter_way_shares_its_weights_and_leaves_the_model_as_it_was() -> None:
    sam, features, prompts = build_small_sam(), _features(1), _prompts([0], "box")
    names = list(sam.state_dict())
    folded = fold(sam)
    with torch.inference_mode():
        before, _ = decode(folded, features, prompts)

    with torch.no_grad():
        sam.mask_decoder.transformer.layers[1].mlp.lin1.bias.add_(1)
        sam.mask_decoder.output_upscaling[0].bias.add_(1)
    with torch.inference_mode():
        after, _ = decode(folded, features, prompts)
        expected, _ = decode(sam, features, prompts)

    assert list(sam.state_dict()) == names
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-3)


def test_decoding_can_be_learnt_from() -> None:
    sam, features = build_small_sam(), _features(2).requires_grad_()

    masks, iou = decode(sam, features, _prompts([0, 1], "points"))
    torch.autograd.backward(masks.mean() + iou.mean())

    assert features.grad is not None
    assert (features.grad.flatten(1).abs().sum(1) > 0).all()


def test_half_precision_stays_close() -> None:
    sam, features, prompts = build_small_sam(), _features(1), _prompts([0, 0], "points")
    folded = fold(sam)

    with torch.inference_mode():
        _, exact = decode(folded, features, prompts)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            _, rough = decode(folded, features, prompts, precompute(folded, features))

    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1)
