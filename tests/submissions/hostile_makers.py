"""Ways to make a right submission wrong, each in one way."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from cosmos_board.data.pack import open_pack
from cosmos_board.submissions.checks.check import check_submission
from cosmos_board.submissions.checks.submission import Accepted
from cosmos_board.submissions.files.external import check_redirect
from cosmos_board.submissions.history.changes import Merge, check_changes
from cosmos_board.submissions.history.git import Change
from cosmos_board.submissions.history.versions import read_history
from cosmos_board.submissions.scoring.score import score_submission
from tests.submissions import hostile_files as files
from tests.submissions.repositories import make_repository
from tests.submissions.runs import encode_runs
from tests.submissions.samples import NOW, Sample

Lines = list[str]


@dataclass(frozen=True)
class Case:
    """One hostile submission."""

    make: Callable[[Sample, Path], Lines]
    """Makes it below a folder and returns the lines that are said of it."""

    says: str
    """Must stand in the first line."""

    maps_to: str = ""
    held: bool = False


def sent(**options: object) -> Callable[[Sample, Path], Lines]:
    return lambda sample, root: sample.check(sample.write(root, **options))  # type: ignore[arg-type]


def text_of(text: str | bytes) -> Callable[[Sample, Path], Lines]:
    data = text.encode() if isinstance(text, str) else text
    return sent(manifest=data)


def row_of(**values: object) -> Callable[[Sample, Path], Lines]:
    return lambda sample, root: sample.check(
        sample.write(root, table=sample.change_row(17, **values))
    )


def table_of(change: Callable[[pa.Table], pa.Table]) -> Callable[[Sample, Path], Lines]:
    return lambda sample, root: sample.check(sample.write(root, table=change(sample.table)))


def bytes_of(change: Callable[[pa.Table], bytes]) -> Callable[[Sample, Path], Lines]:
    return lambda sample, root: sample.check(sample.write(root, data=change(sample.table)))


def extra(
    name: str, data: bytes = b"x", *, folder: bool = False
) -> Callable[[Sample, Path], Lines]:
    def make(sample: Sample, root: Path) -> Lines:
        made = sample.write(root)
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if folder else path.write_bytes(data)
        return sample.check(made)

    return make


def link(name: str, target: str) -> Callable[[Sample, Path], Lines]:
    def make(sample: Sample, root: Path) -> Lines:
        folder = sample.write(root)
        (folder / name).unlink()
        (folder / name).symlink_to(target)
        return sample.check(folder)

    return make


def executable(sample: Sample, root: Path) -> Lines:
    folder = sample.write(root)
    os.chmod(folder / "submission.toml", 0o755)
    return sample.check(folder)


def changes(*changes: Change, author: int = 2002) -> Callable[[Sample, Path], Lines]:
    """Return what is said of a request that would leave these changes on main."""

    def make(sample: Sample, root: Path) -> Lines:
        make_repository(root / "hub")
        merge = Merge(read_history(root / "hub"), "", author, NOW)
        for change in changes:
            merge.add(change)
        return [str(one) for one in check_changes(merge)[1]]

    return make


def named(*accepted: Accepted, **options: object) -> Callable[[Sample, Path], Lines]:
    def make(sample: Sample, root: Path) -> Lines:
        folder = sample.write(root, **options)  # type: ignore[arg-type]
        inputs = replace(sample.inputs, accepted=accepted)
        return [str(problem) for problem in check_submission(folder, inputs)]

    return make


def huge(sample: Sample, root: Path) -> Lines:
    folder = sample.write(root)
    with (folder / "predictions.parquet").open("r+b") as file:
        file.truncate(101 << 20)  # sparse: takes no room
    return sample.check(folder)


def sized(values: list[object], kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    return lambda table: files.with_columns(
        table, height=pa.array([*values, *values * (len(table) - 1)][: len(table)], kind)
    )


def nested(table: pa.Table) -> pa.Table:
    deep = pa.array([1] * len(table))
    for _ in range(50):
        deep = pa.ListArray.from_arrays(np.arange(len(deep) + 1, dtype=np.int32), deep)
    return files.with_columns(table, x=deep)


def forged_values(table: pa.Table) -> bytes:
    """Two footers disagree about the number of values: bytes of the count are swapped."""
    data = files.to_bytes(table, compression="none", use_dictionary=False, write_statistics=False)
    footer = int.from_bytes(data[-8:-4], "little")
    head, tail = data[: -8 - footer], data[-8 - footer :]
    count = len(table)
    zigzag = (
        bytes([(2 * count) & 0x7F | 0x80, (2 * count) >> 7]) if count > 63 else bytes([2 * count])
    )
    other = bytes([2]) if len(zigzag) == 1 else bytes([0x82, 0x00])
    # The first place is the schema or a chunk; only one is changed, so that they disagree.
    at = tail.find(b"\x16" + zigzag)
    return head + tail[: at + 1] + other + tail[at + 1 + len(zigzag) :]


def extension(table: pa.Table) -> pa.Table:
    field = pa.field(
        "candidate",
        pa.int32(),
        metadata={"ARROW:extension:name": "evil", "ARROW:extension:metadata": "gASV"},
    )
    place = table.column_names.index("candidate")
    return table.set_column(place, field, table.column("candidate"))


def flip_codec(table: pa.Table) -> bytes:
    """The codec of a chunk is written as a small number: put one there that no codec has."""
    data = files.to_bytes(table, compression="snappy")
    footer = int.from_bytes(data[-8:-4], "little")
    head, tail = data[: -8 - footer], data[-8 - footer :]
    # Field 4 of ColumnMetaData: i32 (0x15), value zigzag(1) = 2, before field 5, i64 (0x16).
    return head + tail.replace(b"\x15\x02\x16", b"\x15\x42\x16", 1)


def histogram(table: pa.Table) -> bytes:
    """Cut the footer's last lists short: what follows no longer is what it says."""
    data = bytearray(files.to_bytes(table, compression="snappy"))
    footer = int.from_bytes(data[-8:-4], "little")
    for at in range(len(data) - 8 - footer, len(data) - 8):
        if data[at] == 0x19 and data[at + 1] in (0x16, 0x26):
            data[at + 1] = 0xF6
            break
    return bytes(data)


