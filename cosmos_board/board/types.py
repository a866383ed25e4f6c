"""What a board is made of: keys, rows and facts, as plain values that anyone may render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cosmos_board.core.arrays import Floats
from cosmos_board.core.scores import Selection

SliceKind: TypeAlias = Literal["overall", "modality", "object", "target", "dataset"]

Scope: TypeAlias = Literal["common", "all"]
"""`common` ranks on the targets that no ranked model was trained on; `all` ranks on everything."""

Status: TypeAlias = Literal[
    "ranked", "incomplete", "trained-on", "no-common-set", "too-few-clusters", "observer"
]
"""Whether a model is ranked, and if not, why not; no board ranks without an interval. An
incomplete model does not cover its slice, or too many of its answers failed."""

Exposure: TypeAlias = Literal["trained-on", "same-source", "unknown", "clean"]
"""What is known of a model having seen a dataset in training."""

PairVerdict: TypeAlias = Literal["better", "worse", "equivalent", "undecided", "not tested"]
"""What is known of A against B; not tested where there are too few clusters for an interval."""


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """A part of the data that is ranked by itself."""

    kind: SliceKind

    name: str = ""
    """Such as `ct`, `liver`, `ct.liver` or a dataset; empty for `overall`."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True, order=True)
class BoardKey:
    """Which board: a slice, how it was prompted, how a candidate was chosen, what was measured.

    Example:
        >>> BoardKey(Slice("target", "ct.liver"), "box", "predicted", "dice").path
        'full/target/ct.liver/box/predicted/dice'
    """

    slice: Slice
    prompt: str
    selection: Selection
    metric: str
    track: str = "full"
    scope: Scope = "common"

    @property
    def path(self) -> str:
        """Where the board's files lie under `data/`, without a suffix."""
        name = f"{self.slice.kind}/{self.slice.name}" if self.slice.name else self.slice.kind
        tail = "" if self.scope == "common" else ".all"
        return f"{self.track}/{name}/{self.prompt}/{self.selection}/{self.metric}{tail}"


@dataclass(frozen=True, slots=True)
class FailedAnswers:
    """How many answers failed of a model of which too many did."""

    failed: int
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One model on one board. Scores are in the metric's unit; None is "not known here"."""

    model: str
    label: str
    family: str
    kind: str
    """`promptable`, `classical`, `baseline` or `observer`."""

    status: Status
    failing: FailedAnswers | None = None
    """Of an incomplete model, where too many failed answers are the reason."""

    score: float
    """Macro mean over the board's targets of the mean over clusters of the cluster means."""

    low: float | None
    high: float | None
    """95 % interval for new clusters of these datasets; None under 10 clusters."""

    rank: int | None
    """1 is best; equal scores share a rank; None where the model is not ranked."""

    rank_low: int | None
    rank_high: int | None
    """2.5 and 97.5 percentile of the rank over the bootstrap replicates."""

    p_first: float | None
    """Share of replicates in which the model leads; a shared lead counts in parts."""

    tie_group: int | None
    """1, 2, …: models that the data cannot tell from the group's best; None without intervals."""

    references: int
    """References of the board that the model answered, failures included."""

    clusters: int
    """Distinct clusters of those references."""

    coverage: float
    """Share of the slice's references that the model has a row for, in [0, 1]."""

    micro: float
    """Mean over all references, every reference counting once."""

    micro_rank: int | None
    dataset_balanced: float
    """Macro mean in which each target is a mean over datasets, every dataset counting once."""

    rank_moves: bool
    """Whether macro and micro rank differ by two or more."""

    oracle_gap: float | None
    """Improvement that choosing the best candidate would bring; None for `everything`."""

    gain_over_box_prior: float | None
    """Improvement over the ellipse in the box; only on boards whose prompt has a box."""

    penalised: float
    """Share of references for which nothing was drawn, in [0, 1]."""

    failed: float
    """Share of references for which the model failed; they count as empty, in [0, 1]."""

    trained_on: float
    """Share of the slice's targets whose datasets the model was trained on, in [0, 1]."""

    exposure: Exposure
    """The worst that is known over the board's datasets."""

    tier: str
    """How far the scores were checked, by the least checked run; empty where no run says so."""

    low_elsewhere: float | None = None
    high_elsewhere: float | None = None
    """95 % interval for new datasets of these kinds, wider than that for new clusters: a jackknife
    over datasets; None where the board has fewer than five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentModel:
    """A model that has no row on a board."""

    model: str
    label: str
    reason: Literal["unsupported", "not run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFacts:
    """What a caption must say about the data behind a board."""

    targets: tuple[str, ...]
    """The targets that the board ranks on, sorted."""

    left_out: tuple[str, ...]
    """Targets of the slice outside the common set."""

    thin: tuple[str, ...]
    """Targets under 10 clusters: in the score, not in the interval."""

    datasets: tuple[str, ...]
    cluster_units: tuple[str, ...]
    """What a cluster is: `patient`, `volume`, `image`, sorted; `image` where neither is known."""

    references: int
    clusters: int
    synthetic: bool
    """Whether the data is synthetic; synthetic data never stands beside real data."""

    detectable: float | None
    """Smallest difference of two ranked models found with 80 % power; the median over pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A ranked table. Ranked rows come first, by rank; then the others by name."""

    key: BoardKey
    higher_is_better: bool
    rows: tuple[BoardRow, ...]
    absent: tuple[AbsentModel, ...]
    facts: BoardFacts

    @property
    def ranked(self) -> tuple[BoardRow, ...]:
        """The rows that hold a rank."""
        return tuple(row for row in self.rows if row.rank is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """A against B on one slice; differences are A − B in the metric's unit."""

    a: str
    b: str
    slice: Slice
    difference: float
    low: float | None
    high: float | None
    """95 % interval of the paired difference; None under 10 clusters."""

    p: float | None
    """Two-sided Wilcoxon signed-rank p on paired cluster means; None without a difference."""

    p_holm: float | None
    """The same after Holm's correction within its table."""

    verdict: PairVerdict | None
    """On Dice, IoU and NSD; None for a metric without a margin that matters."""

    clusters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two models side by side."""

    a: str
    b: str
    prompt: str
    selection: Selection
    metric: str
    track: str
    overall: PairRow | None
    """Macro over the targets that both cover; None where they share none."""

    targets: tuple[PairRow, ...]
    """One per shared target; Holm runs over these."""

    wins: int
    """Targets on which A is better."""

    ties: int
    """Targets on which neither is: equivalent or undecided."""

    untested: int
    """Targets with too few clusters to tell."""

    losses: int
    left_out: tuple[str, ...]
    """Targets that one of them was trained on, and targets that one of them does not cover."""

    failing: Mapping[str, FailedAnswers] = field(default_factory=dict)
    """The models of which too many answers failed; their failures count as 0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairTable:
    """Every two ranked models of one board; pairs in the order (1, 2), (1, 3), …, (2, 3), …."""

    key: BoardKey
    models: tuple[str, ...]
    """Ranked models, in the order of the board's rows."""

    difference: Floats
    """First − second, in the metric's unit, shape (pairs,)."""

    half_95: Floats
    """Half the paired 95 % interval, shape (pairs,); NaN under 10 clusters."""

    half_90: Floats
    p: Floats
    """Two-sided Wilcoxon signed-rank p on paired cluster means, shape (pairs,)."""

    p_holm: Floats
    """The same after Holm's correction within this table."""

    clusters: int
