"""Memory that runs out and devices that break, told apart by what drivers and libraries report.

By name and text, since torch's exceptions cannot be imported where torch is not installed, and a
driver or a library has none of its own.
"""

from __future__ import annotations

_DEVICE_FULL = (
    "out of memory",  # CUDA and HIP, and torch's own allocator
    "ALLOC_FAILED",  # cuBLAS and cuDNN
    "when calling `cublasCreate",  # which finds no room for its workspace
    "valid cuDNN algorithm",  # none fits: "Unable to find a …"
    "unable to find an engine to execute",  # likewise, since cuDNN 9
)
_HOST_FULL = ("can't allocate memory",)
_BROKEN = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS_", "HIP error")
_REFUSED = "_STATUS_NOT_SUPPORTED"
"""A library has no kernel for what it was asked; the device works on."""


def is_device_full(error: BaseException) -> bool:
    """Tell whether the memory of a device ran out, which a neighbour may have taken.

    Example:
        >>> is_device_full(RuntimeError("HIP error: out of memory"))
        True
        >>> is_device_full(RuntimeError("CUDA error: an illegal memory access was encountered"))
        False
    """
    if isinstance(error, MemoryError):
        return False
    text = str(error)
    by_text = isinstance(error, RuntimeError) and any(words in text for words in _DEVICE_FULL)
    return by_text or type(error).__name__ == "OutOfMemoryError"


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a device or the host ran out of memory."""
    by_text = isinstance(error, RuntimeError) and any(words in str(error) for words in _HOST_FULL)
    return isinstance(error, MemoryError) or by_text or is_device_full(error)


def is_broken(error: Exception) -> bool:
    """Tell whether an error came from a device whose context is lost."""
    text = str(error)
    if is_out_of_memory(error) or _REFUSED in text:
        return False
    return type(error).__name__ == "AcceleratorError" or any(words in text for words in _BROKEN)
