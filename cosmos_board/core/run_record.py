"""Run records: what a run folder says of itself (`run.json`) and of each of its shards."""

from __future__ import annotations

from dataclasses import dataclass, field

from cosmos_board.core.cards import DatasetCard, ModelCard
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.scores import Study
from cosmos_board.core.tracks import FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What is asked of every model and pack of a run."""

    prompts: tuple[str, ...] = tuple(PROMPTS)
    study: Study = "main"
    limit: int | None = None
    """Number of images taken from the start of each pack; None for all."""

    save_masks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a run was made with; no user name, host name or path."""

    python: str
    platform: str
    """Operating system and processor type."""

    processors: int | None
    packages: dict[str, str]
    """Versions by package."""

    commit: str | None
    """Of our own source tree, where the program runs from one."""

    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The GPU that a worker ran on."""

    name: str
    """As its maker calls it."""

    driver: str
    runtime: str
    """CUDA or HIP, and the version that torch was built for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSource:
    """The submission that a run was scored from."""

    slug: str
    version: int
    manifest_sha256: str
    content_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """One model on one pack: what the board database calls a run."""

    model: ModelCard
    dataset: DatasetCard
    images: int
    """Images that are evaluated."""

    of_images: int
    """Images of the pack."""

    shards: int
    checkpoint_sha256: str | None
    device: str
    """As `models.devices` writes it."""

    index_sha256: dict[str, str] = field(default_factory=dict)
    """Hashes of the files `images` and `references` that list what is asked; older runs lack it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAnswers:
    """How many answers of a model failed, and why the first did."""

    answers: int
    failed: int
    reason: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCheck:
    """Digests of a model's answers to a fixed set of images before and after a run."""

    model: str
    rows: int
    before: str
    after: str | None = None
    """None until the run ends; a run whose digests differ cannot be used."""

    worker: str = ""
    """Which process answered, and on which device; empty in older runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """`run.json`: settings, provenance and entries of a run folder."""

    settings: RunSettings
    protocol: str
    provenance: Provenance
    started_utc: str
    entries: dict[str, RunEntry]
    """By run id."""

    track: str = FULL
    tier: str = "self-reported"
    submission: SubmissionSource | None = None
    """None for a run of our own runner."""

    failures: dict[str, FailedAnswers] = field(default_factory=dict)
    """By name of the model; models without a failed answer are left out."""

    device_checks: list[DeviceCheck] = field(default_factory=list)
    """One of each worker that checked its device."""

    cards: list[Card] = field(default_factory=list)
    """Every kind of GPU that a worker ran on, once each."""

    @property
    def is_main(self) -> bool:
        """Whether it is a run of the main study, which boards rank."""
        return self.settings.study == "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An image, or one reference of it, that a run could not score because the data is bad."""

    image_id: str
    reason: str
    reference_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstFailure:
    """Why the first failed answer of a shard failed."""

    reason: str
    traceback: str = ""
    """Several lines; empty where it was not raised by the model's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """The sidecar of a finished shard: hashes of its files and how it was made."""

    shard: str = ""
    """Name of its files, without ending; empty in older runs."""

    sha256: str
    """Of the score rows."""

    predictions_sha256: str | None = None
    rows: int
    quarantined: tuple[Quarantined, ...] = ()
    timings: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By stage: number of items and median seconds an item, after warm-up."""

    batch: int = 0
    """Prompts in a batch at the end of the shard."""

    retries: int = 0
    """Batches that were asked again in halves."""

    first_failure: FirstFailure | None = None
    peak_bytes: int
    """Most memory that the process had taken by then."""

    card: Card | None = None
    """The GPU that the model ran on."""
