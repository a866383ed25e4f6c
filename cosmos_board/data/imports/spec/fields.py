"""Taking the fields of a table one by one, so that whatever is left over can be refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.spec.patterns import find_fields

_T = TypeVar("_T")
_MISSING: Any = object()


class Fields:
    """One table of an import file."""

    def __init__(self, origin: str, path: str, values: object) -> None:
        """Look at `values`, which stand at `path` in the file `origin`."""
        self.origin = origin
        self.path = path
        if not isinstance(values, dict):
            raise InputError(origin, path, "is no table")
        self.values: Mapping[str, Any] = values
        self.taken: set[str] = set()

    def error(
        self, field: str, problem: str, *, got: object = None, want: object = None
    ) -> InputError:
        """Return the refusal of one field."""
        path = ".".join(part for part in (self.path, field) if part)
        return InputError(self.origin, path, problem, got=got, want=want)

    def take(self, field: str, kind: type[_T], default: _T = _MISSING) -> _T:
        """Return a field of the given type; the default where it is absent.

        Raises:
            InputError: If it is missing and has no default, or is of another type.
        """
        self.taken.add(field)
        if field not in self.values:
            if default is _MISSING:
                raise self.error(field, "is missing")
            return default
        value = self.values[field]
        if type(value) is not kind:
            raise self.error(field, "has the wrong type", got=repr(value), want=kind.__name__)
        return value

    def take_number(self, field: str) -> float | None:
        """Return a number, or None where it is absent."""
        self.taken.add(field)
        value = self.values.get(field)
        if value is None:
            return None
        if type(value) not in (int, float) or value != value:
            raise self.error(field, "is no number", got=repr(value))
        return float(value)

    def take_words(self, field: str) -> list[str]:
        """Return a list of words, empty where it is absent."""
        words = self.take(field, list, [])
        if not all(isinstance(word, str) for word in words):
            raise self.error(field, "is no list of words", got=words)
        return words

    def word(self, field: str, known: Iterable[str], default: str) -> str:
        """Return one of the known words."""
        word = self.take(field, str, default)
        if word != default and word not in (known := tuple(known)):
            raise self.error(
                field, "is unknown", got=repr(word), want=", ".join(filter(None, known))
            )
        return word

    def check_template(self, field: str, template: str, known: set[str] | None) -> None:
        """Refuse a template over parts of a path that no pattern names; None allows all."""
        if known is None:
            return
        for part in find_fields(template):
            if part not in known:
                raise self.error(
                    field,
                    f"names {{{part}}}, which the pattern of files does not",
                    want=", ".join(sorted(known)) or "a pattern with {parts}",
                )

    def finish(self) -> None:
        """Refuse whatever was not taken.

        Raises:
            InputError: If a field is left over.
        """
        self.refuse_unknown(self.taken)

    def refuse_unknown(self, known: set[str]) -> None:
        """Refuse a field that is not among the known.

        Raises:
            InputError: If there is one.
        """
        for field in sorted(set(self.values) - known):
            near = get_close_matches(field, known, 1)
            raise self.error(field, "is unknown", want=near[0] if near else None)
