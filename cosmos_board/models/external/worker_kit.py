"""Worker kit of cosmos-board: a model answers prompts from an environment of its own.

Put this file beside your model's code and call `serve`. It needs Python 3.8 and numpy, nothing
else. `cosmos-board … --model "exec:path/to/python worker.py"` starts the program and asks it.

    from worker_kit import serve

    class Model:
        card = {"name": "my-model", "prompts": ["point", "box"]}

        def __init__(self, device): ...
        def open_image(self, pixels): ...
        def predict(self, prompts): ...

    serve(Model)

Messages go through standard input and output, which nothing else may use: `serve` sends what is
printed to standard error. A message is four bytes `CBW1`, the length of its header (uint32), the
header (JSON, UTF-8), and the arrays that the header lists, one after the other: C order, numbers
with the low byte first.
"""

from __future__ import annotations

import json
import math
import os
import struct
import sys
import traceback
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, BinaryIO

    from numpy.typing import NDArray

PROTOCOL = 1
"""Version of the messages; both sides must speak the same."""

MOST_HEADER_BYTES = 1 << 20
MOST_ARRAY_BYTES = 1 << 31
"""Of all arrays of one message."""

_START = struct.Struct("<4sI")
_MAGIC = b"CBW1"
_KINDS = (
    *("bool", "uint8", "int8", "uint16", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
)


class MessageError(Exception):
    """What was read is no message; the text says why."""


class Prompt(NamedTuple):
    """What a user gives to have one object outlined; coordinates are pixels of the image."""

    points_xy: NDArray[np.int32]
    """Points (x, y), int32, shape (n, 2); n may be 0."""

    labels: NDArray[np.int8]
    """1 inside the object, 0 outside; int8, shape (n,)."""

    box_xyxy: tuple[int, int, int, int] | None
    """Least x, least y, greatest x, greatest y; the greatest lie inside."""

    logits: NDArray[np.float32] | None = None
    """Of the answer before, axes (y, x); only where the card says `mask_input`."""

    slice_index: int | None = None
    """The slice that it lies on; only in volumes."""

    mask: NDArray[np.bool_] | None = None
    """The object on that slice, bool, axes (Y, X); only for the volume prompt `slice-mask`."""


def serve(make_model: Callable[[str], Any]) -> None:
    """Answer questions until there are no more.

    Args:
        make_model: A class or a function; called once with the device, such as `cpu` or `cuda`.
            What it returns has `card`, a dictionary with `name` and, where they are known,
            `prompts`, `volume_prompts`, `label`, `family`, `kind`, `parameters`, `licence`,
            `source`, `description`, `training_data`, `base_model`, `input_size_px`, `clicks` and
            `mask_input`; and methods:

            - `open_image(pixels)`: uint8, axes (Y, X) grey or (Y, X, 3) RGB.
            - `predict(prompts)`: for each `Prompt` on that image `(masks, predicted_iou)`: bool,
              axes (K, Y, X), and K numbers; behind them `logits`, float32, axes (K, y, x), where
              the card says `mask_input`.
            - `segment_everything()`, where `prompts` names `everything`: `(masks, predicted_iou)`.
            - `open_volume(slices, spacing_mm)`, where there are `volume_prompts`: uint8, axes
              (Z, Y, X), and the spacing of slices, rows and columns in mm.
            - `predict_volume(prompts)`: bool, axes (Z, Y, X), for the prompts on one object.
    """
    source, sink = _take_pipes()
    worker = _Worker(make_model)
    try:
        while True:
            request, arrays = read_message(lambda count: _read(source, count))
            if request.get("do") == "close":
                return
            for part in worker.answer(request, arrays):
                sink.write(part)
            sink.flush()
    except (EOFError, BrokenPipeError):
        return  # whoever asked has ended


class _Worker:
    """Turns requests into calls of the model, and what it returns into answers."""

    def __init__(self, make_model: Callable[[str], Any]) -> None:
        self._make = make_model
        self._model: Any = None

    def answer(self, request: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> list[Any]:
        """Return the answer as buffers; whatever the model raises is an answer, too."""
        try:
            return list_parts(*self._ask(request, arrays))
        except (Exception, SystemExit) as error:
            kind, trace = type(error).__name__, traceback.format_exc()[-4000:]
            return list_parts({"error": {"type": kind, "text": str(error)[:1000], "trace": trace}})

    def _ask(
        self, request: dict[str, Any], arrays: dict[str, NDArray[Any]]
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        action = request["do"]
        if action == "hello":
            self._model = self._make(request["device"])
            return {"protocol": PROTOCOL, "card": self._model.card}, {}
        if action == "open_image":
            self._model.open_image(arrays["pixels"])
        elif action == "open_volume":
            self._model.open_volume(arrays["slices"], tuple(request["spacing_mm"]))
        elif action == "predict":
            return _list_answers(self._model.predict(_read_prompts(request, arrays)))
        elif action == "predict_volume":
            masks = self._model.predict_volume(_read_prompts(request, arrays))
            return {}, {"masks": np.asarray(masks)}
        elif action == "segment_everything":
            _, given = _list_answers([self._model.segment_everything()])
            return {}, {name.partition(".")[0]: array for name, array in given.items()}
        else:
            raise MessageError(f"unknown request {action!r}")
        return {}, {}


def _read_prompts(request: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> list[Prompt]:
    return [
        Prompt(
            np.array(given["points_xy"], np.int32).reshape(-1, 2),
            np.array(given["labels"], np.int8),
            None if given["box_xyxy"] is None else tuple(given["box_xyxy"]),
            arrays.get(f"logits.{index}"),
            given.get("slice_index"),
            arrays.get(f"mask.{index}"),
        )
        for index, given in enumerate(request["prompts"])
    ]


def _list_answers(
    answers: Sequence[Sequence[Any]],
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    arrays = {}
    for index, answer in enumerate(answers):
        arrays[f"masks.{index}"] = np.asarray(answer[0])
        arrays[f"predicted_iou.{index}"] = np.asarray(answer[1], np.float32)
        if len(answer) > 2 and answer[2] is not None:
            arrays[f"logits.{index}"] = np.asarray(answer[2])
    return {"answers": len(answers)}, arrays


def list_parts(
    header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] = MappingProxyType({})
) -> list[Any]:
    """Return a message as buffers, to be written one after the other.

    Raises:
        MessageError: If an array holds something other than numbers.
    """
    listed, parts = [], []
    for name, array in arrays.items():
        if array.dtype.name not in _KINDS:
            raise MessageError(f"{name} holds {array.dtype}, not numbers")
        ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        listed.append([name, array.dtype.name, list(array.shape)])
        parts.append(ordered.reshape(-1).view(np.uint8).data)
    text = json.dumps(dict(header, arrays=listed)).encode("utf-8")
    return [_START.pack(_MAGIC, len(text)) + text] + parts  # noqa: RUF005 (buffers of two kinds)


def read_message(read: Callable[[int], Any]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the header and the arrays of the next message.

    Args:
        read: Returns as many bytes as it is asked for, or raises.

    Raises:
        MessageError: If it is none, or too large to be one.
    """
    start = bytes(read(_START.size))
    magic, length = _START.unpack(start)
    if magic != _MAGIC:
        raise MessageError(f"standard output holds {start!r}, which is no message")
    if length > MOST_HEADER_BYTES:
        text = "a header of {} bytes is announced, at most {} are taken"
        raise MessageError(text.format(length, MOST_HEADER_BYTES))
    try:
        header = json.loads(bytes(read(length)).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MessageError(f"the header of a message is no JSON: {error}") from error
    try:
        listed = [_check_array(*array) for array in header.pop("arrays")]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MessageError(f"the header of a message is not as agreed: {error}") from error
    total = sum(kind.itemsize * math.prod(shape) for _, kind, shape in listed)
    if total > MOST_ARRAY_BYTES:
        text = "arrays of {} bytes are announced, at most {} are taken"
        raise MessageError(text.format(total, MOST_ARRAY_BYTES))
    arrays = {}
    for name, kind, shape in listed:
        content = read(kind.itemsize * math.prod(shape))
        if kind == np.bool_ and np.ndarray(len(content), np.uint8, content).max(initial=0) > 1:
            raise MessageError(f"{name} is bool and holds bytes other than 0 and 1")
        arrays[name] = np.ndarray(shape, kind, content)
    return header, arrays


def _check_array(
    name: str, kind: str, shape: Sequence[int]
) -> tuple[str, np.dtype[Any], tuple[int, ...]]:
    if not isinstance(name, str) or kind not in _KINDS:
        raise ValueError(f"an array of {kind!r}")
    if len(shape) > 8 or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"an array of shape {shape!r}")
    return name, np.dtype(kind).newbyteorder("<"), tuple(shape)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return what messages come from and go to; whatever else is read or printed goes elsewhere."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout.flush()  # what was printed before goes to standard error, too
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return source, sink


def _read(source: BinaryIO, count: int) -> bytearray:
    content = bytearray(count)
    view, done = memoryview(content), 0
    while done < count:
        got = source.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        done += got
    return content
