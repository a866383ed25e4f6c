# ruff: noqa: ANN401 (transformers is untyped)
"""Small networks exported as `samexporter` and the RITM family export theirs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from segment_anything.modeling import Sam
from segment_anything.utils.onnx import SamOnnxModel
from torch import Tensor, nn
from torch.nn import functional

from tests.models.bright_rule import STRIDE, draw_bright

POINT_AXES = {"point_coords": {1: "num_points"}, "point_labels": {1: "num_points"}}


def export(module: nn.Module, path: Path, given: dict[str, Tensor], **names: Any) -> None:
    """Write an ONNX file by the tracing exporter, which is the one that `samexporter` uses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(given.values()),
            path,
            input_names=list(given),
            opset_version=18,
            dynamo=False,
            **names,
        )


def _ask(side: int, grid: int) -> dict[str, Tensor]:
    return {
        "point_coords": torch.rand(1, 5, 2) * side,
        "point_labels": torch.tensor([[0.0, 1, 2, 3, -1]]),
        "mask_input": torch.randn(1, 1, 4 * grid, 4 * grid),
        "has_mask_input": torch.tensor([1.0]),
    }


class PreparingEncoder(nn.Module):
    """Takes a resized picture (y, x, 3) in grey levels, as `--use-preprocess` makes it."""

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.encoder, self.side = sam.image_encoder, sam.image_encoder.img_size
        self.mean, self.std = sam.pixel_mean.flatten(), sam.pixel_std.flatten()

    def forward(self, picture: Tensor) -> Tensor:
        square = ((picture - self.mean) / self.std).permute(2, 0, 1)
        below, right = self.side - square.shape[1], self.side - square.shape[2]
        found: Tensor = self.encoder(functional.pad(square, (0, right, 0, below))[None])
        return found


def export_sam(sam: Sam, folder: Path, *, prepares: bool) -> None:
    side, (grid, _) = sam.image_encoder.img_size, sam.prompt_encoder.image_embedding_size
    folder.mkdir(parents=True)
    encoder: nn.Module = PreparingEncoder(sam) if prepares else sam.image_encoder
    picture = torch.randn((side - 8, side, 3) if prepares else (1, 3, side, side))
    axes = {"input_image": {0: "image_height", 1: "image_width"}} if prepares else {}
    export(
        encoder,
        folder / "small.encoder.onnx",
        {"input_image": picture},
        output_names=["image_embeddings"],
        dynamic_axes=axes,
    )
    features = torch.randn(1, sam.prompt_encoder.embed_dim, grid, grid)
    size = torch.tensor([90.0, 120.0])
    export(
        SamOnnxModel(sam, return_single_mask=False),
        folder / "small.decoder.onnx",
        {"image_embeddings": features, **_ask(side, grid), "orig_im_size": size},
        output_names=["masks", "iou_predictions", "low_res_masks"],
        dynamic_axes=POINT_AXES,
    )


