"""Paths in braces, as a shell expands them: `patient{001..003}/{ED,ES}.nii.gz`."""

from __future__ import annotations

import re

_GROUP = re.compile(r"\{([^{}]+)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


def expand(text: str) -> list[str]:
    """Return the paths that `text` stands for.

    Groups of equal text take the same value, as a patient's number does in a folder and in the
    names of its files.

    Example:
        >>> expand("p{08..09}/p{08..09}_{a,b}.png")
        ['p08/p08_a.png', 'p08/p08_b.png', 'p09/p09_a.png', 'p09/p09_b.png']
    """
    paths = [text]
    for group in dict.fromkeys(_GROUP.findall(text)):
        values = _list_values(group)
        paths = [path.replace(f"{{{group}}}", value) for path in paths for value in values]
    return paths


def _list_values(group: str) -> list[str]:
    if span := _RANGE.fullmatch(group):
        width = len(span[1]) if span[1].startswith("0") else 0
        return [f"{number:0{width}d}" for number in range(int(span[1]), int(span[2]) + 1)]
    return group.split(",")
