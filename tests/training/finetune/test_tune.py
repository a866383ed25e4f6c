from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cosmos_board.core.errors import InputError
from cosmos_board.models.cards import CARDS
from cosmos_board.models.devices import Device
from cosmos_board.models.sam.medsam import MedSam
from cosmos_board.models.sam.sam_med2d import CentredFrame
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.training.checkpoint import CheckpointFile
from cosmos_board.training.finetune import tune as tune_module
from cosmos_board.training.finetune.loss import to_grid
from cosmos_board.training.finetune.plan import Method, TuningPlan
from cosmos_board.training.finetune.tune import tune
from cosmos_board.training.finetune.validation import DiceRow, mean_over_clusters, score_images
from tests.models.tiny_sam import CARD, build_small_sam
from tests.training.tasks import draw_task, untrained

PLAN = TuningPlan(epochs=2, learning_rate=1e-3, augmentations=1, prompts=("box",), rank=2)


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    assert list(before) == list(after)
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("method", ["decoder", "lora"])
def test_frozen_parts_stay_and_every_mask_head_in_use_is_trained(
    method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder whose three heads in use are not trained answers as it did before."""
    monkeypatch.setattr(tune_module, "is_worse", lambda *_: False)
    segmenter, images = untrained(), draw_task(4)
    before = {name: value.clone() for name, value in segmenter.module.state_dict().items()}
    plan = TuningPlan(
        method=method, epochs=1, learning_rate=1e-3, augmentations=1, prompts=("box",), rank=2
    )

    tune(segmenter, images[:3], images[3:], plan)

    moved = changed(before, dict(segmenter.module.state_dict()))
    encoder = {name for name in moved if name.startswith("image_encoder.")}
    for head in (1, 2, 3):
        assert f"mask_decoder.output_hypernetworks_mlps.{head}.layers.2.weight" in moved
    assert not any(name.startswith("prompt_encoder.") for name in moved)
    assert all("attention" in name for name in encoder)
    assert bool(encoder) == (method == "lora")


@pytest.mark.parametrize(("method", "calls_an_epoch"), [("decoder", 0), ("lora", 3)])
def test_the_encoder_runs_once_an_image_unless_it_learns(
    method: Method, calls_an_epoch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter, images = untrained(), draw_task(4)
    calls: list[int] = []
    monkeypatch.setattr(tune_module, "score_images", lambda *_: [DiceRow("a", "t", "box", 0, 0.5)])
    segmenter.parts.image_encoder.register_forward_hook(lambda *_: calls.append(1))

    tune(segmenter, images[:3], images[3:], replace(PLAN, method=method, epochs=2))

    assert len(calls) == (3 if method == "decoder" else 0) + 2 * calls_an_epoch


def test_half_precision_learns_in_bfloat16_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_module, "is_worse", lambda *_: False)
    images = draw_task(4)
    rough = SamSegmenter(
        untrained().module, card=CARDS["cosmos-tiny"], device=Device("cpu", "bf16")
    )
    plain = untrained()

    for segmenter in (rough, plain):
        tune(segmenter, images[:3], images[3:], replace(PLAN, epochs=1))

    name = "mask_decoder.output_hypernetworks_mlps.1.layers.2.weight"
    found, wanted = (one.module.state_dict()[name] for one in (rough, plain))
    assert found.dtype == torch.float32
    assert not torch.equal(found, wanted)
    torch.testing.assert_close(found, wanted, atol=4e-3, rtol=0)
    coarse = SamSegmenter(
        untrained().module, card=CARDS["cosmos-tiny"], device=Device("cpu", "fp16")
    )
    with pytest.raises(InputError, match=r"--device: \+fp16: is too coarse to learn in"):
        tune(coarse, images[:3], images[3:], PLAN)


def test_a_model_with_one_answer_learns_with_the_head_that_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MedSAM answers by its first mask token, which no plain SAM is asked."""
    monkeypatch.setattr(tune_module, "is_worse", lambda *_: False)
    card = replace(CARD, prompts=("box",))
    segmenter, images = MedSam(build_small_sam(), card=card), draw_task(4)
    before = {name: value.clone() for name, value in segmenter.module.state_dict().items()}
    plan = TuningPlan(epochs=1, learning_rate=1e-3, augmentations=1, prompts=("box",))

    tune(segmenter, images[:3], images[3:], plan)

    moved = changed(before, dict(segmenter.module.state_dict()))
    heads = {number for number in range(4) for name in moved if f"mlps.{number}." in name}
    assert heads == {0}


def test_a_reference_lies_where_the_image_does_in_the_square() -> None:
    mask = np.zeros((60, 80), np.bool_)
    mask[:, :40] = True
    frame = CentredFrame(60, 80, 128)

    grid = to_grid(frame, [mask], torch.zeros(1, 3, 128, 128))

    top, left = frame.corner
    assert (top, left) == (34, 24)
    assert grid[0, 0, top : top + 60, left : left + 40].min() == 1
    assert grid.sum() == mask.sum()


@pytest.mark.parametrize(("augmentations", "sets", "in_each"), [(1, 4, [3]), (2, 4, [6, 6, 6, 6])])
def test_epochs_take_sets_of_variants_in_turn(
    augmentations: int, sets: int, in_each: list[int]
) -> None:
    segmenter, images = untrained(), draw_task(3)

    found = tune_module._prepare(
        segmenter, images, augmentations, TuningPlan(augmentation_sets=sets)
    )

    assert [len(one) for one in found] == in_each
    themselves = {image.references[0][1].tobytes() for image in images}
    assert themselves <= {ready.references[0].tobytes() for ready in found[0]}
    for later in found[1:]:
        assert not themselves & {ready.references[0].tobytes() for ready in later}


def test_the_weights_of_later_epochs_are_averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter, images = untrained(), draw_task(4)
    seen: list[dict[str, Tensor]] = []
    monkeypatch.setattr(tune_module, "is_worse", lambda *_: False)

    result = tune(
        segmenter,
        images[:3],
        images[3:],
        replace(PLAN, epochs=4),
        lambda *_: seen.append(copy.deepcopy(segmenter.module.state_dict())),
    )

    found = segmenter.module.state_dict()
    name = "mask_decoder.output_hypernetworks_mlps.1.layers.2.weight"
    assert not torch.equal(seen[2][name], seen[3][name])
    torch.testing.assert_close(found[name], (seen[2][name] + seen[3][name]) / 2)
    assert len(result.validation) == 5
    rows = score_images(segmenter, images[3:], ("box",))
    assert mean_over_clusters(rows) == pytest.approx(result.final, abs=1e-6)


@pytest.mark.parametrize("method", ["decoder", "lora"])
def test_a_tuning_that_does_harm_leaves_the_model_as_it_was(method: Method) -> None:
    segmenter, images = untrained(), draw_task(4)
    before = copy.deepcopy(segmenter.module.state_dict())
    plan = replace(PLAN, method=method, epochs=1, learning_rate=10.0)

    result = tune(segmenter, images[:3], images[3:], plan)

    assert not result.kept
    assert result.validation[1] < result.validation[0] == result.final
    assert not changed(before, dict(segmenter.module.state_dict()))


def test_the_same_seed_tunes_to_the_same_weights() -> None:
    images = draw_task(4)
    states = []
    for _ in range(2):
        segmenter = untrained()
        tune(
            segmenter,
            images[:3],
            images[3:],
            TuningPlan(epochs=1, augmentations=2, prompts=("box",)),
        )
        states.append(segmenter.module.state_dict())

    assert not changed(dict(states[0]), dict(states[1]))


@pytest.mark.parametrize("method", ["decoder", "lora"])
def test_a_tuning_that_goes_on_ends_with_the_same_bits(
    method: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_module, "is_worse", lambda *_: False)
    images, plan = draw_task(4), replace(PLAN, method=method, epochs=4)
    checkpoint = CheckpointFile(tmp_path / "state", {"this": "one"})

    def stop(epoch: int, *_: object) -> None:
        if epoch == 3:  # one epoch is in the mean already
            raise KeyboardInterrupt

    whole, first, second = untrained(), untrained(), untrained()
    tune(whole, images[:3], images[3:], plan)
    with pytest.raises(KeyboardInterrupt):
        tune(first, images[:3], images[3:], plan, stop, checkpoint)
    tune(second, images[:3], images[3:], plan, None, checkpoint)

    assert not changed(dict(whole.module.state_dict()), dict(second.module.state_dict()))
    with pytest.raises(InputError, match="this: belongs to another run"):
        CheckpointFile(checkpoint.path, {"this": "other"}).read()


def test_a_training_cluster_may_not_validate() -> None:
    images = draw_task(4)

    with pytest.raises(InputError, match="cluster: is learnt from and validated on"):
        tune(untrained(), images[:3], images[2:], PLAN)


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(InputError, match="training: has no images"):
        tune(untrained(), [], draw_task(1), PLAN)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match=r"--method: is unknown \(got all, want decoder or lora\)"):
        TuningPlan(method="all")  # type: ignore[arg-type]
