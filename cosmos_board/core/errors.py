"""The errors we raise on purpose, and the exit code that each one means.

CosmosBoardError
├── InputError             1   the input was checked and refused
│   ├── UnknownNameError   1   no such model, pack, prompt, metric …
│   └── UsageError         2   options that do not go together
├── InUseError            73   another process holds the output
├── StorageError          74   disk or file-system error
├── DeviceError           70   a failed device, or an error in this program
└── StoppedError          75   stopped by a signal; the same command resumes
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """What the command line returns; other people's scripts rely on these."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    INTERNAL = 70
    IN_USE = 73
    STORAGE = 74
    STOPPED = 75


class CosmosBoardError(Exception):
    """Base of every error that a user may see; its text is one line."""

    exit_code: ExitCode = ExitCode.INTERNAL


class InputError(CosmosBoardError):
    """Something a user gave was checked and refused.

    Example:
        >>> print(InputError("pack.json", "schema_version", "is newer", got=9, want="at most 1"))
        pack.json: schema_version: is newer (got 9, want at most 1)
    """

    exit_code = ExitCode.REFUSED

    def __init__(
        self, where: object, field: str, problem: str, *, got: object = None, want: object = None
    ) -> None:
        """Say where (path or option), which field or row, and what is wrong with it."""
        facts = [
            f"{word} {value}" for word, value in (("got", got), ("want", want)) if value is not None
        ]
        tail = f" ({', '.join(facts)})" if facts else ""
        text = ": ".join(part for part in (str(where), field, problem) if part) + tail
        super().__init__(make_one_line(text))
        self.where = str(where)
        self.field = field

    @classmethod
    def plain(cls, text: object) -> InputError:
        """Return an error whose message is `text` alone, such as a problem that names its file."""
        return cls("", "", str(text))

    def __reduce__(self) -> tuple[object, ...]:
        """Return what pickle needs, so that the error keeps its text between processes."""
        return _rebuild, (type(self), *self.args), self.__dict__


def _rebuild(kind: type[InputError], text: str) -> InputError:
    error = kind.__new__(kind)
    Exception.__init__(error, text)
    return error


def make_one_line(text: str) -> str:
    r"""Return `text` on one line, without characters that could control a terminal.

    Example:
        >>> make_one_line("a\nb\x1b[31m") == "a b\N{REPLACEMENT CHARACTER}[31m"
        True
    """
    return show_printable(" ".join(text.split()))


def show_printable(line: str) -> str:
    """Return a line with every character replaced that could control a terminal."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


class StaleRunError(InputError):
    """A run folder holds rows of the model as it was before it changed."""


class UsageError(InputError):
    """Options that do not go together."""

    exit_code = ExitCode.USAGE


class UnknownNameError(InputError):
    """A name that is not in the table it was looked up in; the message offers the nearest."""

    def __init__(
        self, where: object, kind: str, name: str, known: Iterable[str], near: Iterable[str] = ()
    ) -> None:
        """Say which `kind` of name is unknown and offer what is `near`, else what `known` holds."""
        offered = [*near] or get_close_matches(name, list(known := sorted(known))) or known[:8]
        super().__init__(
            where, kind, "unknown name", got=repr(name), want=" or ".join(offered) or "none exist"
        )


class InUseError(CosmosBoardError):
    """Another process is writing where we would write."""

    exit_code = ExitCode.IN_USE


class StorageError(CosmosBoardError):
    """The disk or file system failed: it is full, read-only or no longer there."""

    exit_code = ExitCode.STORAGE


class DeviceError(CosmosBoardError):
    """A device failed, or this program has an error."""

    exit_code = ExitCode.INTERNAL


class StoppedError(CosmosBoardError):
    """A signal asked us to stop; what was finished is kept and the same command resumes."""

    exit_code = ExitCode.STOPPED


_REASONS = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "the folder does not exist",
    errno.EFBIG: "the file would be larger than allowed",
}


_MACHINE_NAMES = "ENOSPC EDQUOT EROFS EFBIG EIO EMFILE ENFILE ENODEV ESTALE"
_MACHINE = {getattr(errno, name) for name in _MACHINE_NAMES.split() if hasattr(errno, name)}
"""What a full or broken disk says, or a machine that has no more of something."""


def find_machine_failure(error: BaseException) -> OSError | None:
    """Return the failure of the disk or machine that led to an error; None where there is none.

    It says nothing about the file that was being read.

    Example:
        >>> find_machine_failure(OSError(errno.ENOSPC, "full")) is not None
        True
        >>> find_machine_failure(OSError("no such picture"))
    """
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, OSError) and each.errno in _MACHINE:
            return each
        each = each.__cause__ or each.__context__
    return None


def describe_unreadable(
    where: object, error: OSError, *, field: str = "", scratch: Path | None = None
) -> CosmosBoardError:
    """Return what it means that a file cannot be read: the file is refused, or the disk failed.

    Args:
        where: The file.
        error: What reading it raised.
        field: What of it was read, for the message.
        scratch: Folder of ours into which it was being unpacked.
    """
    if failure := find_machine_failure(error):
        if scratch is not None:
            return describe_os_error(scratch, f"unpack {where}", failure)
        return describe_os_error(where, "read", failure)
    return InputError(where, field, f"cannot be read: {error.strerror or error}")


def describe_os_error(path: object, doing: str, error: OSError) -> StorageError:
    """Return the error, one line of text, that a user sees when the disk fails.

    Example:
        >>> print(describe_os_error(Path("a"), "write", OSError(errno.ENOSPC, "")))
        a: write: no space left on the disk
    """
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return StorageError(" ".join(f"{path}: {doing}: {reason}".split()))
