from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from segment_anything.modeling.image_encoder import window_partition, window_unpartition
from torch import Tensor
from torch.nn import functional

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt, make_prompt
from cosmos_board.models.conformance import find_problems
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.sam.everything_grid import EverythingSettings, make_grid
from cosmos_board.models.sam.sam_med2d import SamMed2d
from cosmos_board.models.sam.segmenter import SAM_MEAN, SAM_STD
from tests.models.scenes import draw_scene

SIDE, WIDTH, DIM = 128, 24, 32
"""Small, but with a grid of 8 that the window of 14 does not divide."""

PICTURES = {
    "small, centred": draw_scene(91, 120),
    "squashed": draw_scene(301, 97),
    "squashed, grey": draw_scene(140, 150)[..., 0].copy(),
}
PROMPTS = [
    make_prompt([(10, 20)]),
    make_prompt(box_xyxy=(3, 4, 60, 70)),
    make_prompt([(40, 20)], [(80, 80)], box_xyxy=(3, 4, 60, 70)),
]
State = dict[str, Tensor]


@pytest.fixture(scope="module")
def published() -> tuple[Sam, State]:
    """The official parts, and a state dict as it was published: adapters beside the MLPs."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sam = Sam(
            image_encoder=ImageEncoderViT(
                img_size=SIDE,
                patch_size=16,
                embed_dim=WIDTH,
                depth=2,
                num_heads=2,
                out_chans=DIM,
                norm_layer=lambda width: torch.nn.LayerNorm(width, eps=1e-6),
                use_rel_pos=True,
                window_size=14,
                global_attn_indexes=(1,),
            ),
            prompt_encoder=PromptEncoder(DIM, (8, 8), (SIDE, SIDE), 16),
            mask_decoder=MaskDecoder(
                transformer_dim=DIM,
                transformer=TwoWayTransformer(2, DIM, 8, 64),
                iou_head_hidden_dim=32,
            ),
        ).eval()
        state: State = sam.state_dict()
        for tensor in state.values():
            if tensor.ndim > 1:
                torch.nn.init.normal_(tensor, std=2 / tensor[0].numel() ** 0.5)
        for block in range(2):
            for name, shape in ADAPTER.items():
                spread = 2 / (torch.Size(shape).numel() / shape[0]) ** 0.5
                state[f"image_encoder.blocks.{block}.Adapter.{name}"] = torch.randn(shape) * spread
    return sam, state


ADAPTER: dict[str, tuple[int, ...]] = {
    "norm.weight": (WIDTH,),
    "norm.bias": (WIDTH,),
    "channel.0.weight": (WIDTH // 4, WIDTH),
    "channel.2.weight": (WIDTH, WIDTH // 4),
    "spatial.0.weight": (WIDTH, WIDTH, 3, 3),
    "spatial.2.weight": (WIDTH, WIDTH, 4, 4),
}


@pytest.fixture(scope="module")
def weights(published: tuple[Sam, State], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("weights") / "sam-med2d_b.pth"
    torch.save({"model": published[1], "optimizer": {"state": {}, "lr": 1e-4}}, path)
    return path


@pytest.fixture(scope="module")
def segmenter(weights: Path) -> SamMed2d:
    found = load_segmenter("sam-med2d", checkpoint=weights)
    assert isinstance(found, SamMed2d)
    return found


def encode(sam: Sam, state: State, image: Tensor) -> Tensor:
    """Return the features of an encoder with adapters, written out from the paper's figure."""
    encoder = sam.image_encoder
    x = encoder.patch_embed(image) + encoder.pos_embed
    for index, block in enumerate(encoder.blocks):
        part = {name: state[f"image_encoder.blocks.{index}.Adapter.{name}"] for name in ADAPTER}
        seen = block.norm1(x)
        if block.window_size:
            windows, padded = window_partition(seen, block.window_size)
            seen = window_unpartition(block.attn(windows), block.window_size, padded, x.shape[1:3])
        else:
            seen = block.attn(seen)
        x = x + seen
        normed = block.norm2(x)
        planes = normed.permute(0, 3, 1, 2)
        hidden = functional.linear(planes.mean((2, 3)), part["channel.0.weight"]).relu()
        gate = functional.linear(hidden, part["channel.2.weight"]).sigmoid()
        down = functional.conv2d(
            planes * gate[..., None, None], part["spatial.0.weight"], stride=2, padding=1
        ).relu()
        up = functional.conv_transpose2d(down, part["spatial.2.weight"], stride=2, padding=1)
        mixed = (planes + up.relu()).permute(0, 2, 3, 1)
        adapted = functional.layer_norm(
            mixed, (WIDTH,), part["norm.weight"], part["norm.bias"], 1e-5
        )
        x = x + block.mlp(normed) + adapted
    features: Tensor = encoder.neck(x.permute(0, 3, 1, 2))
    return features


