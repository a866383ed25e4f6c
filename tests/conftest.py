"""What every test shares: one hypothesis profile, so that a red run can be repeated."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests import figures
from tests.packs import phantom_pack, phantom_volumes
from tests.volume_boards import planted_board

__all__ = ["phantom_pack", "phantom_volumes", "planted_board"]

settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("fixed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let pytest take `--figures=FILE`."""
    figures.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Collect figures where they are asked for."""
    figures.register(config)
