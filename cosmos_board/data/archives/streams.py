"""Streams that can be read from any place: parts of a file as one, and what gzip compressed."""

from __future__ import annotations

import io
import zlib
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

_BLOCK_BYTES = 1 << 18
_BETWEEN_BYTES = 1 << 26
"""Between two places from which a gzip stream can be decompressed again; each holds 40 kB."""

_LARGEST_BYTES = 1 << 41
"""Of a decompressed stream: some hundred bytes of gzip can hold a gigabyte each."""


class _Seekable(io.RawIOBase):
    """What both streams have in common: a position, and where the end is."""

    _position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}
        start = base[whence] if whence in base else self._find_end()
        self._position = max(0, start + offset)
        return self._position

    @abstractmethod
    def _find_end(self) -> int:
        """Return the length of the stream, bytes."""

    @abstractmethod
    def _read_at(self, position: int, size: int) -> bytes:
        """Return at most `size` bytes from a position; none at the end."""

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        data = self._read_at(self._position, len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


class JoinedFile(_Seekable):
    """The parts of a file one after another, as if they were one."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Open the parts; OSError if one cannot be."""
        self._files = [open(path, "rb") for path in paths]  # noqa: SIM115
        self._starts = [0]
        for file in self._files:
            self._starts.append(self._starts[-1] + file.seek(0, io.SEEK_END))

    def close(self) -> None:
        """Close every part."""
        for file in self._files:
            file.close()
        super().close()

    def _find_end(self) -> int:
        return self._starts[-1]

    def _read_at(self, position: int, size: int) -> bytes:
        if position >= self._starts[-1]:
            return b""
        number = bisect_right(self._starts, position) - 1
        file = self._files[number]
        file.seek(position - self._starts[number])
        return file.read(size)


@dataclass(frozen=True, slots=True)
class _Place:
    """From where a gzip stream can be decompressed."""

    start: int
    """Bytes that come out before it."""

    raw_position: int
    pending: bytes
    """Read from the file and not yet decompressed."""

    inflater: zlib._Decompress | None
    """None between two members of a gzip file."""


class GzipStream(_Seekable):
    """What a gzip file holds, from any place, without decompressing all that lies before it again.

    Every 64 MiB it keeps the state of the decompression, from which it can go on later.
    """

    def __init__(self, raw: BinaryIO) -> None:
        """Read from a seekable file."""
        self._raw = raw
        self._places = [_Place(0, 0, b"", None)]
        self._enter(self._places[0])

    def close(self) -> None:
        """Close the file as well."""
        self._raw.close()
        super().close()

    def _enter(self, place: _Place) -> None:
        self._block, self._start = b"", place.start
        self._raw_position, self._pending = place.raw_position, place.pending
        self._inflater = place.inflater.copy() if place.inflater else None

    def _find_end(self) -> int:
        while self._advance():
            pass
        return self._start + len(self._block)

    def _read_at(self, position: int, size: int) -> bytes:
        if position < self._start:
            starts = [place.start for place in self._places]
            self._enter(self._places[bisect_right(starts, position) - 1])
        while position >= self._start + len(self._block):
            if not self._advance():
                return b""
        first = position - self._start
        return self._block[first : first + size]

    def _advance(self) -> bool:
        """Decompress the next block; False at the end."""
        start = self._start + len(self._block)
        if start > _LARGEST_BYTES:
            raise OSError("holds more than it may")
        if start - self._places[-1].start >= _BETWEEN_BYTES and self._inflater is not None:
            self._places.append(
                _Place(start, self._raw_position, self._pending, self._inflater.copy())
            )
        # A full block may have left more behind, even if all that was read is used up.
        left = self._inflater is not None and len(self._block) in (0, _BLOCK_BYTES)
        block = b""
        while not block:
            if not self._pending and not left and not self._fill():
                return False
            left = False
            if self._inflater is None:
                self._pending = self._pending.lstrip(b"\0")  # Tapes pad with zeros.
                if not self._pending:
                    continue
                self._inflater = zlib.decompressobj(wbits=31)
            block = self._inflater.decompress(self._pending, _BLOCK_BYTES)
            self._pending = self._inflater.unconsumed_tail
            if self._inflater.eof:
                self._pending, self._inflater = self._inflater.unused_data, None
        self._block, self._start = block, start
        return True

    def _fill(self) -> bool:
        self._raw.seek(self._raw_position)
        self._pending = self._raw.read(_BLOCK_BYTES)
        self._raw_position += len(self._pending)
        if not self._pending and self._inflater is not None:
            raise EOFError("is cut off")
        return bool(self._pending)
