"""A program that answers messages on its standard input and output, with a deadline for each."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, cast

from numpy.typing import NDArray

from cosmos_board.core.errors import make_one_line
from cosmos_board.core.processes import wrap_command
from cosmos_board.models.external.worker_kit import MessageError, list_parts, read_message

_SHOWN_BYTES = 1 << 16
"""Of what a program prints to standard error; the rest is dropped."""

_KEPT_BYTES = 2000
_LONGEST_REASON = 300
_PATIENCE_S = 2.0
"""What a program has to end by itself, and how often it is looked after while it computes."""

_OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Of our environment; the program's Python has packages of its own."""


class ChildError(Exception):
    """A program ended or does not keep to the messages; it is not running any more."""


class ChildProcess:
    """A running program. It ends with this process, whatever ends that.

    It is no part of the terminal's group of processes: Ctrl-C stops a run, which ends it.

    Args:
        command: Program and arguments.
        timeout_s: Seconds that an answer may take.
    """

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._deadline_s = 0.0
        without = [word for name in _OURS for word in ("-u", name)]
        process = subprocess.Popen(
            wrap_command(["env", *without, *command]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._process = process
        self._input, self._output = (
            cast("BinaryIO", process.stdin),
            cast("BinaryIO", process.stdout),
        )
        os.set_blocking(self._input.fileno(), False)
        self._printed = _Printed(cast("BinaryIO", process.stderr))
        self._end = weakref.finalize(self, _end, process, self._printed)

    def ask(
        self, request: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Send a message and return the header and the arrays of the answer.

        Raises:
            ChildError: If there is none in time, or it is none. The program is ended.
        """
        self._deadline_s = time.monotonic() + self._timeout_s
        try:
            for part in list_parts(request, arrays):
                self._write(memoryview(part))
            return read_message(self._read)
        except (ChildError, MessageError) as error:
            self._kill()
            raise ChildError(make_one_line(str(error))[:_LONGEST_REASON]) from error
        except BaseException:  # such as Ctrl-C: the rest of the answer would be taken for another
            self._kill()
            raise

    @property
    def has_ended(self) -> bool:
        """Whether it was ended, here or because of an error."""
        return not self._end.alive

    def end(self) -> None:
        """Let the program end by itself, then end it and what it has started by force."""
        self._end()

    def _kill(self) -> None:
        self._process.kill()
        self._end()

    def _write(self, content: memoryview) -> None:
        while content:
            self._wait(self._input, select.POLLOUT, "does not read what it is asked")
            try:
                content = content[self._input.write(content) or 0 :]
            except BrokenPipeError:
                raise ChildError(self._describe_end()) from None

    def _read(self, count: int) -> bytearray:
        content = bytearray(count)
        view, done = memoryview(content), 0
        while done < count:
            self._wait(self._output, select.POLLIN, "gives no answer")
            got = cast("Any", self._output).readinto(view[done:])
            if not got:
                raise ChildError(self._describe_end())
            done += got
        return content

    def _wait(self, pipe: BinaryIO, event: int, problem: str) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        while (left_s := self._deadline_s - time.monotonic()) > 0:
            if poll.poll(1000 * min(left_s, _PATIENCE_S)):
                return
            if self._process.poll() is not None:  # something that it started holds the pipe
                raise ChildError(self._describe_end())
        raise ChildError(f"the program {problem} within {self._timeout_s:g} s")

    def _describe_end(self) -> str:
        try:
            code = self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            return "the program has closed its standard input or output"
        if code < 0:
            how = f"was ended by signal {-code} ({signal.strsignal(-code)})"
        else:
            how = f"ended with exit code {code}"
        last = self._printed.last_line()
        return f"the program {how}" + (f": {last}" if last else "")


class _Printed:
    """Reads what a program prints to standard error, so that it never waits; shows the start."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._kept = b""
        self._thread = threading.Thread(target=self._drain, args=(pipe,), daemon=True)
        self._thread.start()

    def _drain(self, pipe: BinaryIO) -> None:
        shown = 0
        with pipe:
            while chunk := pipe.read(1 << 14):
                self._kept = (self._kept + chunk)[-_KEPT_BYTES:]
                if shown < _SHOWN_BYTES:
                    shown += len(chunk)
                    with suppress(ValueError, OSError):  # ours may be closed
                        sys.stderr.write(chunk.decode("utf-8", "replace"))

    def finish(self) -> None:
        """Wait until everything is read, but not for long: others may hold the pipe."""
        self._thread.join(_PATIENCE_S)

    def last_line(self) -> str:
        """Return the last line of an ended program that is not blank, such as its exception."""
        self.finish()
        lines = self._kept.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


def _end(process: subprocess.Popen[bytes], printed: _Printed) -> None:
    """Let a program end by itself, then end it by force, and its group in any case."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):
        process.stdin.write(b"".join(list_parts({"do": "close"})))
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    printed.finish()