class Sam2Encoder(nn.Module):
    """The features of a `transformers.Sam2Model`, in the order of `samexporter`."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.get_image_embeddings(image))


class Sam2Decoder(nn.Module):
    """A `transformers.Sam2Model` asked as `samexporter`'s decoder is: all is a labelled point."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        embed: Tensor,
        high_0: Tensor,
        high_1: Tensor,
        points: Tensor,
        labels: Tensor,
        mask: Tensor,
        has_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        encoder = self.model.prompt_encoder
        sparse = self._embed(points, labels)[:, None]
        dense = has_mask * encoder.mask_embed(mask)
        dense = dense + (1 - has_mask) * encoder.no_mask_embed.weight.reshape(1, -1, 1, 1)
        low, iou, *_ = self.model.mask_decoder(
            image_embeddings=embed,
            image_positional_embeddings=self.model.get_image_wide_positional_embeddings(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
            high_resolution_features=[high_0, high_1],
        )
        return low[:, 0], iou[:, 0]

    def _embed(self, points: Tensor, labels: Tensor) -> Tensor:
        encoder = self.model.prompt_encoder
        points = torch.cat([points + 0.5, torch.zeros(1, 1, 2)], dim=1)
        labels = torch.cat([labels, -torch.ones(1, 1)], dim=1)[..., None]
        side = encoder.input_image_size
        found: Tensor = encoder.shared_embedding(points[:, None], (side, side))[:, 0]
        found = torch.where(labels == -1, encoder.not_a_point_embed.weight, found)
        for label in range(4):
            found = found + encoder.point_embed.weight[label] * (labels == label)
        return found


def export_sam2(model: Any, folder: Path) -> None:
    folder.mkdir(parents=True)
    side, (grid, _) = model.prompt_encoder.input_image_size, (8, 8)
    image = torch.randn(1, 3, side, side)
    names = ["high_res_feats_0", "high_res_feats_1", "image_embed"]
    encoder = Sam2Encoder(model)
    export(encoder, folder / "small.encoder.onnx", {"image": image}, output_names=names)
    with torch.no_grad():
        high_0, high_1, embed = encoder(image)
    features = {"image_embed": embed, "high_res_feats_0": high_0, "high_res_feats_1": high_1}
    export(
        Sam2Decoder(model),
        folder / "small.decoder.onnx",
        {**features, **_ask(side, grid)},
        output_names=["masks", "iou_predictions"],
        dynamic_axes=POINT_AXES,
    )


class BrightEncoder(nn.Module):
    """Says how bright each cell is; takes SAM's normalised square."""

    def forward(self, image: Tensor) -> Tensor:
        levels = image.mean(dim=1, keepdim=True) * 57.4 + 114.5
        return (functional.avg_pool2d(levels, STRIDE) - 115) / 2


class BrightDecoder(nn.Module):
    """Marks what is bright and near a point or in a box."""

    def forward(
        self,
        features: Tensor,
        points: Tensor,
        labels: Tensor,
        mask: Tensor,
        has_mask: Tensor,
        size: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        # Where a label is missing its points lie far outside, so that they decide nothing.
        first = torch.where(labels == 2, 0.0, 1e6)[..., None] + points
        last = torch.where(labels == 3, 0.0, -1e6)[..., None] + points
        corners = torch.cat([first.amin(dim=1), last.amax(dim=1)], dim=1)
        boxed = (labels == 2).any(dim=1).view(-1, 1, 1, 1)
        pointed = (labels == 1).any(dim=1).view(-1, 1, 1, 1)
        near = draw_bright(features, points, labels, None)
        inside = draw_bright(features, None, None, corners)
        low = torch.where(pointed, near, features)
        low = torch.minimum(low, torch.where(boxed, inside, features)) + has_mask * mask
        tokens = torch.cat([low - 1, low, low - 5, low - 10], dim=1)
        iou = torch.tensor([[0.1, 0.95, 0.93, 0.92]]) + 0 * size.sum()
        return tokens, iou, tokens


def export_bright(folder: Path, side: int = 128) -> None:
    folder.mkdir(parents=True)
    cells = side // STRIDE
    image = torch.randn(1, 3, side, side)
    export(
        BrightEncoder(),
        folder / "bright.encoder.onnx",
        {"input_image": image},
        output_names=["image_embeddings"],
    )
    features = BrightEncoder()(image)
    export(
        BrightDecoder(),
        folder / "bright.decoder.onnx",
        {
            "image_embeddings": features,
            **_ask(side, cells // 4),
            "orig_im_size": torch.tensor([90.0, 120.0]),
        },
        output_names=["masks", "iou_predictions", "low_res_masks"],
        dynamic_axes=POINT_AXES,
    )


class BrightClicks(nn.Module):
    """A click network that marks what is bright near a click, or was marked before."""

    def forward(self, image: Tensor, points: Tensor) -> Tensor:
        bright = (functional.avg_pool2d(image[:, :3].mean(1, keepdim=True), STRIDE) - 0.45) * 100
        before = functional.avg_pool2d(image[:, 3:4], STRIDE)
        slots = points.shape[1] // 2
        used = points[:, :slots, 2] >= 0
        xy = torch.stack([points[:, :slots, 1], points[:, :slots, 0]], dim=-1)
        low = draw_bright(bright, xy, used.float(), None) + 100 * before
        return functional.interpolate(low, scale_factor=STRIDE, mode="bilinear")


def export_clicks(path: Path, side: int = 128, slots: int = 10) -> None:
    given = {"image": torch.rand(1, 4, side, side), "points": torch.rand(1, 2 * slots, 3) * side}
    export(BrightClicks(), path, given, output_names=["instances"])
