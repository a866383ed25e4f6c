"""What a board is made of: keys, rows and facts, as plain values that anyone may render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cosmos_board.core.scores import Selection
from cosmos_board.stats.family import Family, Verdict

SliceKind: TypeAlias = Literal["overall", "held-out", "modality", "object", "target", "dataset"]
"""`held-out`: a set of datasets that the catalog keeps for models that were adapted to others."""

Status: TypeAlias = Literal[
    "ranked", "incomplete", "trained-on", "too-few-clusters", "observer", "distance"
]
"""Whether a model is ranked, and if not, why not. An incomplete model does not cover its slice, or
more than 1 % of its answers failed technically; distances rank nobody."""

Exposure: TypeAlias = Literal["trained-on", "same-source", "unknown", "clean"]
"""What is known of a model having seen a dataset in training."""

PairVerdict: TypeAlias = Literal[Verdict, "not tested"]
"""What is known of A against B; not tested where there are too few clusters for an interval, or too
many answers of one failed."""


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """A part of the data that is ranked by itself."""

    kind: SliceKind

    name: str = ""
    """Such as `ct`, `liver`, `ct.liver`, a dataset or a held-out set; empty for `overall`."""

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

    @property
    def path(self) -> str:
        """Where the board's files lie under `data/`, without a suffix."""
        name = f"{self.slice.kind}/{self.slice.name}" if self.slice.name else self.slice.kind
        return f"{self.track}/{name}/{self.prompt}/{self.selection}/{self.metric}"


@dataclass(frozen=True, slots=True)
class FailedAnswers:
    """How many answers of how many failed technically, or are missing."""

    failed: int
    answers: int


