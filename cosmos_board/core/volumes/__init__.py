"""The volume track's words: volumes, their references and prompts."""

from cosmos_board.core.volumes.prompts import (
    EACH_BOX,
    VOLUME_PROMPTS,
    SlicePrompt,
    VolumePrompt,
    VolumePromptKind,
    get_volume_prompt_kind,
)
from cosmos_board.core.volumes.volume import (
    SMALLEST_SLICE_PX,
    SpacingMm,
    Volume,
    VolumeMask,
    VolumeReference,
    find_prompt_slice,
)

__all__ = [
    "EACH_BOX",
    "SMALLEST_SLICE_PX",
    "VOLUME_PROMPTS",
    "SlicePrompt",
    "SpacingMm",
    "Volume",
    "VolumeMask",
    "VolumePrompt",
    "VolumePromptKind",
    "VolumeReference",
    "find_prompt_slice",
    "get_volume_prompt_kind",
]
