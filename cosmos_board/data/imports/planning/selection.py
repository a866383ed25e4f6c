"""The files that one entry of an import file selects, with the parts of their paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cosmos_board.data.imports.names import compose
from cosmos_board.data.imports.spec.models import FileSpec
from cosmos_board.data.imports.spec.patterns import Pattern, fits_any

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selected:
    """One file that fits a pattern of its entry."""

    path: str
    position: int
    """Of the pattern among the alternatives."""

    parts: Mapping[str, str]
    pieces: Key
    """Its parts and what each `*` and `?` stands for, as they compare: files of equal pieces
    differ only in the folders that `**/` stands for."""


class Selection:
    """The files of one entry."""

    def __init__(
        self, spec: FileSpec, paths: Iterable[str], known: Mapping[str, str] | None = None
    ) -> None:
        """Select among `paths`; `known` has expressions for the fields that patterns leave open."""
        self.spec = spec
        self.patterns = tuple(
            Pattern(text, known, ignore_case=spec.ignore_case) for text in spec.patterns
        )
        self.files: list[Selected] = []
        self.excluded: list[str] = []
        unwanted = [Pattern(text, ignore_case=spec.ignore_case) for text in spec.exclude]
        for path in paths:
            if (selected := self._match(path)) is None:
                continue
            if fits_any(compose(path), unwanted):
                self.excluded.append(path)
            else:
                self.files.append(selected)

    def _match(self, path: str) -> Selected | None:
        name = compose(path)
        for position, pattern in enumerate(self.patterns):
            if (pieces := pattern.match_pieces(name)) is not None:
                parts = {field: pieces[field] for field in pattern.fields}
                return Selected(path, position, parts, self.make_key(pieces.values()))
        return None

    def make_key(self, values: Iterable[str]) -> Key:
        """Return values of parts as they compare."""
        return tuple(value.casefold() for value in values) if self.spec.ignore_case else (*values,)


def find_twins(files: Sequence[Selected]) -> tuple[Selected, Selected] | None:
    """Return two files of which only the folders under `**/` differ; None where there are none."""
    seen: dict[tuple[int, Key], Selected] = {}
    for file in files:
        first = seen.setdefault((file.position, file.pieces), file)
        if first is not file:
            return first, file
    return None
