"""Calls of a model: timed, in batches that fit, with exceptions that become a short reason."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

from cosmos_board.accelerators.memory import is_broken, is_device_full, is_out_of_memory
from cosmos_board.core.errors import (
    CosmosBoardError,
    DeviceError,
    InputError,
    StorageError,
    find_machine_failure,
)
from cosmos_board.models.candidate_checks import CandidatesError, describe_raised
from cosmos_board.models.segmenter import Embedding

BATCH = 64
"""Prompts in a batch; answers must not depend on it."""

GOOD_BATCHES = 200
"""Batches without trouble after which a shrunk batch size is doubled again."""

_MASK_BYTES = 128 << 20
"""Most that the masks of one batch may take, three to a prompt, however large the image."""

OUT_OF_MEMORY = "out of memory"

_LONGEST = 160
_FRAMES = 6
_OWN_FOLDER = str(Path(__file__).parents[1])

_T = TypeVar("_T")


@dataclass(slots=True)
class BatchSizeBackoff:
    """The batch size of prompts: halved when memory runs out, doubled after many good batches.

    It is kept from image to image, so that what fits is learnt once.

    Example:
        >>> backoff = BatchSizeBackoff(8)
        >>> backoff.shrink(8)
        >>> backoff.size
        4
    """

    limit: int = BATCH
    size: int = field(init=False)
    retries: int = field(init=False, default=0)
    """Batches that did not fit so far."""

    most_images: int = field(init=False, default=1 << 30)
    """Images that are taken at once, at most: halved when memory runs out."""

    first_failure: ModelFailureError | None = field(init=False, default=None)
    """The first answer that failed since somebody last set this to None."""

    _good: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.size = max(self.limit, 1)

    def fit(self, embedding: Embedding) -> int:
        """Return the batch size for prompts on an image."""
        return max(1, min(self.size, _MASK_BYTES // max(3 * embedding.height * embedding.width, 1)))

    def shrink(self, tried: int) -> None:
        """Note that a batch of `tried` prompts was too large."""
        self.size, self._good = max(tried // 2, 1), 0
        self.retries += 1

    def shrink_images(self, tried: int) -> None:
        """Note that so many images at once were too many."""
        self.most_images = max(tried // 2, 1)
        self.retries += 1

    def note_good(self) -> None:
        """Note that a batch went well."""
        self._good += 1
        if self._good >= GOOD_BATCHES and self.size < self.limit:
            self.size, self._good = min(2 * self.size, self.limit), 0

    def note_failures(self, answers: Iterable[object]) -> None:
        """Note the first failure among the answers to a batch."""
        if self.first_failure is None:
            failures = (answer for answer in answers if isinstance(answer, ModelFailureError))
            self.first_failure = next(failures, None)


def release_memory(segmenter: object) -> None:
    """Have a segmenter give back what it caches on its device, where it can."""
    release = getattr(segmenter, "release_memory", None)
    if release is not None:
        release()


class ModelFailureError(Exception):
    """A segmenter raised, or its answer has another form; the text is the reason in score rows."""

    def __init__(self, reason: str, trace: str = "", *, device_full: bool = False) -> None:
        super().__init__(reason)
        self.trace = trace
        """Where it was raised, as Python prints it: several lines, or empty."""

        self.device_full = device_full
        """Whether the memory of a device ran out, which is no fault of the model."""

    @property
    def is_memory(self) -> bool:
        """Whether it ran out of memory."""
        return str(self) == OUT_OF_MEMORY


def call_model(call: Callable[[], _T]) -> _T | ModelFailureError:
    """Return what `call` returns, or a failure whatever the model raised; exits are failures, too.

    Raises:
        DeviceError: If the device is broken.
        CosmosBoardError: If the disk failed or the run is stopped.
        KeyboardInterrupt: If the user stops the run; or whatever a signal handler raises.
    """
    try:
        with _forbid_exit():
            return call()
    except BaseException as error:  # a failure travels as text: a traceback keeps tensors alive
        return _to_failure(error)


def call_or_fail(segmenter: object, call: Callable[[], _T]) -> _T:
    """Return what `call` returns; once more, after memory was released, where it did not fit.

    Raises:
        ModelFailureError: If the model failed.
        DeviceError: If the device is broken or full.
    """
    result = call_model(call)
    if isinstance(result, ModelFailureError) and result.is_memory:
        release_memory(segmenter)
        result = call_model(call)
    if isinstance(result, ModelFailureError):
        refuse_full_device(result)
        raise result
    return result


def _to_failure(error: BaseException) -> ModelFailureError:
    if isinstance(error, CandidatesError):
        refuse_broken_device(error)  # in a program of its own
        return ModelFailureError(str(error), error.trace)
    if isinstance(error, CosmosBoardError) and not isinstance(error, InputError):
        raise error
    if not isinstance(error, Exception) and _is_from_signal(error):
        raise error
    if failure := find_machine_failure(error):
        raise StorageError(f"a model met a failing disk or machine: {failure}") from error
    if isinstance(error, Exception):
        refuse_broken_device(error)
    return ModelFailureError(
        describe_failure(error), _describe_place(error), device_full=is_device_full(error)
    )


def _is_from_signal(error: BaseException) -> bool:
    """Tell a signal that ends the process from a model that raises the same by itself."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    if isinstance(error, KeyboardInterrupt) and signal.default_int_handler in handlers:
        return True  # its handler leaves no frame; Ctrl-C must always stop the run
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
    """Make `os._exit` in this thread an exception: it would end the run without a message."""
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
    return describe_raised(type(error).__name__, str(error))


def refuse_broken_device(error: Exception) -> None:
    """Raise `DeviceError` where an error means that the device is broken; else return.

    Raises:
        DeviceError: If `error` came from a device whose context is lost.
    """
    if is_broken(error):
        first = (str(error).strip().splitlines() or [""])[0][:_LONGEST]
        raise DeviceError(f"device: {first}; the same command resumes") from error


def refuse_full_device(failure: ModelFailureError) -> None:
    """Raise `DeviceError` where the least that can be asked did not fit on a device; else return.

    Whoever fills the device, a row would charge the model for it.

    Raises:
        DeviceError: If `failure` is that the memory of a device ran out.
    """
    if failure.device_full:
        raise full_device_error()


def full_device_error() -> DeviceError:
    """Return the error of a device without room for the model, an image or a single prompt."""
    return DeviceError(
        "device: out of memory for the model, one image or one prompt; free its memory or take a "
        "larger one, and the same command resumes"
    )
