"""Files of any format that were compressed one by one (`.ppm.gz`)."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.data.limits import LARGEST_FILE_BYTES, copy_limited
from cosmos_board.data.readers.guard import reading
from cosmos_board.data.scratch import make_scratch


@contextmanager
def gunzipped(path: Path) -> Iterator[Path]:
    """Give the file that a `.gz` file holds, for as long as the context lasts; others as they are.

    Raises:
        InputError: If it is damaged or too large; errors of the context name the `.gz` file.
        StorageError: If the disk fails.
    """
    if path.suffix.lower() != ".gz":
        yield path
        return
    with make_scratch() as folder:
        plain = Path(folder, path.stem)
        with (
            reading(path, "gzip file", scratch=plain.parent),
            gzip.open(path) as file,
            plain.open("wb") as copy,
        ):
            copy_limited(path, file, copy, LARGEST_FILE_BYTES)
        try:
            yield plain
        except InputError as error:
            raise InputError.plain(str(error).replace(str(plain), str(path))) from error