def ask_authors_way(
    sam: Sam, state: State, pixels: Pixels, prompt: Prompt, mask: Tensor | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.float32], Tensor]:
    """Return masks, predicted IoU and low-resolution logits as the authors' script has them."""
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    image = (rgb[..., ::-1].astype(np.float64) - SAM_MEAN) / SAM_STD
    height, width = image.shape[:2]
    corners = np.reshape(prompt.box_xyxy or (), (-1, 2))
    corners[1:] += 1  # their boxes end behind the last pixel, as those of scikit-image
    places = np.concatenate([prompt.points_xy, corners])
    small = height < SIDE and width < SIDE
    top, left = ((SIDE - height) // 2, (SIDE - width) // 2) if small else (0, 0)
    if small:
        below, right = SIDE - height - top, SIDE - width - left
        image = np.pad(image, ((top, below), (left, right), (0, 0)))
        places = places + np.array([left, top])
    else:
        image = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
        places = places * np.array([SIDE / width, SIDE / height])
    given = torch.as_tensor(places, dtype=torch.float32)[None]
    count = len(prompt.labels)
    points = (given[:, :count], torch.as_tensor(prompt.labels[None])) if count else None
    boxes = given[:, count:].reshape(1, 4) if prompt.box_xyxy else None
    with torch.no_grad():
        features = encode(sam, state, torch.as_tensor(image.transpose(2, 0, 1)[None]).float())
        sparse, dense = sam.prompt_encoder(points, boxes, mask)
        low, iou = sam.mask_decoder(
            features, sam.prompt_encoder.get_dense_pe(), sparse, dense, multimask_output=True
        )
    square = functional.interpolate(low, (SIDE, SIDE), mode="bilinear")
    if small:
        native = square[..., top : top + height, left : left + width]
    else:
        native = functional.interpolate(square, (height, width), mode="bilinear")
    return (native[0].sigmoid() > 0.5).numpy(), iou[0].numpy(), low


@pytest.mark.parametrize("picture", PICTURES)
def test_answers_are_those_of_the_authors_script(
    published: tuple[Sam, State], segmenter: SamMed2d, picture: str
) -> None:
    pixels = PICTURES[picture]

    answers = segmenter.predict(segmenter.embed(pixels), PROMPTS)

    for prompt, answer in zip(PROMPTS, answers, strict=True):
        masks, iou, _ = ask_authors_way(*published, pixels, prompt)
        assert 0.02 < masks.mean() < 0.98
        assert (answer.masks != masks).mean() <= 1e-4
        np.testing.assert_allclose(answer.predicted_iou, iou, rtol=1e-4, atol=1e-5)


def test_a_mask_is_fed_back_as_a_probability(
    published: tuple[Sam, State], segmenter: SamMed2d
) -> None:
    pixels, prompt = PICTURES["squashed"], PROMPTS[0]
    embedding = segmenter.embed(pixels)
    (first,) = segmenter.predict(embedding, [prompt])
    assert first.logits is not None
    before = first.logits[0]

    (second,) = segmenter.predict(embedding, [prompt], [before])

    fed = torch.sigmoid(torch.as_tensor(before))[None, None]
    masks, iou, _ = ask_authors_way(*published, pixels, prompt, fed)
    assert (second.masks != masks).mean() <= 1e-4
    np.testing.assert_allclose(second.predicted_iou, iou, rtol=1e-4, atol=1e-5)
    assert not np.array_equal(first.masks, second.masks)


def test_it_keeps_every_promise_that_random_weights_can(segmenter: SamMed2d) -> None:
    problems = find_problems(segmenter, everything=True)

    assert {one.check for one in problems} <= {"axis order", "box format", "scale"}


@pytest.mark.parametrize("picture", ["small, centred", "squashed"])
def test_everything_mode_keeps_what_the_authors_model_answers_to_the_grid(
    published: tuple[Sam, State],
    segmenter: SamMed2d,
    picture: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Asked point by point; without suppression, since random masks mostly fill the image."""
    few = EverythingSettings(points_per_side=3, predicted_iou=0.2, stability=0.4, nms_iou=1)
    monkeypatch.setattr(segmenter, "_everything", few)
    pixels = PICTURES[picture]
    height, width = pixels.shape[:2]

    found = segmenter.segment_everything(segmenter.embed(pixels))

    expected: list[tuple[float, NDArray[np.bool_]]] = []
    for point in make_grid(3) * [width, height]:
        asked = Prompt(point[None], np.ones(1, np.int8))
        masks, iou, low = ask_authors_way(*published, pixels, asked)
        strict, lax = (ask_stability(segmenter, pixels, low, by) for by in (1, -1))
        good = (iou > few.predicted_iou) & (strict / np.maximum(lax, 1) >= few.stability)
        expected += [(float(iou[k]), masks[k]) for k in np.flatnonzero(good)]
    expected.sort(key=lambda one: -one[0])
    assert 3 <= len(expected) < 27, "the thresholds must decide"
    assert len(found.rles) == len(expected)
    np.testing.assert_allclose(found.predicted_iou, [iou for iou, _ in expected], rtol=1e-4)
    for rle, (_, mask) in zip(found.rles, expected, strict=True):
        assert (rle.decode() != mask).mean() <= 1e-3


def ask_stability(
    segmenter: SamMed2d, pixels: Pixels, low: Tensor, offset: float
) -> NDArray[np.int64]:
    """Return how many native pixels of each candidate have a logit above `offset`."""
    frame, _ = segmenter.to_input(pixels)
    counts: NDArray[np.int64] = (frame.to_native(low)[0] > offset).flatten(1).sum(1).numpy()
    return counts


def test_bfloat16_changes_answers_a_little(weights: Path, segmenter: SamMed2d) -> None:
    pixels = PICTURES["squashed"]
    rough = load_segmenter("sam-med2d", checkpoint=weights, device="cpu+bf16")

    exact, found = (one.predict(one.embed(pixels), PROMPTS) for one in (segmenter, rough))

    for answer, other in zip(found, exact, strict=True):
        assert not np.array_equal(answer.predicted_iou, other.predicted_iou)
        assert (answer.masks != other.masks).mean() <= 0.1


def test_the_plain_sam_at_its_size_loads_too(published: tuple[Sam, State], tmp_path: Path) -> None:
    plain = {name: one for name, one in published[1].items() if ".Adapter." not in name}
    torch.save(plain, tmp_path / "ft-sam_b.pth")

    segmenter = load_segmenter("sam-med2d", checkpoint=tmp_path / "ft-sam_b.pth")

    assert segmenter.card.input_size_px == SIDE


def test_other_weights_are_refused(published: tuple[Sam, State], tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"layer.weight": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="holds no SAM"):
        load_segmenter("sam-med2d", checkpoint=path)

    half = {name: one for name, one in published[1].items() if "blocks.1.Adapter" not in name}
    torch.save(half, path)
    with pytest.raises(InputError, match="is not as sam-med2d has it"):
        load_segmenter("sam-med2d", checkpoint=path)

    with pytest.raises(InputError, match="download by hand"):
        load_segmenter("sam-med2d")
