"""A program behind `exec:` that goes wrong in one way, on one image; no kit, no packages.

`misbehaving.py FAULT CHECKSUM`: on the image whose bytes have that CRC-32. It answers any box with
one mask that covers the image.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

CARD = {"name": "misbehaving", "prompts": ["box"]}
FAULT, CHECKSUM = (sys.argv[1], int(sys.argv[2])) if __name__ == "__main__" else ("", 0)


def read() -> tuple[dict[str, Any], bytes]:
    """Return a request and the bytes of its array."""
    start = sys.stdin.buffer.read(8)
    if not start:
        sys.exit(0)
    _, length = struct.unpack("<4sI", start)
    header = json.loads(sys.stdin.buffer.read(length))
    bytes_ = 1
    for side in header["arrays"][0][2] if header["arrays"] else [0]:
        bytes_ *= side
    return header, sys.stdin.buffer.read(bytes_)


def write(header: dict[str, Any], content: bytes = b"") -> None:
    """Send an answer."""
    text = json.dumps({"arrays": [], **header}).encode()
    send(struct.pack("<4sI", b"CBW1", len(text)) + text + content)


def send(content: bytes) -> None:
    """Write bytes as they are."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def answer(size: list[int], prompts: int, fault: str) -> None:
    """Answer prompts on an image, one mask each unless the fault says otherwise."""
    number = prompts - (fault == "one answer too few")
    masks = {"too many masks": 65, "all NaN": 2}.get(fault, 1)
    kind = "uint8" if fault == "wrong type" else "bool"
    width = size[1] + (fault == "wrong shape")
    level = b"\2" if fault == "bytes of two" else b"\1"
    estimate = struct.pack("<f", float("nan") if fault == "all NaN" else 0.5)
    arrays: list[object] = []
    content = b""
    for index in range(0 if fault == "no masks" else number):
        arrays.append([f"masks.{index}", kind, [masks, size[0], width]])
        arrays.append([f"predicted_iou.{index}", "float32", [masks]])
        content += level * (masks * size[0] * width) + estimate * masks
    if fault == "stops halfway":
        write({"answers": number, "arrays": arrays}, content[: len(content) // 2])
        os._exit(0)
    write({"answers": number, "arrays": arrays}, content)


def send_huge_array() -> None:
    """Announce a terabyte."""
    write({"answers": 1, "arrays": [["masks.0", "bool", [1 << 20, 1 << 20]]]})


def close_output() -> None:
    """Live on without it."""
    os.close(1)
    time.sleep(600)


GO_WRONG: dict[str, Callable[[], object]] = {
    "exits": lambda: sys.exit("cannot go on"),
    "crashes": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "never answers": lambda: time.sleep(600),
    "prints": lambda: send(b"Loading the weights\n"),
    "huge header": lambda: send(struct.pack("<4sI", b"CBW1", 0xFFFFFFFF)),
    "huge array": send_huge_array,
    "no JSON": lambda: send(struct.pack("<4sI", b"CBW1", 4) + b"what"),
    "closes its output": close_output,
    "floods standard error": lambda: sys.stderr.write(("x" * 9999 + "\n") * 100),
}
"""What no program should do before its answer."""


def main() -> None:
    """Answer until standard input ends."""
    size, wrong = [0, 0], False
    if FAULT == "hello: exits":
        raise ValueError("no such file: weights.pt")
    if FAULT == "hello: prints":
        send(b"Loading the weights\n")
    while True:
        header, content = read()
        if header["do"] == "hello" and FAULT == "hello: never":
            time.sleep(600)
        elif header["do"] == "hello":
            card = {**CARD, "prompts": ["lasso"]} if FAULT == "hello: unknown prompt" else CARD
            version = 2 if FAULT == "hello: another version" else 1
            write({"protocol": version, "card": card})
            if FAULT == "does not read":
                time.sleep(600)
        elif header["do"] == "open_image":
            size, wrong = header["arrays"][0][2][:2], zlib.crc32(content) == CHECKSUM
            write({})
        elif header["do"] == "close":
            return
        else:
            if wrong:
                GO_WRONG.get(FAULT, lambda: None)()
            answer(size, len(header["prompts"]), FAULT if wrong else "")


if __name__ == "__main__":
    main()
