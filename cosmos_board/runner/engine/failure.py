"""What a model's exception becomes: a short reason, the same on every machine."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

from cosmos_board.core.errors import CosmosBoardError, DeviceError, InputError
from cosmos_board.models.candidate_checks import AnswerError

OUT_OF_MEMORY = "out of memory"

_LONGEST = 160
_FRAMES = 6
_BROKEN = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS_", "HIP error")
_OWN_FOLDER = str(Path(__file__).parents[1])

_T = TypeVar("_T")


class ModelFailureError(Exception):
    """A segmenter raised, or answered in another form; its text is the reason in the score row."""

    def __init__(self, reason: str, trace: str = "") -> None:
        super().__init__(reason)
        self.trace = trace
        """Where it was raised, as Python prints it; several lines, or empty."""

    @property
    def is_memory(self) -> bool:
        """Whether it ran out of memory."""
        return str(self) == OUT_OF_MEMORY


def call_model(call: Callable[[], _T]) -> _T | ModelFailureError:
    """Return what `call` returns, or why a model did not answer, whatever it raised.

    A model that wants to end the process has failed, too.

    Raises:
        DeviceError: If the device is broken.
        CosmosBoardError: If the disk failed or the run is stopped.
        KeyboardInterrupt: If the user stops the run; what else a handler of signals raises passes,
            too.
    """
    try:
        with _forbid_exit():
            return call()
    except BaseException as error:  # a failure travels as text: a traceback keeps tensors alive
        return _judge(error)


def _judge(error: BaseException) -> ModelFailureError:
    if isinstance(error, AnswerError):
        return ModelFailureError(str(error))
    if isinstance(error, CosmosBoardError) and not isinstance(error, InputError):
        raise error
    if not isinstance(error, Exception) and _is_from_signal(error):
        raise error
    if isinstance(error, Exception):
        refuse_broken_device(error)
    return ModelFailureError(describe_failure(error), _describe_place(error))


def _is_from_signal(error: BaseException) -> bool:
    """Tell a signal that ends the process from a model that raises the same by itself."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    if isinstance(error, KeyboardInterrupt) and signal.default_int_handler in handlers:
        return True  # which leaves no frame behind: the user must be heard in any case
    codes = [getattr(handler, "__code__", None) for handler in handlers]
    return any(frame.f_code in codes for frame, _ in traceback.walk_tb(error.__traceback__))


def _describe_place(error: BaseException) -> str:
    """Return the last frames below the runner, and the exception; empty where there are none."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_OWN_FOLDER)
    ]
    if not frames:
        return ""
    lines = traceback.format_list(frames[-_FRAMES:])
    return "".join([*lines, *traceback.format_exception_only(error)]).rstrip()


@contextmanager
def _forbid_exit() -> Iterator[None]:
    """Make `os._exit` in this thread an exception: it would end the run without a word."""
    leave, own = os._exit, (os.getpid(), threading.get_ident())

    def refuse(status: int) -> NoReturn:
        if (os.getpid(), threading.get_ident()) != own:  # a child process ends as it wants to
            leave(status)
        raise SystemExit(status)

    os._exit = refuse
    try:
        yield
    finally:
        os._exit = leave


def describe_failure(error: BaseException) -> str:
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
