"""Everything that the pages are written from: boards, and the cards of what is on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

from cosmos_board.board.types import Board, BoardKey, BoardRow, PairTable, Slice, SliceKind
from cosmos_board.board.volumes.boards import VolumeBoard
from cosmos_board.core.cards import PROTOCOL, DatasetCard, ModelCard
from cosmos_board.core.modalities import MODALITIES
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.scores import Selection
from cosmos_board.core.tracks import FULL
from cosmos_board.data.catalog.held_out import HELD_OUT
from cosmos_board.site.content.blocks import NO_BLOCKS, Blocks, Stratum
from cosmos_board.site.content.studies import Studies
from cosmos_board.site.language.numbers import DASH
from cosmos_board.store.queries.cards import Timing, TrackEntry
from cosmos_board.store.queries.submissions import LedgerTable
from cosmos_board.store.queries.targets import Amount, DiceSpread, TargetInfo

if TYPE_CHECKING:
    from cosmos_board.site.content.case_drawing import Case


OVERALL = Slice("overall")
"""The slice that pools every target."""

FIRST_PROMPTS = ("box", "point", "points-5", "box-point", "points-5-5", "everything")
"""The prompt whose table opens a page: the first of these that was scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A slice with too few clusters to be shown, of datasets whose terms allow aggregates only.

    How many clusters it has is not said: a count of few patients is withheld like their scores.
    """

    slice: Slice
    datasets: tuple[str, ...]
    """Whose part is withheld."""

    whole: bool
    """Whether nothing of the slice is left to show."""


@dataclass(frozen=True, kw_only=True)
class SiteData:
    """One board database, read; by default that of an empty board."""

    version: str = ""
    """Data version: changes when and only when the data does; empty for an empty board."""

    protocol: str = PROTOCOL
    boards: Mapping[BoardKey, Board] = field(default_factory=dict, repr=False)
    pairs: Mapping[BoardKey, PairTable] = field(default_factory=dict, repr=False)
    withheld: tuple[Withheld, ...] = ()
    """What restricted datasets would add and does not stand here; none where it is `local`."""

    models: Mapping[str, ModelCard] = field(default_factory=dict)
    datasets: Mapping[str, DatasetCard] = field(default_factory=dict)
    targets: tuple[TargetInfo, ...] = ()
    amounts: Mapping[tuple[str, str, bool], Amount] = field(default_factory=dict, repr=False)
    """What boards rank on, by kind and name of a slice and whether it is synthetic."""

    timings: tuple[Timing, ...] = ()
    entries: tuple[TrackEntry, ...] = ()
    """Newest first."""

    spreads: tuple[DiceSpread, ...] = field(default=(), repr=False)
    studies: Studies = field(default_factory=Studies, repr=False)
    cases: tuple[Case, ...] = field(default=(), repr=False)
    partial: tuple[Stratum, ...] = ()
    """Datasets and targets of which some patients are left out until ten more are there."""

    blocks: Blocks = NO_BLOCKS
    """The patients of restricted datasets that this site and those before it rest on."""

    local: bool = False
    """Whether the site shows everything and is for its owner's machine alone."""

    volumes: tuple[VolumeBoard, ...] = field(default=(), repr=False)
    """Boards of whole volumes, by prompt and target."""

    ledger: LedgerTable = field(default_factory=LedgerTable)
    """Every submission, ranked or not."""

    def label(self, model: str) -> str:
        """Return how a model is called on pages; its name where nothing is known of it."""
        return self.models[model].label if model in self.models else model

    @cached_property
    def _slices(self) -> dict[str, tuple[Slice, ...]]:
        """Slices by kind, by modality and name."""
        order = {name: place for place, name in enumerate(MODALITIES)}
        slices: dict[str, list[Slice]] = {}
        for part in dict.fromkeys(key.slice for key in self.boards):
            slices.setdefault(part.kind, []).append(part)
        return {
            kind: tuple(sorted(parts, key=lambda p: (order.get(p.name.split(".")[0], 0), p.name)))
            for kind, parts in slices.items()
        }

    @cached_property
    def _places(self) -> dict[tuple[str, str, str, str], list[tuple[Slice, BoardRow, int]]]:
        """Where models stand, by model, kind of slice, prompt and track."""
        places: dict[tuple[str, str, str, str], list[tuple[Slice, BoardRow, int]]] = {}
        for track, kind, prompt in product(self.tracks, self._slices, PROMPTS):
            for part in self._slices[kind]:
                board = self.board(part, prompt, track=track)
                for row in board.rows if board else ():
                    where = places.setdefault((row.model, kind, prompt, track), [])
                    where.append((part, row, len(board.ranked) if board else 0))
        return places

    @cached_property
    def _spreads(self) -> dict[tuple[str, str], list[DiceSpread]]:
        """Spreads by target and prompt."""
        spreads: dict[tuple[str, str], list[DiceSpread]] = {}
        for spread in self.spreads:
            spreads.setdefault((spread.target, spread.prompt), []).append(spread)
        return spreads

    def board(
        self,
        part: Slice,
        prompt: str,
        selection: Selection | None = None,
        metric: str = "dice",
        track: str = FULL,
    ) -> Board | None:
        """Return a board, by default of the full track, None where nothing was scored.

        `everything` has no choice by predicted IoU, so `oracle` is its default.
        """
        chosen = selection or default_selection(prompt)
        return self.boards.get(BoardKey(part, prompt, chosen, metric, track))

    def main_board(self, part: Slice, track: str = FULL) -> Board | None:
        """Return the board that opens the page of a slice; None where nothing was scored."""
        boards = (self.board(part, prompt, track=track) for prompt in FIRST_PROMPTS)
        return next((board for board in boards if board and board.rows), None)

    @property
    def last_year(self) -> str:
        """The year of the newest run; empty on an empty board."""
        return max((entry.date[:4] for entry in self.entries), default="")

    @property
    def version_label(self) -> str:
        """The data version as pages name it."""
        return self.version or DASH

    @property
    def tracks(self) -> tuple[str, ...]:
        """Tracks that have boards here: the full one first, then those of submissions."""
        tracks = {key.track for key in self.boards}
        return tuple(sorted(tracks, key=lambda track: (track != FULL, track)))

    @property
    def submitted(self) -> tuple[str, ...]:
        """Tracks of submissions that have boards here."""
        return tuple(track for track in self.tracks if track != FULL)

    def is_synthetic(self, part: Slice) -> bool:
        """Return whether a slice holds synthetic data alone: beside real data it is left out."""
        return all(info.synthetic for info in self.targets if holds(part, info))

    def targets_of(self, part: Slice) -> list[TargetInfo]:
        """Return the targets of a slice, by dataset; synthetic ones only where all are."""
        synthetic = self.is_synthetic(part)
        return [info for info in self.targets if holds(part, info) and info.synthetic == synthetic]

    def amount(self, part: Slice) -> Amount:
        """Return how much a slice ranks on: of its real data, or of synthetic data alone."""
        return self.amounts.get((part.kind, part.name, self.is_synthetic(part)), Amount())

    def slices(self, kind: SliceKind) -> tuple[Slice, ...]:
        """Return the slices of one kind that hold data, in the order they are listed."""
        return self._slices.get(kind, ())

    def places(
        self, model: str, kind: SliceKind, prompt: str, track: str = FULL
    ) -> Sequence[tuple[Slice, BoardRow, int]]:
        """Return where a model stands: slice, its row there, how many models are ranked there."""
        return self._places.get((model, kind, prompt, track), ())

    def spread(self, target: str, prompt: str) -> Sequence[DiceSpread]:
        """Return how the Dice of each model is distributed over one target with one prompt."""
        return self._spreads.get((target, prompt), ())

    def prompts(self) -> tuple[str, ...]:
        """Return the prompts of the protocol, in its order."""
        return tuple(PROMPTS)


def default_selection(prompt: str) -> Selection:
    """Return how a candidate is chosen on the public boards of `prompt`."""
    return "oracle" if prompt == "everything" else "predicted"


def holds(part: Slice, info: TargetInfo) -> bool:
    """Return whether a target of a dataset is in a slice."""
    if part.kind == "held-out":
        return not info.synthetic and info.dataset in HELD_OUT[PROTOCOL].get(part.name, ())
    return part.kind == "overall" or getattr(info, part.kind) == part.name
