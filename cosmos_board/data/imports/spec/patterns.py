"""Path patterns: `images/{case}_{slice:[0-9]+}.png` finds files and names the parts of their paths.

`*` stands for anything but `/`, `?` for one such character, `**/` for any folders, `{name}` for
anything but `/`, kept under that name, and `{name:REGEX}` for what the expression allows. A name
that occurs twice must have the same value in both places.
Where a path can be divided in several ways, each part is as long as can be, the first ones first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from cosmos_board.data.imports.names import compose

_FIELD = re.compile(r"\{([a-z_][a-z0-9_]*)(?::((?:[^{}]|\{\d+(?:,\d*)?\})+))?\}")
_TOKENS = re.compile(rf"{_FIELD.pattern}|\*\*/|\*\*|\*|\?|[^*?{{]+|.", re.DOTALL)
_FOLDERS = {"**/": "(?:.*/)?", "**": ".*"}
_WITHIN = {"*": "[^/]*", "?": "[^/]"}
_QUANTIFIER = re.compile(
    r"(?P<other>\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|(?<!\()(?P<many>[*+?]|\{\d*,?\d*\})(?P<mode>[?+]?)",
    re.DOTALL,
)
"""A repetition in an expression; escaped signs and sets of characters are passed over."""


class Pattern:
    """A compiled path pattern."""

    def __init__(
        self, text: str, known: Mapping[str, str] | None = None, *, ignore_case: bool = False
    ) -> None:
        """Compile `text`; `known` has expressions by name for the fields that it leaves open.

        A slash at the end stands for the folder and everything below it.

        Raises:
            ValueError: If it leads out of the folder or an expression is none.
        """
        if not text or text.startswith("/") or ".." in text.split("/"):
            raise ValueError("is no path below the source folder")
        text = compose(text)
        self.text = text
        self.expressions: dict[str, str] = {}
        self._flags = re.IGNORECASE if ignore_case else 0
        parts = []
        for token in _TOKENS.finditer(text):
            if token[1]:
                parts.append(self._add_field(token[1], token[2], known or {}))
            elif token[0] in _FOLDERS:
                parts.append(_FOLDERS[token[0]])
            elif token[0] in _WITHIN:
                # Upper case, which no field has: what it stands for is a piece of the path.
                parts.append(f"(?P<W{len(parts)}>{_WITHIN[token[0]]})")
            elif "{" in token[0] or "}" in token[0]:
                raise ValueError("has a brace that is no {name} or {name:EXPRESSION}")
            else:
                parts.append(re.escape(token[0]))
        self._expression = "".join(parts) + (".+" if text.endswith("/") else "")
        self._regex = _compile(self._expression, self._flags)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of its parts, each once, in their order."""
        return tuple(self.expressions)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parts of `path` by name, or None where it does not fit.

        Example:
            >>> Pattern("img/{case}_{z:[0-9]+}.png").match("img/a_b_12.png")
            {'case': 'a_b', 'z': '12'}
        """
        pieces = self.match_pieces(path)
        return None if pieces is None else {field: pieces[field] for field in self.expressions}

    def match_pieces(self, path: str) -> dict[str, str] | None:
        """Return the parts of `path` and what each `*` and `?` stands for; None if it fits not.

        Paths with the same pieces differ only in the folders that `**/` stands for.
        """
        match = self._regex.fullmatch(path)
        return None if match is None else match.groupdict("")

    def match_shortest(self, path: str) -> dict[str, str]:
        """Return the parts of a path that fits, each as short as it can be, the first ones first.

        Example:
            >>> Pattern("{case}_{z}.png").match_shortest("a_b_12.png")
            {'case': 'a', 'z': 'b_12'}
        """
        match = self._shortest.fullmatch(path)
        return {} if match is None else {field: match[field] or "" for field in self.expressions}

    @cached_property
    def _shortest(self) -> re.Pattern[str]:
        return _compile(_QUANTIFIER.sub(_repeat_least, self._expression), self._flags)

    def _add_field(self, name: str, expression: str | None, known: Mapping[str, str]) -> str:
        if name in self.expressions:
            return f"(?P={name})"
        self.expressions[name] = expression or known.get(name, "[^/]+")
        # Groups inside an expression must not count, or (?P=name) of others would still hold.
        inner = re.sub(r"(?<!\\)\((?!\?)", "(?:", self.expressions[name])
        _compile(inner, self._flags)
        return f"(?P<{name}>{inner})"


def find_fields(*templates: str) -> list[str]:
    """Return the names in braces.

    Example:
        >>> find_fields("{site}-{patient}", "{organ}")
        ['site', 'patient', 'organ']
    """
    return [field[1] for template in templates for field in _FIELD.finditer(template)]


def fits_any(path: str, patterns: Iterable[Pattern]) -> bool:
    """Return whether a path fits one of several patterns."""
    return any(pattern.match_pieces(path) is not None for pattern in patterns)


def fill_template(template: str, fields: Mapping[str, str]) -> str:
    """Return `template` with every {name} replaced; unknown names become empty."""
    return _FIELD.sub(lambda field: fields.get(field[1]) or "", template)


def _repeat_least(match: re.Match[str]) -> str:
    return match[0] if match["other"] or match["mode"] else f"{match['many']}?"


def _compile(expression: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(expression, flags)
    except re.error as error:
        raise ValueError(f"holds an expression that is none: {error}") from error
