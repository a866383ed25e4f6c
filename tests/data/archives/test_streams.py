from __future__ import annotations

import gzip
import io
import random
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_board.data.archives import streams
from cosmos_board.data.archives.streams import GzipStream, JoinedFile


def make_bytes(seed: int) -> bytes:
    """Return bytes of runs, of noise and of zeros: what compresses well, badly and extremely."""
    rng = random.Random(seed)
    runs = b"".join(bytes([rng.randrange(4)]) * rng.randrange(1, 3000) for _ in range(1000))
    return runs + rng.randbytes(400_000) + bytes(1_500_000)


def test_a_gzip_file_is_read_from_any_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_BETWEEN_BYTES", 1 << 19)
    data = make_bytes(1)
    cut = len(data) // 3
    # Two members, as `cat` or parallel tools write them, and the padding of a tape.
    packed = gzip.compress(data[:cut]) + gzip.compress(data[cut:]) + bytes(512)
    stream = io.BufferedReader(GzipStream(io.BytesIO(packed)))
    rng = random.Random(2)

    assert stream.seek(0, io.SEEK_END) == len(data)
    for _ in range(100):
        place, size = rng.randrange(len(data)), rng.randrange(100_000)
        stream.seek(place)
        assert stream.read(size) == data[place : place + size]


def test_going_back_decompresses_no_more_than_from_the_place_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "_BETWEEN_BYTES", 1 << 19)
    data = random.Random(3).randbytes(8 << 20)
    raw = CountingFile(gzip.compress(data, 1))
    stream = GzipStream(raw)
    stream.seek(len(data) - 10)
    assert stream.read(10) == data[-10:]

    raw.count = 0
    stream.seek(6 << 20)

    assert stream.read(10) == data[6 << 20 : (6 << 20) + 10]
    assert raw.count <= 2 << 20


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_gzip_file_that_is_cut_off_is_told(share: float) -> None:
    packed = gzip.compress(make_bytes(4))

    with pytest.raises(EOFError):
        io.BufferedReader(GzipStream(io.BytesIO(packed[: int(len(packed) * share)]))).read()


def test_a_stream_that_holds_too_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_LARGEST_BYTES", 1 << 20)

    with pytest.raises(OSError, match="holds more than it may"):
        io.BufferedReader(GzipStream(io.BytesIO(gzip.compress(bytes(8 << 20))))).read()


@given(
    cuts=st.lists(st.integers(0, 500), max_size=4).map(sorted),
    place=st.integers(0, 600),
    size=st.integers(0, 600),
)
def test_parts_of_a_file_are_read_as_the_whole(cuts: list[int], place: int, size: int) -> None:
    data = random.Random(5).randbytes(500)
    with TemporaryDirectory() as folder:
        ends = [0, *cuts, len(data)]
        paths = []
        for number, (low, high) in enumerate(pairwise(ends)):
            paths.append(Path(folder, f"{number}"))
            paths[-1].write_bytes(data[low:high])
        with io.BufferedReader(JoinedFile([str(path) for path in paths])) as joined:
            joined.seek(place)
            assert joined.read(size) == data[place : place + size]


class CountingFile(io.BytesIO):
    """Bytes of which it is counted how many are read."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data
