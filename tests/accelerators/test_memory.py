"""What drivers and libraries say is understood: a full device, a broken one, or neither."""

from __future__ import annotations

import pytest

from cosmos_board.accelerators.memory import is_broken, is_device_full, is_out_of_memory


class AcceleratorError(RuntimeError):
    """Named as torch names what a driver reports."""


class OutOfMemoryError(RuntimeError):
    """Named as torch names what its own allocator reports."""


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        AcceleratorError("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'"),
        RuntimeError("HIP error: out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasGemmEx`"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(h)`"),
        RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"),
    ],
)
def test_a_full_device_is_not_taken_for_a_broken_one(error: Exception) -> None:
    assert is_device_full(error)
    assert is_out_of_memory(error)
    assert not is_broken(error)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 9.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_a_full_host_is_no_full_device(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_device_full(error)


@pytest.mark.parametrize(
    ("error", "broken"),
    [
        (AcceleratorError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublas`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. Non-contiguous input?"), False),
        (ValueError("the model ran out of memory of what it saw"), False),
    ],
)
def test_a_broken_device_is_told_from_a_model_that_fails(error: Exception, broken: bool) -> None:
    assert is_broken(error) == broken
    assert not is_out_of_memory(error)
