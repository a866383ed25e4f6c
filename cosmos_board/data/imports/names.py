"""Names of files: how they compare, sort and print."""

from __future__ import annotations

import re
import unicodedata

NUMBER = re.compile(r"([0-9]+)")


def compose(name: str) -> str:
    """Return a name with its accents as single characters, as most systems write them."""
    return unicodedata.normalize("NFC", name)


def order_naturally(path: str) -> tuple[tuple[tuple[bool, int, str], ...], str]:
    """Return the key by which paths are sorted: numbers in them compare as numbers.

    Example:
        >>> sorted(["10.png", "9.png", "010.png"], key=order_naturally)
        ['9.png', '010.png', '10.png']
    """
    parts = (part for part in NUMBER.split(compose(path)) if part)
    return tuple(
        (False, int(part), "") if part[0] in "0123456789" else (True, 0, part) for part in parts
    ), path


def show_path(path: str) -> str:
    r"""Return a path as it can be printed on one line, whatever bytes it is made of.

    Example:
        >>> print(show_path("Ärzte/a\udcff\n.png"))
        Ärzte/a\udcff\n.png
    """
    if path.isprintable():
        return path
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in path
    )
