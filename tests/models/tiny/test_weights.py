from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from cosmos_board.core.errors import InputError
from cosmos_board.metrics.overlap import count_overlap
from cosmos_board.models import registry
from cosmos_board.models.cards import CARDS
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.tiny.model import build_tiny, load_tiny, write_tiny
from cosmos_board.models.weights.tuned_weights import write_weights
from cosmos_board.models.weights.weights_file import read_metadata
from cosmos_board.phantoms.controlled import draw_phantom
from cosmos_board.prompts import freeze_prompts

SHIPPED = Path(registry.__file__).with_name("tiny") / "cosmos-tiny.safetensors"


def test_the_shipped_file_is_small_and_says_how_it_was_made() -> None:
    facts = read_metadata(SHIPPED)

    assert SHIPPED.stat().st_size <= 10_000_000
    assert facts["architecture"] == "cosmos-tiny"
    assert {"seed", "steps", "learning_rate"} <= set(facts)


def test_the_card_counts_the_weights() -> None:
    assert CARDS["cosmos-tiny"].parameters == sum(p.numel() for p in load_tiny().parameters())


def test_it_segments_a_clear_phantom() -> None:
    """A floor that broken weights or a swapped axis would not reach."""
    image = draw_phantom(3)
    segmenter = load_segmenter("cosmos-tiny")
    embedding = segmenter.embed(image.pixels)
    organ = dict(image.references)["organ"]

    answer = segmenter.predict(embedding, [freeze_prompts(organ)["box"]])[0]

    assert count_overlap(answer.masks[answer.best], organ).dice > 0.8


def test_the_same_weights_make_the_same_file(tmp_path: Path) -> None:
    state = build_tiny().state_dict()
    for name in ("a", "b"):
        write_tiny(tmp_path / name, state, {"seed": "0", "steps": "1", "note": "x"})

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    write_weights(path, {"a": build_tiny().pixel_mean}, {"architecture": "another"})

    with pytest.raises(InputError, match=r"cannot be loaded \(got another, want cosmos-tiny\)"):
        load_tiny(path)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    path = tmp_path / "part.safetensors"
    state = build_tiny().state_dict()
    del state["mask_decoder.iou_token.weight"]
    write_tiny(path, state, {})

    with pytest.raises(InputError, match=r"mask_decoder.iou_token.weight: names weights"):
        load_tiny(path)


def test_a_file_that_is_cut_off_or_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    state = build_tiny().state_dict()
    write_tiny(path, state, {})
    whole = path.read_bytes()

    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        load_tiny(path)
    write_tiny(path, {**state, "mask_decoder.iou_token.weight": torch.zeros(2, 128)}, {})
    with pytest.raises(InputError, match=r"iou_token\.weight: has another shape"):
        load_tiny(path)


def test_what_is_written_is_read_under_the_names_of_the_architecture(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    shipped = load_tiny()
    write_tiny(path, shipped.state_dict(), {})

    again = load_tiny(path)

    assert sorted(load_file(path)) == sorted(shipped.state_dict())
    for name, weights in again.state_dict().items():
        assert torch.equal(weights, shipped.state_dict()[name]), name