@dataclass(frozen=True, slots=True)
class Share:
    """A share of references, clusters weighing as in every score, and its exact 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Gap:
    """A paired difference, in the metric's unit, with its 95 % interval."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One model on one board. Scores are in the metric's unit; None is "not known here".

    Score, interval, rank and letters rest on the board's targets with at least 10 clusters. On a
    board without such a target the score is over all its targets and nothing else is known.
    """

    model: str
    label: str
    family: str
    kind: str
    """`promptable`, `classical`, `baseline` or `observer`."""

    status: Status
    failing: FailedAnswers | None = None
    """Of an incomplete model, where failed answers are the reason."""

    unanswered: FailedAnswers | None = None
    """Of an incomplete model, where references of the slice without an answer are the reason."""

    unanswered_datasets: tuple[str, ...] = ()
    """The datasets of the slice that such a model has no answer on at all, sorted."""

    score: float
    """Macro mean over the board's targets of the mean over clusters of the cluster means; of a
    model that was trained on some of the datasets over its clean targets alone. A distance is
    the median over drawn masks."""

    low: float | None = None
    high: float | None = None
    """95 % interval for new clusters of these datasets."""

    low_elsewhere: float | None = None
    high_elsewhere: float | None = None
    """95 % interval for new datasets of these kinds, never narrower than that for new clusters: a
    jackknife over datasets; None where the board has fewer than three."""

    rank: int | None = None
    """1 is best; equal scores share a rank; None where the model is not ranked."""

    rank_low: int | None = None
    rank_high: int | None = None
    """Best and worst rank that the simultaneous intervals allow: they hold for all models of the
    board together in 95 % of samples."""

    lead_share: float | None = None
    """Share of resamples in which the model leads; a shared lead counts in parts. It is no
    probability of being best."""

    letters: str = ""
    """Two models that share a letter are not separated; empty where the model is not ranked."""

    references: int
    """References of the board that the model answered, failures included."""

    clusters: int
    """Distinct clusters of those references."""

    coverage: float
    """Share of the slice's references that the model has a row for, in [0, 1]."""

    micro: float
    """Mean over all references, every reference counting once."""

    micro_rank: int | None = None
    dataset_balanced: float
    """Macro mean in which each target is a mean over datasets, every dataset counting once."""

    rank_moves: bool = False
    """Whether macro and micro rank differ by two or more."""

    oracle_gap: float | None = None
    """Improvement that choosing the best candidate would bring; None for `everything`."""

    gain_over_box_prior: float | None = None
    """Improvement over the ellipse in the box; only on boards whose prompt has a box."""

    failure: Share | None = None
    """References with Dice under 0.5; None where no target has 10 clusters."""

    empty: Share | None = None
    """References for which nothing was drawn, failed answers included."""

    failed: float = 0.0
    """Share of the slice's answers that failed technically, in [0, 1]; they count as empty.

    As with `failing` and `coverage`, targets under 10 clusters are among the slice's.
    """

    hd95_px: float | None = None
    assd_px: float | None = None
    """Median over drawn masks, in pixels; only on boards of one target."""

    trained_on: float = 0.0
    """Share of the slice's targets whose datasets the model was trained on, in [0, 1]."""

    clean_targets: int | None = None
    """Of a model that was trained on some targets: how many others its score rests on."""

    behind: Gap | None = None
    """Of a model that was trained on some targets: its score minus the leader's on the others."""

    exposure: Exposure
    """The worst that is known over the board's datasets."""

    tier: str
    """How far the scores were checked, by the least checked run; empty where no run says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentModel:
    """A model that has no row on a board."""

    model: str
    label: str
    reason: Literal["unsupported", "not run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinTarget:
    """A target under 10 clusters, which stands apart: it has no part in score, interval or rank."""

    target: str
    clusters: int
    scores: tuple[tuple[str, float], ...]
    """(model, mean over clusters) of every model with a row there, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFacts:
    """What a caption must say about the data behind a board."""

    targets: tuple[str, ...]
    """The targets that scores and ranks rest on, sorted: those with at least 10 clusters, or all
    of them where there is no such target."""

    thin: tuple[ThinTarget, ...]
    """The other targets of the slice, sorted."""

    datasets: tuple[str, ...]
    cluster_units: tuple[str, ...]
    """What a cluster is: `patient`, `volume`, `image`, sorted; `image` where neither is known."""

    references: int
    clusters: int
    synthetic: bool
    """Whether the data is synthetic; synthetic data never stands beside real data."""

    ranks: bool
    """Whether a target has at least 10 clusters; else there is no interval, rank or leader."""

    detectable: float | None
    """Least true difference of two ranked models that would be shown in 80 % of such samples; the
    median over pairs."""


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
    """Simultaneous 95 % interval over all pairs of the table, at least as far as the one-sided
    bound with one more failure of either; None under 10 clusters."""

    verdict: PairVerdict
    """From the interval without that allowance."""

    held_back: bool
    """Whether only the added failure keeps the two from being separated."""

    detectable: float | None
    """Least true difference that would be shown in 80 % of such samples."""

    clusters: int
    failed_often: tuple[str, ...] = ()
    """Of the two, those of which too many answers on this slice failed for a test."""


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
    """On the overall board where both are ranked there; else macro over the targets that both
    cover and neither was trained on, as a table of two; None where they share none."""

    targets: tuple[PairRow, ...]
    """One per shared target, each from the family of its own board."""

    better: int
    """Targets on which A is better."""

    worse: int
    equivalent: int
    not_separated: int
    not_tested: int
    """Targets with too few clusters to tell, or too many failed answers of one."""

    failures_a: Share | None
    failures_b: Share | None
    """References with Dice under 0.5 behind `overall`."""

    left_out: tuple[str, ...]
    """Targets that one of them was trained on, and targets that one of them does not cover."""

    failing: Mapping[str, FailedAnswers] = field(default_factory=dict)
    """The models of which too many answers on these targets failed; their failures count as 0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairTable:
    """Every two ranked models of one board, as one family."""

    key: BoardKey
    models: tuple[str, ...]
    """Ranked models, in the order of the board's rows; the family's columns."""

    family: Family | None
    """None where no target has 10 clusters."""

    clusters: int
