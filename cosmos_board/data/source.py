"""Source images: what is read from raw files, before ids are given; and the units of reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.volumes import SpacingMm


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """What is one reference of a volume: an object, or one instance of it."""

    object: str
    pieces: bool
    """Whether its connected pieces are references of their own."""

    key: str
    """Equal on every slice for one instance; empty where the object has one reference."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VolumeSlice:
    """A slice as a part of its volume. All slices come in order; that of index 0 begins one."""

    index: int
    spacing_mm: SpacingMm | None
    """Along (slice, row, column); None where neither file nor import file says it."""

    regions: Mapping[Region, Mask]
    """What the annotator drew on it, without regard to size."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SourceImage:
    """One slice or picture out of raw files, in 8 bit, with everything drawn on it.

    Masks have the size of the image; they may be small or empty, and which of them are kept is
    the business of curation.
    """

    pixels: Pixels
    """uint8, axes (Y, X) grey or (Y, X, 3) RGB."""

    modality: str
    cluster_key: str
    """Equal for the images of one patient or volume; groups images and is written nowhere."""

    masks: Mapping[str, tuple[Mask, ...]]
    """The annotator's masks by object; more than one where the object has instances."""

    observers: Mapping[str, Mapping[str, tuple[Mask, ...]]] = field(default_factory=dict)
    """Further observers' masks by observer, then as `masks`."""

    notes: tuple[str, ...] = ()
    """How the file was understood, in words that many files share: `stored as RAS`, …"""

    left_out: Mapping[str, int] = field(default_factory=dict)
    """Number of regions that were skipped while reading, by rule."""

    volume: VolumeSlice | None = None
    """Its place in a volume that is kept whole."""

    warnings: tuple[str, ...] = ()
    """Keys of the warnings to which the image gives rise: `inverted`, …"""

    origin: str = ""
    """File and slice, for messages and reports on this machine; written into no pack."""

    @property
    def serves_volume_only(self) -> bool:
        """Whether it is a slice without masks, kept for its volume: no image of the 2-D study."""
        return self.volume is not None and not self.masks


@dataclass(frozen=True, slots=True, eq=False)
class SourceUnit:
    """What is read in one go: a picture with its masks, or a volume with all its slices."""

    key: str
    """Changes whenever what `read` yields would change (files, their size and time, options):
    a resumed import recognises finished units by it. Never leaves this machine."""

    origin: str
    """What a person calls it, for the report: usually a path."""

    read: Callable[[], Iterable[SourceImage]]
    """Reads it. Sent to another process, so a function of a module or a `partial` of one.

    Raises InputError for what must be quarantined; the whole unit is then left out."""
