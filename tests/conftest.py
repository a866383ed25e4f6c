"""What every test shares: one hypothesis profile, so that a red run can be repeated."""

from __future__ import annotations

from hypothesis import settings

from tests.packs import phantom_pack

__all__ = ["phantom_pack"]

settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("fixed")
