from __future__ import annotations

import pytest

from cosmos_board.runner.engine.device_check import is_wanted


@pytest.mark.parametrize(
    ("device", "wanted"), [("cpu", False), ("cpu+bf16", False), ("cuda:1", True), ("mps", True)]
)
def test_accelerators_are_checked(device: str, wanted: bool) -> None:
    assert is_wanted(device) == wanted
