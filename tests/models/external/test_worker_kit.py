"""The file that users copy into environments of their own, and the messages that it speaks."""

from __future__ import annotations

import ast
import io
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from cosmos_board.cli.main import group
from cosmos_board.models.external import worker_kit
from cosmos_board.models.external.worker_kit import MessageError, list_parts, read_message

KIT = Path(worker_kit.__file__)
NUMBERS = st.sampled_from(["bool", "uint8", "int8", "int32", ">i4", "float16", "float32", ">f8"])
ARRAYS = st.dictionaries(
    st.text(max_size=5), NUMBERS.flatmap(lambda kind: arrays(kind, array_shapes(min_side=0)))
)
SINCE_3_8 = {
    *("json.dumps", "json.loads", "math.prod"),
    *("os.close", "os.devnull", "os.dup", "os.dup2", "os.fdopen", "os.open", "os.O_RDONLY"),
    *("struct.Struct", "sys.stdout", "traceback.format_exc"),
}
"""What the kit takes of the standard library: all of it is in Python 3.8."""


def pack(header: dict[str, object], content: dict[str, NDArray[np.generic]]) -> bytes:
    """Return a message as bytes."""
    return b"".join(bytes(part) for part in list_parts(header, content))


def unpack(message: bytes) -> tuple[dict[str, object], dict[str, NDArray[np.generic]]]:
    """Return what a message holds; raise EOFError where it ends too early."""
    file = io.BytesIO(message)

    def read(count: int) -> bytes:
        content = file.read(min(count, len(message)))
        if len(content) < count:
            raise EOFError
        return content

    return read_message(read)


@given(note=st.text(), content=ARRAYS)
def test_a_message_arrives_as_it_was_sent(
    note: str, content: dict[str, NDArray[np.generic]]
) -> None:
    header, found = unpack(pack({"note": note}, content))

    assert header == {"note": note}
    assert list(found) == list(content)
    for sent, got in zip(content.values(), found.values(), strict=True):
        assert got.dtype == sent.dtype.newbyteorder("=")
        np.testing.assert_array_equal(got, sent)


@given(content=ARRAYS, at=st.integers(0), byte=st.integers(0, 255), end=st.integers(0))
def test_damaged_messages_are_refused_or_read_and_nothing_else(
    content: dict[str, NDArray[np.generic]], at: int, byte: int, end: int
) -> None:
    message = bytearray(pack({"answers": 1}, content))
    message[at % len(message)] = byte
    del message[len(message) - end % 3 :]
    with suppress(MessageError, EOFError):
        unpack(bytes(message))


def test_what_is_no_number_is_not_sent() -> None:
    with pytest.raises(MessageError, match="masks holds object, not numbers"):
        list_parts({}, {"masks": np.array([None])})


def test_the_kit_is_python_3_8_and_needs_numpy_only() -> None:
    tree = ast.parse(KIT.read_text("utf-8"), feature_version=(3, 8))
    modules: set[str] = set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.add(str(node.module))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.add(f"{node.value.id}.{node.attr}")

    modules -= {"collections.abc", "numpy.typing"}  # only type checkers import these
    assert modules <= {*sys.stdlib_module_names, "numpy"}
    ours = {module for module in modules if module in sys.stdlib_module_names}
    assert {name for name in names if name.partition(".")[0] in ours} <= SINCE_3_8
    assert ours == {"__future__", "json", "math", "os", "struct", "sys", "traceback", "types",
                    "typing"}  # fmt: skip


def test_a_command_prints_or_writes_the_kit_and_overwrites_nothing_else(tmp_path: Path) -> None:
    text = KIT.read_text("utf-8")

    def write(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(group, ["models", "worker-kit", *words])
        return done.exit_code, done.stdout if done.exit_code == 0 else str(done.exception)

    assert write() == (0, text)
    assert write("--out", str(tmp_path)) == (0, f"{tmp_path / 'worker_kit.py'}\n")
    assert (tmp_path / "worker_kit.py").read_text("utf-8") == text
    (tmp_path / "worker_kit.py").write_text(text + "# an older version\n", "utf-8")
    assert write("--out", str(tmp_path / "worker_kit.py"))[0] == 0
    assert (tmp_path / "worker_kit.py").read_text("utf-8") == text
    (tmp_path / "mine.py").write_text("mine", "utf-8")
    assert write("--out", str(tmp_path / "mine.py"))[0] != 0
    assert (tmp_path / "mine.py").read_text("utf-8") == "mine"
    assert write("--out", str(tmp_path / "absent" / "kit.py"))[0] != 0
