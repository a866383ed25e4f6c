"""Timing logs of annotators: a CSV file into checked annotations."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from cosmos_board.core.errors import CosmosBoardError, InputError, StorageError
from cosmos_board.core.masks import Rle
from cosmos_board.core.rle import check_runs
from cosmos_board.metrics.hce import measure_hce
from cosmos_board.metrics.overlap import count_overlap
from cosmos_board.metrics.reference import prepare_reference
from cosmos_board.store.queries.annotation import Annotation, read_sizes, write_annotations
from cosmos_board.store.queries.connection import Connection

ARMS = ("unaided", "assisted")
"""Drawing from nothing; starting from a model's mask."""

_NEEDED = ("reader", "image", "reference", "arm", "seconds")
_COUNTS = ("tp", "fp", "fn")
_LONGEST_S = 24 * 3600.0


def import_timing_log(
    connection: Connection, log: Path, references: Mapping[str, Rle] | None = None
) -> int:
    """Add a timing log to the board database and return how many annotations it held.

    Columns: `reader, image, reference, arm, seconds`, and the final mask as `mask`
    (COCO-compressed counts) or its counts `tp, fp, fn` and, if known, `hce`. `seconds` is what
    that reference took in that arm. Either everything is added or nothing is.

    Args:
        connection: A board database, open to write.
        log: The CSV file, UTF-8, with a header.
        references: The masks of the packs by reference id; needed for a column `mask`.

    Raises:
        InputError: If a row is wrong, or contradicts the database.
        StorageError: If the file cannot be read.
    """
    annotations = read_timing_log(log, references)
    known = read_sizes(connection)
    for number, row in enumerate(annotations, 2):
        where = f"row {number}"
        if row.reference_id not in known:
            raise InputError(log, where, "names a reference without scores", got=row.reference_id)
        image, size_px = known[row.reference_id]
        if row.image != image:
            raise InputError(log, where, "names another image", got=row.image, want=image)
        if size_px is not None and row.tp + row.fn != size_px:
            raise InputError(
                log, where, "tp + fn is not the reference's size", got=row.tp + row.fn, want=size_px
            )
    write_annotations(connection, annotations)
    return len(annotations)


def read_timing_log(
    log: Path, references: Mapping[str, Rle] | None = None
) -> tuple[Annotation, ...]:
    """Return the annotations of a timing log in its order; see `import_timing_log`.

    Raises:
        InputError: If the header or a row is wrong.
        StorageError: If the file cannot be read.
    """
    try:
        with log.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_header(log, reader.fieldnames or ())
            lines = list(reader)
    except OSError as error:
        raise StorageError(f"{log}: read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(log, "", f"is no CSV file: {error}") from error
    annotations = tuple(
        _parse(log, number, line, references or {}) for number, line in enumerate(lines, 2)
    )
    seen: set[tuple[str, str, str]] = set()
    for number, row in enumerate(annotations, 2):
        key = (row.reader, row.reference_id, row.arm)
        if key in seen:
            raise InputError(log, f"row {number}", "repeats reader, reference and arm")
        seen.add(key)
    return annotations


def _check_header(log: Path, columns: Sequence[str]) -> None:
    missing = [name for name in _NEEDED if name not in columns]
    if "mask" not in columns:
        missing += [name for name in _COUNTS if name not in columns]
    if missing:
        want = ", ".join(_NEEDED) + ", and mask or tp, fp, fn"
        raise InputError(
            log, "header", f"lacks {', '.join(missing)}", got=", ".join(columns), want=want
        )


def _parse(
    log: Path, number: int, line: dict[str, str | None], references: Mapping[str, Rle]
) -> Annotation:
    where = f"row {number}"
    if None in line or None in line.values():
        raise InputError(log, where, "has another number of fields than the header")
    text = {name: (value or "").strip() for name, value in line.items()}
    for name in ("reader", "image", "reference"):
        if not text[name]:
            raise InputError(log, where, f"{name} is empty")
    if text["arm"] not in ARMS:
        raise InputError(log, where, "unknown arm", got=repr(text["arm"]), want=" or ".join(ARMS))
    seconds = _number(log, where, "seconds", text["seconds"])
    if not 0 < seconds <= _LONGEST_S:
        raise InputError(log, where, "seconds", got=seconds, want=f"over 0, up to {_LONGEST_S:.0f}")
    hce: float | None
    if text.get("mask"):
        tp, fp, fn, hce = _score(log, where, text, references)
    else:
        tp, fp, fn = (_count(log, where, name, text.get(name, "")) for name in _COUNTS)
        hce = _number(log, where, "hce", text["hce"]) if text.get("hce") else None
    if tp + fn == 0:
        raise InputError(log, where, "tp + fn is 0, but a reference is never empty")
    names = {name: text[name] for name in ("reader", "image", "arm")}
    return Annotation(
        **names, reference_id=text["reference"], seconds=seconds, tp=tp, fp=fp, fn=fn, hce=hce
    )


def _number(log: Path, where: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or value < 0:
        raise InputError(log, where, name, got=repr(text), want="a number of at least 0")
    return value


def _count(log: Path, where: str, name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InputError(log, where, name, got=repr(text), want="a count of pixels")
    return int(text)


def _score(
    log: Path, where: str, text: dict[str, str], references: Mapping[str, Rle]
) -> tuple[int, int, int, float]:
    reference = references.get(text["reference"])
    if reference is None:
        raise InputError(
            log, where, "has a mask whose reference is in none of the packs", got=text["reference"]
        )
    counts = text["mask"].encode("utf-8")
    try:
        check_runs(counts, reference.height, reference.width, where=log)
        drawn = Rle(reference.height, reference.width, counts).decode()
        prepared = prepare_reference(reference.decode())
        overlap = count_overlap(drawn, prepared.mask)
        effort = measure_hce(drawn, prepared)
    except CosmosBoardError as error:
        raise InputError(log, where, f"mask: {error}") from error
    return overlap.tp, overlap.fp, overlap.fn, float(effort.total)
