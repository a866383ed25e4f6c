"""Model cards: what a reader must know about a segmenter before trusting its score."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """Facts about one model."""

    name: str
    """Key in files, URLs and on the command line."""

    label: str
    family: str
    """Models that differ in size or training only share a family, such as `sam`."""

    kind: str
    """`promptable` (learned), `classical`, `baseline` or `observer`."""

    prompts: tuple[str, ...]
    """Prompts it answers, by name."""

    clicks: bool = False
    """Whether it can take part in the clicks study."""

    mask_input: bool = False
    """Whether its low-resolution logits can be fed back."""

    parameters: int | None = None
    """Number of weights; None where there are none."""

    input_size_px: int | None = None
    """Side of the square that the image encoder sees; None where it works in native pixels."""

    licence: str = "unknown"
    source: str = ""
    """Address of the code or paper."""

    training_data: tuple[str, ...] | None = None
    """Dataset names of the catalog that it was trained on; None where unknown."""

    description: str = ""
    base_model: str | None = None
    """Name of the model that this one was fine-tuned from."""

    seen_clusters: tuple[str, ...] = ()
    """`dataset/cluster_id` of what a fine-tuned model learnt from or was chosen by."""

    seen_packs: tuple[str, ...] = ()
    """`dataset@sha256` of the packs whose cluster ids those are, by the hash of their content."""
