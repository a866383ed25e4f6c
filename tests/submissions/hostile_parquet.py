"""More hostile submissions: bytes of Parquet files, by id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from cosmos_board.submissions.checks.check import check_submission
from tests.submissions import hostile_files as files
from tests.submissions.counts_samples import forge, make_counts_sample
from tests.submissions.hostile_makers import Case, Lines, bytes_of, row_of, table_of
from tests.submissions.runs import encode_runs
from tests.submissions.samples import Sample

DATA = "predictions.parquet"
PLAIN = "want plain signed integers"
SIDE, PIXELS = 96, 96 * 96
WIDE = 4000


def typed(name: str, kind: pa.DataType) -> Callable[[Sample, Path], Lines]:
    """Give a column another type."""
    return table_of(
        lambda table: files.with_columns(
            table, **{name: table[name].combine_chunks().cast(kind, safe=False)}
        )
    )


def stored(**options: object) -> Callable[[Sample, Path], Lines]:
    """Write the right rows in another way."""
    return bytes_of(lambda table: files.to_bytes(table, **options))


def noted(notes: dict[str, str]) -> Callable[[Sample, Path], Lines]:
    return table_of(lambda table: table.replace_schema_metadata(notes))


def twice(table: pa.Table) -> bytes:
    """Two columns of one name."""
    names = ["height" if name == "width" else name for name in table.column_names]
    return files.to_bytes(table.rename_columns(names), store_schema=False)


def split(table: pa.Table, rows: int) -> bytes:
    return files.to_bytes(pa.concat_tables([table] * 120), row_group_size=rows)


def valid_counts(length: int, pixels: int) -> bytes:
    """Return counts of `length` bytes that cover an image of so many pixels."""
    runs = np.ones(length - 5, np.int64)
    runs[-1] = pixels - len(runs) + 1
    return encode_runs(runs)


def wide_rows(table: pa.Table, rows: int, length: int, *, alone: bool) -> bytes:
    """Rows with long masks that are packed to nothing, each in a row group or all in one."""
    one = table.slice(0, 1)
    changed = {
        "height": pa.array([WIDE], pa.int32()),
        "width": pa.array([WIDE], pa.int32()),
        "rle": pa.array([valid_counts(length, WIDE * WIDE)], pa.binary()),
    }
    row = files.with_columns(one, **changed)
    whole = pa.concat_tables([row] * rows).combine_chunks()
    size = 1 if alone else rows
    return files.to_bytes(whole, compression="zstd", row_group_size=size, store_schema=False)


def shared_words(table: pa.Table, rows: int, size: int) -> bytes:
    """Ids of `size` bytes, all in one dictionary, asked for again and again."""
    ids = pa.array([f"{n:06d}".ljust(size, "x") for n in range(3000)])
    places = np.arange(rows, dtype=np.int32) % len(ids)
    whole = pa.concat_tables([table.slice(0, 1)] * rows).combine_chunks()
    made = files.with_columns(whole, reference_id=None).add_column(
        0, "reference_id", [pa.DictionaryArray.from_arrays(pa.array(places), ids)]
    )
    return files.to_bytes(made, compression="zstd", store_schema=False)


def after(data: bytes) -> Callable[[pa.Table], bytes]:
    return lambda table: files.to_bytes(table) + data


def edit_footer(old: bytes, new: bytes) -> Callable[[pa.Table], bytes]:
    return lambda table: files.rename_in_footer(files.to_bytes(table, store_schema=False), old, new)


def pages_of(table: pa.Table) -> bytes:
    """A footer that is right, and nothing but zeros before it."""
    data = files.to_bytes(table)
    footer = int.from_bytes(data[-8:-4], "little") + 8
    return b"PAR1" + b"\0" * (len(data) - footer - 4) + data[-footer:]


def counted(change: Callable[[pa.Table], pa.Table]) -> Callable[[Sample, Path], Lines]:
    """Change the counts of a right submission of counts."""

    def make(sample: Sample, root: Path) -> Lines:
        counts = make_counts_sample(sample, root)
        forge(counts, change)
        return [str(one) for one in check_submission(counts.folder, counts.inputs())]

    return make


def with_count(name: str, value: int, row: int = 5) -> Callable[[Sample, Path], Lines]:
    def change(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        rows[row][name] = value
        return pa.Table.from_pylist(rows, table.schema)

    return counted(change)


def constant(rows: int) -> Callable[[pa.Table], pa.Table]:
    """The first row of the counts, again and again."""

    def change(table: pa.Table) -> pa.Table:
        zeros = pa.array(np.zeros(rows, np.int32))
        return pa.table(
            {
                name: table[name].slice(0, 1).combine_chunks().take(zeros)
                for name in table.schema.names
            }
        )

    return change


PARQUET: dict[str, Case] = {
    "B01": Case(typed("height", pa.date32()), f"column 'height': INT32 as Date, {PLAIN}"),
    "B02": Case(typed("width", pa.uint32()), "isSigned=false), want plain signed integers"),
    "B03": Case(typed("candidate", pa.time32("ms")), "column 'candidate': INT32 as Time("),
    "B04": Case(typed("candidate", pa.int64()), "column 'candidate': INT64, want INT32"),
    "B05": Case(typed("predicted_iou", pa.float32()), "'predicted_iou': FLOAT, want DOUBLE"),
    "B06": Case(typed("predicted_iou", pa.float16()), "FIXED_LEN_BYTE_ARRAY, want DOUBLE"),
    "B07": Case(typed("height", pa.bool_()), "column 'height': BOOLEAN, want INT32"),
    "B08": Case(
        bytes_of(lambda table: files.to_bytes(
            files.with_columns(
            table, height=table["height"].combine_chunks().cast(pa.int64())
            .cast(pa.timestamp("ns"))), use_deprecated_int96_timestamps=True)),
        "column 'height': INT96, want INT32",
    ),
    "B09": Case(
        table_of(lambda table: files.with_columns(
            table, prompt=pa.ExtensionArray.from_storage(
                pa.json_(), table["prompt"].combine_chunks()))),
        "column 'prompt': ",
    ),
    "B10": Case(
        table_of(lambda table: files.with_columns(
            table, candidate=pa.array([1] * len(table)).cast(pa.decimal128(19, 0)))),
        "column 'candidate': FIXED_LEN_BYTE_ARRAY, want INT32",
    ),
    "B11": Case(
        stored(use_dictionary=False, column_encoding={"prompt": "DELTA_BYTE_ARRAY"}),
        "column 'prompt': encoding DELTA_BYTE_ARRAY not allowed, want PLAIN or a dictionary",
    ),
    "B12": Case(
        stored(use_dictionary=False, column_encoding={"height": "DELTA_BINARY_PACKED"}),
        "column 'height': encoding DELTA_BINARY_PACKED not allowed",
    ),
    "B13": Case(
        stored(use_dictionary=False, column_encoding={"rle": "DELTA_LENGTH_BYTE_ARRAY"}),
        "column 'rle': encoding DELTA_LENGTH_BYTE_ARRAY not allowed",
    ),
    "B14": Case(
        stored(use_dictionary=False, column_encoding={"predicted_iou": "BYTE_STREAM_SPLIT"}),
        "column 'predicted_iou': encoding BYTE_STREAM_SPLIT not allowed",
    ),
    "B15": Case(stored(compression="gzip"), "codec GZIP not allowed"),
    "B16": Case(stored(compression="lz4"), "codec LZ4 not allowed"),
    "B17": Case(noted({f"k{n}": "v" for n in range(100)}), "metadata: more than 64 keys"),
    "B18": Case(noted({"k": "v" * 300_000}), "metadata: more than 64 keys or 262144 bytes"),
    "B19": Case(noted({"k": "v" * 3_000_000}), f"{DATA}: footer "),
    "B20": Case(bytes_of(twice), "column 'width': missing"),
    "B21": Case(
        table_of(lambda table: files.with_columns(
            table, rle=pa.StructArray.from_arrays([table["rle"].combine_chunks()], ["x"]))),
        "column 'rle': nested columns not allowed",
    ),
    "B22": Case(
        table_of(lambda table: files.with_columns(
            table, height=pa.array([[1]] * len(table), pa.list_(pa.int32())))),
        "column 'height': nested columns not allowed",
    ),
    "B23": Case(
        table_of(lambda table: files.with_columns(
            table, height=pa.array([[(1, 2)]] * len(table), pa.map_(pa.int32(), pa.int32())))),
        "column 'height': nested columns not allowed",
    ),
    "B24": Case(bytes_of(lambda table: split(table, 1)), "4320 rows, limit 216"),
    "B25": Case(table_of(lambda table: table.slice(0, 0)), f"{DATA}: 0 rows, limit"),
    "B26": Case(bytes_of(after(b"x" * 100)), f"{DATA}: no PAR1 tail (truncated?)"),
    "B27": Case(bytes_of(after(files.to_bytes(pa.table({"a": [1]})))), f"{DATA}: "),
    "B28": Case(bytes_of(lambda table: b"PAR1" + files.to_bytes(table)), f"{DATA}: "),
    "B29": Case(bytes_of(pages_of), f"{DATA}: "),
    "B30": Case(bytes_of(edit_footer(b"height", b"width\0")), f"{DATA}: column '"),
    "B31": Case(bytes_of(edit_footer(b"height", b"a.b.cd")), "column 'a': nested columns not"),
    "B32": Case(
        bytes_of(lambda table: wide_rows(table, 1000, 900_000, alone=True)), f"{DATA}: "
    ),
    "B33": Case(
        bytes_of(lambda table: wide_rows(table, 140, 900_000, alone=True)), "row 0: size 4000x4000"
    ),
    "B34": Case(
        bytes_of(lambda table: wide_rows(table, 216, 60_000, alone=False)), "row 0: size 4000x4000"
    ),
    "B35": Case(
        bytes_of(lambda table: wide_rows(table, 216, 900_000, alone=False)), "row 0: 194"
    ),
    "B36": Case(
        bytes_of(lambda table: shared_words(table, 1_000_000, 200)), "1000000 rows, limit 216"
    ),
    "B37": Case(
        bytes_of(lambda table: shared_words(table, 216, 200)), "row 0: reference_id: '000000xx"
    ),
    "B38": Case(
        bytes_of(lambda table: shared_words(table, 100, 5000)),
        "row group 0 column 'reference_id': ratio ",
    ),
    "B39": Case(row_of(predicted_iou=float("nan")), "row 17: predicted_iou: nan outside -10..10"),
    "B40": Case(row_of(predicted_iou=float("-inf")), "row 17: predicted_iou: -inf outside"),
    "B41": Case(row_of(predicted_iou=1e308), "row 17: predicted_iou: 1e+308 outside"),
    "B42": Case(row_of(height=0), "row 17: rle: h=0 outside 1..16384"),
    "B43": Case(row_of(width=-(2**31)), "row 17: rle: w=-2147483648 outside 1..16384"),
    "B44": Case(row_of(height=16384, width=16384), "row 17: rle: 16384x16384 exceeds"),
    "B45": Case(row_of(height=2**31 - 1, width=2**31 - 1), "row 17: rle: h=2147483647 outside"),
    "B46": Case(row_of(candidate=-1), "row 17: candidate: -1 outside 0..2"),
    "B47": Case(row_of(candidate=2), "rows: "),
    "B48": Case(row_of(candidate=None), "row 17: candidate: null"),
    "B49": Case(row_of(rle=None), "row 17: rle: null"),
    "B50": Case(row_of(reference_id=""), "row 17: reference_id: '' not in the core sample"),
    "B51": Case(row_of(reference_id="a\nb\x1b[2J"), "row 17: reference_id: 'a\\nb\\x1b[2J' not"),
    "B52": Case(row_of(reference_id="\u202e" * 60), "row 17: reference_id: '\\u202e"),
    "B53": Case(row_of(reference_id="x" * 201), "reference_id: length 201 outside 1..200"),
    "B54": Case(row_of(prompt="box\0"), "row 17: prompt: 'box\\x00' unknown"),
    "B55": Case(row_of(prompt="everything"), "'everything' is not among model.prompts"),
    "B56": Case(row_of(prompt=" box"), "row 17: prompt: ' box' unknown"),
    "B57": Case(row_of(rle=b"1" * (PIXELS + 2)), "counts length 9218 outside 1..9217"),
    "B58": Case(row_of(rle=b"ooooo?"), "row 17: rle: "),
    "B59": Case(row_of(rle=b"oooooO"), "row 17: rle: "),
    "B60": Case(row_of(rle=b"PPPPPO" * 3), "row 17: rle: "),
    "B61": Case(row_of(rle=encode_runs(np.array([PIXELS])) + b"0"), "zero-length run after the"),
    "B62": Case(row_of(rle=b" " + encode_runs(np.array([PIXELS]))), "counts byte outside '0'..'o'"),
    "B63": Case(row_of(rle=encode_runs(np.array([PIXELS + 1]))), "longer than the image (9216)"),
    "B64": Case(row_of(rle=encode_runs(np.array([PIXELS - 1]))), "sum to 9215, image has 9216"),
    "B65": Case(row_of(rle=b"P" + encode_runs(np.array([PIXELS]))), "row 17: rle: "),
    "B66": Case(table_of(lambda table: pa.concat_tables([table] * 2)), "duplicate key ("),
    "B67": Case(
        bytes_of(lambda table: files.to_bytes(files.with_columns(
            table, reference_id=pa.array([b"\xff\xfe"] * len(table), pa.binary())))),
        f"{DATA}: ",
    ),
    "B68": Case(
        table_of(lambda table: files.with_columns(
            table, height=pa.array([SIDE // 2] * len(table), pa.int32()),
            width=pa.array([SIDE * 2] * len(table), pa.int32()))),
        "row 0: size 48x192, index says 96x96",
    ),
    "B69": Case(with_count("fp", -1), "counts.parquet: row 5: fp: -1 below 0"),
    "B70": Case(with_count("fp", 2**63 - 1), "row 5: tp+fp+fn: more than the 9216 pixels"),
    "B71": Case(with_count("tp", 2**62), "row 5: tp+fp+fn: more than the 9216 pixels"),
    "B72": Case(with_count("fn", 1), "counts.parquet: row 5: tp+fn: is "),
    "B73": Case(counted(lambda table: table.slice(1)), "references missing for prompt"),
    "B74": Case(
        counted(lambda table: pa.concat_tables([table, table.slice(3, 1)])), "duplicate key ("
    ),
    "B75": Case(counted(constant(5_000_000)), "counts.parquet: 5000000 rows, limit 144"),
    "B76": Case(
        counted(lambda table: files.with_columns(
            table, tp=table["tp"].combine_chunks().cast(pa.timestamp("ms")))),
        "column 'tp': INT64 as Timestamp(",
    ),
    "B77": Case(
        counted(lambda table: files.with_columns(
            table, tp=table["tp"].combine_chunks().cast(pa.duration("ms")))),
        "column 'tp': duration[ms], want plain signed integers",
    ),
    "B78": Case(
        counted(lambda table: files.with_columns(
            table, selection=pa.array(["best"] * len(table)))),
        "row 0: selection: 'best' unknown",
    ),
}  # fmt: skip
