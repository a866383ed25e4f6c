"""What a model's exception becomes: a short reason, the same on every machine."""

from __future__ import annotations

from cosmos_board.core.errors import DeviceError

OUT_OF_MEMORY = "out of memory"

_LONGEST = 160
_BROKEN = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS_", "HIP error")


class ModelFailureError(Exception):
    """A segmenter raised; its text is the reason that the score row gives."""

    @property
    def is_memory(self) -> bool:
        """Whether it ran out of memory."""
        return str(self) == OUT_OF_MEMORY


def describe_failure(error: Exception) -> str:
    """Return the type and first line of an exception, at most 160 characters.

    Example:
        >>> describe_failure(ValueError("no such axis"))
        'ValueError: no such axis'
        >>> describe_failure(MemoryError("tried to allocate 2.31 GiB"))
        'out of memory'
    """
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    first = str(error).strip().splitlines()[:1]
    return ": ".join((type(error).__name__, *first))[:_LONGEST]


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a device or the host ran out of memory.

    By name, since torch's exception is not importable where torch is not installed.
    """
    by_name = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return by_name or "ALLOC_FAILED" in str(error)


def refuse_broken_device(error: Exception) -> None:
    """Raise what a broken device means: nothing that it answers from now on can be believed.

    Raises:
        DeviceError: If `error` came from a device whose context is lost.
    """
    text = str(error)
    broken = type(error).__name__ == "AcceleratorError" or any(word in text for word in _BROKEN)
    if broken and not is_out_of_memory(error):
        first = (text.strip().splitlines() or [""])[0][:_LONGEST]
        raise DeviceError(f"device: {first}; the same command resumes") from error
