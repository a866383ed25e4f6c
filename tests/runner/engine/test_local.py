"""How many processes an evaluation takes where nobody says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.run_record import RunSettings
from cosmos_board.models import devices
from cosmos_board.runner.engine import local
from cosmos_board.runner.engine.local import choose_workers
from cosmos_board.runner.settings import SegmenterSpec, WorkerSettings


def make_card(*, kind: str = "promptable", parameters: int | None = 1_000_000) -> ModelCard:
    return ModelCard(
        name="net", label="Net", family="net", kind=kind, prompts=("box",), parameters=parameters
    )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight processors and sixteen gibibytes."""
    monkeypatch.setattr(local, "_count_processors", lambda: 8)
    monkeypatch.setattr(local, "_read_available_bytes", lambda: 16 << 30)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (make_card(), 8),
        (make_card(parameters=93_735_472), 5),
        (make_card(parameters=10**12), 1),
        (make_card(kind="classical", parameters=None), 8),
        (make_card(parameters=None), 1),
    ],
    ids=["small", "as memory goes", "larger than memory", "without weights", "of unknown size"],
)
def test_a_model_gets_as_many_processes_as_fit(card: ModelCard, expected: int) -> None:
    assert choose_workers(card, "cpu", 1_000) == expected


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("device", "images", "expected"),
    [("cuda", 1_000, 6), ("cuda+bf16", 8, 2), ("cuda:1+bf16", 1_000, 1)],
)
def test_every_gpu_that_may_be_used_has_one_process(
    device: str, images: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "count_cards", lambda: 6)

    assert choose_workers(make_card(parameters=None), device, images) == expected


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("cuda+bf16", ["cuda:0+bf16", "cuda:1+bf16", "cuda:0+bf16"]),
        ("cuda:1", ["cuda:1", "cuda:1", "cuda:1"]),
        ("cpu", ["cpu", "cpu", "cpu"]),
    ],
)
def test_workers_take_the_gpus_in_turn_unless_one_is_named(
    device: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "count_cards", lambda: 2)
    settings = WorkerSettings(SegmenterSpec(name="net", device=device), (), RunSettings(), Path())

    assert [settings.on_device_of(i).spec.device for i in range(3)] == expected


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("images", "expected"), [(0, 1), (3, 1), (8, 2), (100, 8)])
def test_a_process_that_would_get_three_images_does_not_start(images: int, expected: int) -> None:
    assert choose_workers(make_card(), "cpu", images) == expected


def test_processors_that_are_not_ours_do_not_count() -> None:
    assert 1 <= local._count_processors() <= (os.cpu_count() or 1)


def test_available_memory_is_what_the_kernel_says(tmp_path: Path) -> None:
    said = tmp_path / "meminfo"
    said.write_text("MemTotal:       100 kB\nMemAvailable:   3 kB\n", encoding="ascii")
    assert local._read_available_bytes(said) == 3 * 1024


def test_a_silent_system_is_taken_to_have_half_its_memory(tmp_path: Path) -> None:
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert local._read_available_bytes(tmp_path / "missing") == whole // 2