def name(value: str) -> Callable[[Sample, Path], Lines]:
    return sent(model__name=value)


def sent_column(name: str, value: object) -> Callable[[Sample, Path], Lines]:
    """Add a column that no layout has."""
    return table_of(
        lambda table: files.with_columns(table, **{name: pa.array([value] * len(table))})
    )


def misnamed(sample: Sample, root: Path) -> Lines:
    """Name another slug in the manifest than the folder has."""
    folder = sample.write(root)
    path = folder / "submission.toml"
    path.write_text(path.read_text().replace('slug = "evil-sam"', 'slug = "other-model"'))
    return sample.check(folder)


def redirected(sample: Sample, root: Path) -> Lines:
    """Let an allowed host send us into a private network."""
    try:
        check_redirect("http://10.0.0.1/x")
    except ValueError as error:
        return [f"submissions/evil-sam/submission.toml: files[0].url: {error}"]
    return []


def trailing_space(sample: Sample, root: Path) -> Lines:
    """Add a space to one reference id."""
    name = sample.table["reference_id"][17].as_py() + " "
    return sample.check(sample.write(root, table=sample.change_row(17, reference_id=name)))


def copied_references(sample: Sample, root: Path) -> Lines:
    """Hand in the reference masks themselves; the lines are those of the scoring."""
    pack = open_pack(sample.pack)
    drawn = {
        reference.reference_id: reference.rle.counts
        for item in pack.iter_items()
        for reference in item.references
    }
    counts = [drawn[name] for name in sample.table["reference_id"].to_pylist()]
    table = files.with_columns(sample.table, rle=pa.array(counts, pa.binary()))
    folder = sample.write(root, table=table)
    scored = score_submission(folder, [pack], root / "run", inputs=sample.inputs)
    return [str(problem) for problem in scored.checked.problems]


def same_mask(sample: Sample, root: Path) -> Lines:
    """Answer everything with one mask."""
    one = sample.table["rle"][0].as_py()
    table = files.with_columns(sample.table, rle=pa.array([one] * len(sample.table), pa.binary()))
    return sample.check(sample.write(root, table=table))


def unequal_runs(runs: list[int]) -> bytes:
    """Return runs as COCO writes them, negative ones too."""
    return encode_runs(np.array(runs))
