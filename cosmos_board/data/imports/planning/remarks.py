"""Remarks of a plan on its patterns: parts that are empty, or could be divided otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from cosmos_board.data.imports.names import compose, show_path
from cosmos_board.data.imports.planning.selection import Selected, Selection
from cosmos_board.data.imports.spec.patterns import Pattern

_LOOKED_AT = 2000
"""Names of a pattern that are divided again, evenly taken."""


def remark_on(selection: Selection) -> tuple[str, ...]:
    """Return what in the patterns of an entry finds nothing, or is not sure to be meant."""
    if not selection.files:
        # The second observer of a dataset often drew one part of it only.
        if getattr(selection.spec, "observer", ""):
            return ()
        return (f"no file fits {selection.spec.shown}",)
    by_pattern: dict[int, list[Selected]] = {}
    for file in selection.files:
        by_pattern.setdefault(file.position, []).append(file)
    return tuple(
        remark
        for position, files in sorted(by_pattern.items())
        for remark in _remark_on_pattern(selection.patterns[position], files)
    )


def _remark_on_pattern(pattern: Pattern, files: list[Selected]) -> Iterator[str]:
    for field in pattern.fields:
        if _is_optional(pattern.expressions[field]):
            continue
        if not any(file.parts[field] for file in files):
            yield f"{{{field}}} of {pattern.text} is empty in every name"
    sample = files[:: -(-len(files) // _LOOKED_AT)]
    for file in sample:
        other = pattern.match_shortest(compose(file.path))
        differing = [field for field in pattern.fields if other.get(field, "") != file.parts[field]]
        if differing:
            taken, left = (
                ", ".join(f"{{{field}}} {parts.get(field) or 'nothing'}" for field in differing)
                for parts in (file.parts, other)
            )
            yield (
                f"{pattern.text} can be divided otherwise: {show_path(file.path)} is read as"
                f" {show_path(taken)}, and could be {show_path(left)}: say what the parts may be,"
                f" as {{{differing[0]}:[0-9]+}} does"
            )
            return


def _is_optional(expression: str) -> bool:
    """Return whether an expression says that its part may be absent, as `(_[0-9]+)?` does."""
    return expression.startswith("(") and expression.endswith(")?")
