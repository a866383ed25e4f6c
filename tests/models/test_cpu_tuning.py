from __future__ import annotations

import platform

import pytest
import torch

from cosmos_board.models import devices


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_glibc_agrees_to_keep_what_is_freed() -> None:
    assert devices.keep_freed_memory()


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2"))

    assert not devices.keep_freed_memory()


def test_torch_gets_the_threads_that_were_asked_for() -> None:
    before = torch.get_num_threads()
    try:
        devices.tune_cpu(threads=2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
