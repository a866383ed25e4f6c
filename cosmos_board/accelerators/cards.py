"""The GPUs of this machine: how many there are, and what one is called.

torch is imported only when asked: it takes seconds, and may not be installed.
"""

from __future__ import annotations

from pathlib import Path

from cosmos_board.core.run_record import Card

_DRIVER = Path("/sys/module/nvidia/version")


def count_cards() -> int:
    """Return how many GPUs this process may use; 0 where torch is not installed or finds none.

    No GPU is set up for it, so that a process which only plans takes no memory there.
    """
    try:
        import torch
    except ModuleNotFoundError:
        return 0
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def describe_card(name: str) -> Card | None:
    """Return what is known of a GPU by the name that torch has for it, such as `cuda:1`.

    None where torch finds no GPU, which a model of another make may still use.
    """
    if not count_cards():
        return None
    import torch

    hip = torch.version.hip
    return Card(
        name=torch.cuda.get_device_name(torch.device(name)),
        driver=_DRIVER.read_text().strip() if _DRIVER.is_file() else "unknown",
        runtime=f"HIP {hip}" if hip else f"CUDA {torch.version.cuda}",
    )
