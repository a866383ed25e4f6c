"""What a model's exception becomes: a short reason, the same on every machine."""

from __future__ import annotations

_LONGEST = 160


class ModelFailureError(Exception):
    """A segmenter raised; its text is the reason that the score row gives."""


def describe_failure(error: Exception) -> str:
    """Return the type and first line of an exception, at most 160 characters.

    Example:
        >>> describe_failure(ValueError("no such axis"))
        'ValueError: no such axis'
    """
    first = str(error).strip().splitlines()[:1]
    return ": ".join((type(error).__name__, *first))[:_LONGEST]


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a device or the host ran out of memory.

    By name, since torch's exception is not importable where torch is not installed.
    """
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
