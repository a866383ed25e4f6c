from __future__ import annotations

from typing import Any

import pytest
import torch

from cosmos_board.models.sam.decoder import decode
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.tiny.model import build_tiny
from cosmos_board.training.tiny import trainer as trainer_module
from cosmos_board.training.tiny.batches import draw_batch, group_prompts, image_tensor, prefetch
from cosmos_board.training.tiny.examples import ExampleSource
from cosmos_board.training.tiny.trainer import Schedule, Trainer

SOURCE = ExampleSource()
BATCH = draw_batch(SOURCE, 3, 2, 3)


def test_the_rate_rises_stays_and_falls() -> None:
    schedule = Schedule(steps=200, learning_rate=1.0, warm_up=10, fall=0.5)

    assert schedule.rate(0) == pytest.approx(0.1)
    assert schedule.rate(50) == schedule.rate(100) == 1
    assert schedule.rate(150) == pytest.approx(0.5)
    assert schedule.rate(199) == pytest.approx(0.01)


def test_steps_on_one_batch_lower_its_loss() -> None:
    torch.manual_seed(0)
    trainer = Trainer(build_tiny(), Schedule(steps=99, warm_up=1), corrections=(2,))

    losses = [trainer.train_step(BATCH)["loss"] for _ in range(4)]

    assert losses[-1] < losses[0]
    assert trainer.step == 4


def test_a_correction_click_comes_with_the_mask_that_it_corrects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    asked: list[tuple[int, bool]] = []

    def spy(sam: Any, features: torch.Tensor, prompts: PromptBatch) -> object:  # noqa: ANN401
        points = 0 if prompts.points_xy is None else prompts.points_xy.shape[1]
        asked.extend([(points, prompts.mask_logits is not None)] * len(prompts))
        return decode(sam, features, prompts)

    monkeypatch.setattr(trainer_module, "decode", spy)
    trainer = Trainer(build_tiny(), Schedule(steps=9, warm_up=1), corrections=(2, 1))

    trainer.train_step(BATCH)

    first = [points for points, fed in asked if not fed]
    corrected = [points for points, fed in asked if fed]
    assert sorted(first) == sorted(len(task.prompt.labels) for task in BATCH.tasks)
    assert len(corrected) == 3
    assert max(corrected) > min(first)
    assert min(corrected) >= 1


def test_the_average_of_weights_follows_them() -> None:
    torch.manual_seed(0)
    sam = build_tiny()
    start = sam.state_dict()["mask_decoder.iou_token.weight"].clone()
    trainer = Trainer(sam, Schedule(steps=9, warm_up=1), corrections=())

    trainer.train_step(BATCH)

    now = sam.state_dict()["mask_decoder.iou_token.weight"]
    average = trainer.average["mask_decoder.iou_token.weight"]
    assert not torch.equal(now, start)
    assert torch.dist(average, now) < torch.dist(start, now)


def test_a_batch_depends_on_its_number_alone() -> None:
    again = draw_batch(ExampleSource(), 3, 2, 3)

    assert (again.pixels == BATCH.pixels).all()
    assert [task.prompt for task in again.tasks] == [task.prompt for task in BATCH.tasks]


def test_prefetching_keeps_the_order() -> None:
    batches = prefetch(lambda key: draw_batch(SOURCE, key, 1, 1, 64), 1)
    taken = [next(batches) for _ in range(2)]
    batches.close()

    assert (taken[0].pixels == draw_batch(SOURCE, 1, 1, 1, 64).pixels).all()
    assert (taken[1].pixels == draw_batch(SOURCE, 2, 1, 1, 64).pixels).all()


def test_prompts_of_a_group_have_equal_length() -> None:
    groups = group_prompts(BATCH.tasks, torch.device("cpu"))

    positions = sorted(int(p) for group, _ in groups for p in group)
    assert positions == list(range(len(BATCH.tasks)))
    for group, prompts in groups:
        for row, position in enumerate(group):
            prompt = BATCH.tasks[position].prompt
            assert int(prompts.image_index[row]) == BATCH.tasks[position].image
            if prompts.points_xy is not None:
                assert prompts.points_xy[row].tolist() == prompt.points_xy.tolist()


def test_padding_is_zero_after_normalisation() -> None:
    images = image_tensor(BATCH, torch.full((3, 1, 1), 127.5), torch.full((3, 1, 1), 64.0))

    for image, (height, width) in zip(images, BATCH.contents, strict=True):
        assert not image[:, height:].any()
        assert not image[:, :, width:].any()
