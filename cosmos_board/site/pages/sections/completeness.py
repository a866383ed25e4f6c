"""How much of a dataset a pack holds, beside what its publishers say of a complete copy."""

from __future__ import annotations

from collections.abc import Sequence

from cosmos_board.core.expected import ExpectedCount
from cosmos_board.site.language.numbers import number
from cosmos_board.site.language.words import Words

_NOUNS = {"cases": "case", "pictures": "picture", "references": "reference"}
_WHOLE = "all"


def list_completeness(counts: Sequence[ExpectedCount], words: Words) -> list[tuple[str, str]]:
    """Return facts, as heading and text; none where nothing is expected."""
    if not counts:
        return []
    numbers: dict[tuple[str, int, int], str] = {}
    for count in counts:
        # Where a case is one picture, the second number says nothing new.
        key = (count.part, count.found, count.expected)
        numbers.setdefault(key, _describe(count, words))
    text = words.separate(numbers.values())
    if all(count.is_met for count in counts):
        text = words("as expected: {counts}", counts=text)
    else:
        text = words("not what is expected: {counts}", counts=text)
    sources = words.separate(dict.fromkeys(count.source for count in counts))
    return [(words("Complete"), text), (words("Expected by"), sources)]


def _describe(count: ExpectedCount, words: Words) -> str:
    noun = _NOUNS[count.unit]
    if count.found > count.expected:
        text = words(
            "{found}, more than the {expected} expected",
            found=words.count(count.found, noun),
            expected=number(count.expected, 0),
        )
    else:
        text = words(
            "{found} of {expected}",
            found=number(count.found, 0),
            expected=words.count(count.expected, noun),
        )
    if count.part == _WHOLE:
        return text
    return words("{part}: {text}", part=count.part, text=text)
