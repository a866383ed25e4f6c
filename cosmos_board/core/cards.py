"""Model and dataset cards: what a reader must know before trusting a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from cosmos_board.core.expected import ExpectedCount

PROTOCOL = "cosmos-1"
"""Name of the benchmark protocol; a new prompt rule is a new protocol. It stands here because cards
are listed without numpy."""

ClusterUnit: TypeAlias = Literal["patient", "volume", "image"]


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

    @property
    def observer(self) -> bool:
        """Whether it is a person: listed, never ranked."""
        return self.kind == "observer" or self.name.startswith("observer:")

    @property
    def seen_pairs(self) -> tuple[tuple[str, str], ...]:
        """The `seen_clusters` as (dataset, cluster id)."""
        parts = (name.partition("/") for name in self.seen_clusters)
        return tuple((dataset, cluster) for dataset, _, cluster in parts)

    @property
    def tuned_on(self) -> frozenset[str]:
        """Datasets of which it is on record that a fine-tuning saw a part."""
        return frozenset(dataset for dataset, _ in self.seen_pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCard:
    """Facts about one dataset: what a pack says of itself, without its counts and files."""

    name: str
    """Key in files, URLs and on the command line; also the dataset's name on a board."""

    label: str
    version: str
    licence: str
    source: str
    citation: str
    normalisation: str
    """How intensities became 8 bit: `none`, `minmax`, `percentile` or `window centre/width`."""

    cluster_unit: ClusterUnit
    """What is taken as independent."""

    permissions: tuple[str, ...] = ()
    """Those of `PERMISSIONS` that the licence grants."""

    synthetic: bool = False
    """Synthetic packs stay out of overall boards."""

    subsample: str = ""
    """How images or references were thinned out; empty where they were not."""

    protocol: str = PROTOCOL
    expected: tuple[ExpectedCount, ...] = ()
    """What the catalog expected when the pack was made; empty where nothing is known."""

    observers: tuple[str, ...] = ()
    content_sha256: str = ""
    """Over ids, clusters, pixels, references and observers; independent of how they are filed."""

    prompts_sha256: str = ""
