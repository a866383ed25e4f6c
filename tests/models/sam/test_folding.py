"""What stands in for official parts gives their numbers, bit for bit, and encodes in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="extra `sam` is not installed")
pytest.importorskip("segment_anything", reason="extra `sam` is not installed")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from segment_anything.modeling.image_encoder import Attention  # noqa: E402
from torch import Tensor  # noqa: E402

from cosmos_board.core.prompts import make_prompt  # noqa: E402
from cosmos_board.models.sam.decoder import attend, fold, precompute  # noqa: E402
from cosmos_board.models.sam.geometry import Frame  # noqa: E402
from cosmos_board.models.sam.prompt_batch import group_by_tokens, to_batch  # noqa: E402
from cosmos_board.models.sam.prompt_encoder import fold_prompt_encoder  # noqa: E402
from cosmos_board.models.sam.relative_attention import RelativeAttention  # noqa: E402
from tests.models.tiny_sam import INPUT_SIZE_PX, build_small_sam  # noqa: E402

SAM = build_small_sam()
OFFICIAL, ASYNC = SAM.prompt_encoder, fold_prompt_encoder(SAM.prompt_encoder)


@given(
    seed=st.integers(0, 2**32 - 1),
    labels=st.lists(st.sampled_from([-1, 0, 1]), max_size=4),
    has_box=st.booleans(),
    has_mask=st.booleans(),
)
@settings(max_examples=20)
def test_prompts_are_encoded_as_officially(
    seed: int, labels: list[int], has_box: bool, has_mask: bool
) -> None:
    random = torch.Generator().manual_seed(seed)
    points = None
    if labels:
        places = torch.rand(2, len(labels), 2, generator=random, dtype=torch.float64) * 128
        points = (places, torch.tensor([labels, labels[::-1]], dtype=torch.float32))
    boxes = torch.rand(2, 4, generator=random) * 128 if has_box else None
    masks = torch.randn(2, 1, 64, 64, generator=random) if has_mask else None
    with torch.no_grad():
        expected, found = (each(points, boxes, masks) for each in (OFFICIAL, ASYNC))

    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("size", [(8, 8), (5, 7)], ids=["as trained", "interpolated"])
def test_attention_is_the_official_one_and_sees_layers_that_are_replaced(
    size: tuple[int, int],
) -> None:
    torch.manual_seed(0)
    official = Attention(16, num_heads=2, use_rel_pos=True, input_size=(8, 8))
    for table in (official.rel_pos_h, official.rel_pos_w):
        torch.nn.init.normal_(table)
    tokens, ours = torch.randn(2, *size, 16), RelativeAttention(official)

    assert torch.equal(official(tokens), ours(tokens))
    official.proj = torch.nn.Linear(16, 16)
    assert torch.equal(official(tokens), ours(tokens))


def test_positions_are_float32_whatever_the_precision() -> None:
    """In bfloat16 a third of neighbouring columns had one encoding, so points moved."""
    sam, features = fold(build_small_sam()), torch.randn(1, 64, 16, 16)
    columns = range(0, INPUT_SIZE_PX, 3)
    prompts = [make_prompt([(x, 40)]) for x in columns]
    frame = Frame(INPUT_SIZE_PX, INPUT_SIZE_PX, INPUT_SIZE_PX)
    [group] = group_by_tokens(prompts, None, len(prompts))
    batch = to_batch(frame, group, torch.device("cpu"))
    with torch.no_grad():
        exact, _ = sam.prompt_encoder(
            points=(batch.points_xy, batch.labels), boxes=None, masks=None
        )
        seen = []
        run = sam.mask_decoder.transformer.run

        def look_and_run(tokens: Tensor, pixels: Tensor, *rest: Any) -> Any:  # noqa: ANN401
            seen.append((tokens, rest[0]))
            return run(tokens, pixels, *rest)

        sam.mask_decoder.transformer.run = look_and_run
        with torch.autocast("cpu", torch.bfloat16):
            attend(sam, features, batch, precompute(sam, features))
    [(tokens, grid)] = seen

    assert torch.equal(tokens[:, 5:], exact)
    assert torch.equal(grid, OFFICIAL.get_dense_pe().flatten(2).transpose(1, 2))
    assert len(np.unique(tokens[:, 5].numpy(), axis=0)) == len(columns)
