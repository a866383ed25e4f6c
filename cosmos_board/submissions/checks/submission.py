"""A submission on its way through a check: what it is compared with, and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cosmos_board.core.tracks import CORE
from cosmos_board.data.pack import Pack
from cosmos_board.submissions.checks.counts import CountTable
from cosmos_board.submissions.checks.packs import (
    IndexRow,
    Listing,
    ReferenceIndex,
    index_pack,
)
from cosmos_board.submissions.checks.predictions import Fingerprint
from cosmos_board.submissions.files.folder import show_path
from cosmos_board.submissions.format.manifest import MANIFEST, Manifest
from cosmos_board.submissions.problems import Disposition, Problem


@dataclass(frozen=True, slots=True)
class CountsFile:
    """The counts of an entry, as they lie here."""

    path: Path
    sha256: str
    """What its manifest pins; whether the file is that one is seen when it is read."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission that landed on main."""

    slug: str
    name: str
    owners: frozenset[int]
    """Numeric GitHub ids."""

    fingerprint: Fingerprint | None = None
    content_sha256: str = ""
    counts: CountsFile | None = None
    """None on the core track, and where they are not at hand."""

    track: str = CORE
    copies: frozenset[str] = frozenset()
    """Slugs of the earlier entries that it seems to copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInputs:
    """What a submission is checked against, beyond itself."""

    packs: Sequence[Listing] = ()
    """Packs that are here, or only their indices, whose references nobody can count again."""

    accepted: Sequence[Accepted] = ()
    """Entries that it is compared with."""

    external: Path | None = None
    """Where files lie that the manifest gives an address for; None where they are not at hand."""

    seed: str = ""
    """Chooses the rows of an audit, as in `choose_rows`; empty for none."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def find_pack(self, name: str) -> Listing | None:
        """Return a pack by name; None where it is unknown here."""
        return next((pack for pack in self.packs if pack.info.name == name), None)


@dataclass(slots=True)
class CheckedSubmission:
    """A submission folder and what its check found."""

    folder: Path
    inputs: CheckInputs
    copies: Path
    """Folder for clean copies of its data files, under their names."""

    problems: list[Problem] = field(default_factory=list)
    manifest_sha256: str = ""
    content: Fingerprint | CountTable | None = None
    """The predictions, or on the counts track the counts, once they are right."""

    audited_rows: int = 0
    """Rows of the counts that were counted again from the predictions."""

    indices: list[ReferenceIndex] = field(default_factory=list)
    """What its track asks of those of its packs that are known here."""

    rows: Mapping[str, IndexRow] | None = None
    """All of that, by reference id; None where a pack is unknown here."""

    _manifest: Manifest | None = None

    @property
    def slug(self) -> str:
        """The folder's name."""
        return self.folder.absolute().name

    @property
    def has_manifest(self) -> bool:
        """Whether its manifest could be read."""
        return self._manifest is not None

    @property
    def manifest(self) -> Manifest:
        """What it says of itself; where `has_manifest`."""
        assert self._manifest is not None
        return self._manifest

    @property
    def content_sha256(self) -> str:
        """Hash of its content, whatever the order of the rows; empty where that is not right."""
        return self.content.content_sha256 if self.content else ""

    def find(self, disposition: Disposition) -> list[Problem]:
        """Return its problems of one disposition."""
        return [problem for problem in self.problems if problem.disposition == disposition]

    def set_manifest(self, manifest: Manifest) -> None:
        """Take what was read, and find the references that it asks for."""
        self._manifest = manifest
        packs = [self.inputs.find_pack(use.name) for use in manifest.packs]
        self.indices = [index_pack(pack, manifest.track) for pack in packs if pack is not None]
        if len(self.indices) == len(manifest.packs):
            self.rows = {key: row for index in self.indices for key, row in index.rows.items()}

    def place(self, name: str = MANIFEST) -> str:
        """Return how messages name one of its files."""
        return f"{show_path(self.folder)}/{name}"

    def find_missing_masks(self) -> Iterator[str]:
        """Yield the packs that it names of which no masks are here."""
        for use in self.manifest.packs:
            if not isinstance(self.inputs.find_pack(use.name), Pack):
                yield use.name
