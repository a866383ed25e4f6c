"""The volume track's words: volumes, their references and prompts."""

from cosmos_board.core.volumes.prompts import (
    EACH_BOX,
    VOLUME_PROMPTS,
    SlicePrompt,
    VolumePrompt,
    VolumePromptKind,
    get_volume_prompt_kind,
)
from cosmos_board.core.volumes.scores import (
    DISTANCE_PARTS,
    Effort,
    Propagation,
    VolumePredictionRow,
    VolumeScoreRow,
    VolumeScores,
    find_volume_error,
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
    "DISTANCE_PARTS",
    "EACH_BOX",
    "SMALLEST_SLICE_PX",
    "VOLUME_PROMPTS",
    "Effort",
    "Propagation",
    "SlicePrompt",
    "SpacingMm",
    "Volume",
    "VolumeMask",
    "VolumePredictionRow",
    "VolumePrompt",
    "VolumePromptKind",
    "VolumeReference",
    "VolumeScoreRow",
    "VolumeScores",
    "find_prompt_slice",
    "find_volume_error",
    "get_volume_prompt_kind",
]
