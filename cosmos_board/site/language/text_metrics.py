"""How much room words take in a figure, where the reader's font is not known."""

from __future__ import annotations

from unicodedata import east_asian_width

_NARROW, _WIDE = 0.62, 0.8
"""Of the font size: letters of DejaVu Sans, the widest of the usual fonts, on average."""


def estimate_width(text: str, size: float) -> float:
    """Return the width of `text` at a font size, in its unit; rather too much than too little.

    Example:
        >>> round(estimate_width("Random walker", 10), 1)
        86.0
        >>> estimate_width("肝脏", 10)
        20.0
    """
    return size * sum(map(_measure, text))


def cut_to_width(text: str, room: float, size: float) -> str:
    """Return `text`, or as much of it as fits with an ellipsis.

    Example:
        >>> cut_to_width("Random walker", 60, 10)
        'Random…'
    """
    if estimate_width(text, size) <= room:
        return text
    room -= size
    end = 0
    while end < len(text) and (room := room - size * _measure(text[end])) >= 0:
        end += 1
    return text[:end].rstrip() + "…"


def _measure(letter: str) -> float:
    if east_asian_width(letter) in "WF":
        return 1.0
    return _WIDE if letter.isupper() or letter in "mw" else _NARROW
