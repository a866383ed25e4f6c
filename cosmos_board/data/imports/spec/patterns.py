"""Path patterns: `images/{case}_{slice:[0-9]+}.png` finds files and names the parts of their paths.

`*` stands for anything but `/`, `?` for one such character, `**/` for any folders, `{name}` for
anything but `/`, kept under that name, and `{name:REGEX}` for what the expression allows. A name
that occurs twice must have the same value in both places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cosmos_board.data.imports.names import compose

_FIELD = re.compile(r"\{([a-z_]+)(?::((?:[^{}]|\{\d+(?:,\d*)?\})+))?\}")
_TOKENS = re.compile(rf"{_FIELD.pattern}|\*\*/|\*\*|\*|\?|[^*?{{]+|.", re.DOTALL)
_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class Pattern:
    """A compiled path pattern."""

    def __init__(self, text: str, known: Mapping[str, str] | None = None) -> None:
        """Compile `text`; `known` has expressions by name for the fields that it leaves open.

        Raises:
            ValueError: If it leads out of the folder or an expression is none.
        """
        if not text or text.startswith("/") or ".." in text.split("/"):
            raise ValueError("is no path below the source folder")
        text = compose(text)
        self.text = text
        self.expressions: dict[str, str] = {}
        parts = []
        for token in _TOKENS.finditer(text):
            if token[1]:
                parts.append(self._add_field(token[1], token[2], known or {}))
            elif token[0] in _WILD:
                parts.append(_WILD[token[0]])
            elif "{" in token[0] or "}" in token[0]:
                raise ValueError("has a brace that is no {name} or {name:EXPRESSION}")
            else:
                parts.append(re.escape(token[0]))
        self._regex = _compile("".join(parts))

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
        match = self._regex.fullmatch(path)
        return None if match is None else match.groupdict()

    def _add_field(self, name: str, expression: str | None, known: Mapping[str, str]) -> str:
        if name in self.expressions:
            return f"(?P={name})"
        self.expressions[name] = expression or known.get(name, "[^/]+")
        # Groups inside an expression must not count, or (?P=name) of others would still hold.
        inner = re.sub(r"(?<!\\)\((?!\?)", "(?:", self.expressions[name])
        _compile(inner)
        return f"(?P<{name}>{inner})"


def find_fields(template: str) -> list[str]:
    """Return the names in braces.

    Example:
        >>> find_fields("{site}-{patient}")
        ['site', 'patient']
    """
    return [field[1] for field in _FIELD.finditer(template)]


def fill_template(template: str, fields: Mapping[str, str]) -> str:
    """Return `template` with every {name} replaced; unknown names become empty."""
    return _FIELD.sub(lambda field: fields.get(field[1]) or "", template)


def _compile(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise ValueError(f"holds an expression that is none: {error}") from error
